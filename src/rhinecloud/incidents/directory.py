"""The agencies of a city and their people: who can be given an incident or a task."""

from __future__ import annotations

import builtins

from pydantic import BaseModel, Field

from rhinecloud.broker.service import Broker
from rhinecloud.identity.accounts import Accounts
from rhinecloud.incidents.model import AGENCY
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden, NotFound
from rhinecloud.kernel.ids import NewId
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.policy import Authorization, CoreAction

MOST_AGENCIES = 1000


class AgencyView(BaseModel):
    """An organisation that acts in the city."""

    id: str
    name: str


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
        await self._broker.create(actor, self._tenant, entity)
        return self._view(entity)

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
        name = entity.first(self._name)
        return AgencyView(id=entity.id, name=str(name.value) if name else entity.id)
