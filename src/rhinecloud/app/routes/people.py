"""Who can be given an incident: the people of an agency, `/agencies/{id}/people`."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.routes.city import CityDescription
from rhinecloud.identity.accounts import Accounts
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Forbidden, NotFound

_EVERYWHERE = frozenset({Role.ADMIN, Role.OPERATOR})


class PersonView(BaseModel):
    """Somebody who signs in, as far as colleagues need to know."""

    id: str = Field(description="What an incident's `assignee` may hold")
    name: str


class AgencyPeople:
    """Names the accounts of an agency to those who may give them work."""

    def __init__(self, accounts: Accounts, portrait: CityDescription) -> None:
        self._accounts = accounts
        self._portrait = portrait

    async def of_agency(self, actor: Actor, agency: str) -> list[PersonView]:
        """Give the people of an agency by name: to operators, and to itself; raises Forbidden or NotFound."""
        if not actor.roles & _EVERYWHERE and not (Role.AGENCY in actor.roles and actor.agency == agency):
            raise Forbidden(f"{actor.name} may not see who works there")
        if agency not in {each.id for each in await self._portrait.agencies(actor)}:
            raise NotFound(f"there is no agency {agency}")
        people = [each.actor() for each in self._accounts.list() if each.agency == agency and not each.locked]
        views = [PersonView(id=each.id, name=each.name) for each in people if each.tenant == actor.tenant]
        return sorted(views, key=lambda view: view.name.casefold())


def people_routes(people: AgencyPeople, gate: Authentication) -> APIRouter:
    """Build `/agencies/{id}/people`."""
    router = APIRouter(tags=["city"])

    @router.get("/agencies/{agency_id}/people", summary="Who works there and can be given an incident")
    async def list_people(agency_id: str, actor: Actor = Depends(gate.signed_in)) -> list[PersonView]:
        return await people.of_agency(actor, agency_id)

    return router
