"""The agencies of a city and their people: who can be given an incident or a task."""

from __future__ import annotations

import builtins

from pydantic import BaseModel, Field

from rhinecloud.broker.service import Broker
from rhinecloud.identity.accounts import Accounts
from rhinecloud.incidents.model import AGENCY
from rhinecloud.incidents.rights import CREATE_AGENCY, DELETE_AGENCY
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Conflict, Forbidden, NotFound
from rhinecloud.kernel.ids import NewId
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.policy import Authorization, CoreAction
from rhinecloud.store.port import Decision, Put, Remove

MOST_AGENCIES = 1000


class AgencyView(BaseModel):
    """An organisation that acts in the city."""

    id: str
    name: str
    names: dict[str, str] | None = Field(
        default=None, description="By language; null where it has one name in all of them"
    )


class NewAgency(BaseModel):
    """An agency to be created; without an id it gets a new one."""

    name: str = Field(min_length=1, max_length=200)
    id: str = ""


class PersonView(BaseModel):
    """A person with an account, as far as colleagues need to know."""

    id: str = Field(description="What an incident's `assignee` may hold")
    name: str


class AgencyDirectory:
    """Reads and creates the agencies of one tenant, and lists their people."""

    def __init__(
        self,
        broker: Broker,
        policy: Authorization,
        accounts: Accounts,
        context: Context,
        new_id: NewId,
        tenant: str = "",
    ) -> None:
        self._broker = broker
        self._policy = policy
        self._accounts = accounts
        self._new_id = new_id
        self._tenant = tenant
        self._name = context.expand("name")
        self._title = context.expand("title")

    async def list(self, actor: Actor) -> list[AgencyView]:
        """Return the agencies that the actor may see, by name."""
        query = EntityQuery(types=((AGENCY,),), limit=MOST_AGENCIES)
        try:
            page = await self._broker.query(actor, self._tenant, query)
        except Forbidden:
            return []
        views = [self._view(stored.entity()) for stored in page.items]
        return sorted(views, key=lambda view: view.name.casefold())

    async def create(self, actor: Actor, new: NewAgency) -> AgencyView:
        """Create an agency; raise Forbidden, Conflict or Invalid."""
        attrs = {self._name: [Instance(value=new.name)]}
        entity = Entity(id=new.id or self._new_id("Agency"), type=[AGENCY], attrs=attrs)
        now = self._broker.moment()
        self._policy.check_could(actor, CREATE_AGENCY, self._tenant, (AGENCY,))

        def decide(present: Entity | None) -> Decision:
            if present is not None:
                raise Conflict(f"{entity.id} exists already")
            made = patch.create(entity, now)
            return Put(made.entity, made.changed, made.previous)

        await self._broker.edit(actor, self._tenant, entity.id, decide, action=CREATE_AGENCY)
        return self._view(entity)

    async def delete(self, actor: Actor, agency: str) -> None:
        """Delete an agency; raise Denied, NotFound, or Conflict where people belong to it."""
        self._policy.check_could(actor, DELETE_AGENCY, self._tenant, (AGENCY,))

        def decide(present: Entity | None) -> Decision:
            if present is None or AGENCY not in present.type:
                raise NotFound(f"there is no agency {agency}")
            people = [each.name for each in self._accounts.list() if each.agency == agency]
            if people:
                raise Conflict(f"people belong to the agency: {', '.join(sorted(people))}")
            return Remove(present)

        await self._broker.edit(actor, self._tenant, agency, decide, action=DELETE_AGENCY)

    async def people(self, actor: Actor, agency: str) -> builtins.list[PersonView]:
        """Return the people of an agency by name; raise Denied or NotFound."""
        asked = Entity(id=agency, type=[AGENCY])
        self._policy.check(actor, CoreAction.SEE_PEOPLE, self._tenant, entity=asked)
        stored = await self._broker.find(actor, self._tenant, agency)
        if stored is None or AGENCY not in stored.entity().type:
            raise NotFound(f"there is no agency {agency}")
        people = [each.actor() for each in self._accounts.list() if each.agency == agency and not each.locked]
        views = [PersonView(id=each.id, name=each.name) for each in people if each.tenant == actor.tenant]
        return sorted(views, key=lambda view: view.name.casefold())

    def _view(self, entity: Entity) -> AgencyView:
        name, title = entity.first(self._name), entity.first(self._title)
        return AgencyView(
            id=entity.id,
            name=str(name.value) if name else entity.id,
            names=_by_language(title.value) if title else None,
        )


def _by_language(value: object) -> dict[str, str] | None:
    """Return the texts of a languageMap (ETSI GS CIM 009, clause 4.5.18); None where it is no such map."""
    if not isinstance(value, dict):
        return None
    return {key: text for key, text in value.items() if isinstance(text, str)} or None
