"""The agencies' routes: `/agencies` and `/agencies/{id}/people`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends

from rhinecloud.incidents.directory import AgencyDirectory, AgencyView, NewAgency, PersonView
from rhinecloud.kernel.actor import Actor

Dependency = Callable[..., Any]


def agency_routes(agencies: AgencyDirectory, signed_in: Dependency) -> APIRouter:
    """Build the routes."""
    router = APIRouter(tags=["city"])

    @router.get("/agencies", summary="All agencies")
    async def list_agencies(actor: Actor = Depends(signed_in)) -> list[AgencyView]:
        return await agencies.list(actor)

    @router.post("/agencies", status_code=201, summary="Create an agency")
    async def add_agency(body: NewAgency, actor: Actor = Depends(signed_in)) -> AgencyView:
        return await agencies.create(actor, body)

    @router.get(
        "/agencies/{agency_id}/people", summary="The people of an agency, who can be given an incident"
    )
    async def list_people(agency_id: str, actor: Actor = Depends(signed_in)) -> list[PersonView]:
        return await agencies.people(actor, agency_id)

    return router
