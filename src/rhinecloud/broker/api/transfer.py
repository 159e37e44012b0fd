"""All entities of a tenant at once: `/export` and `/import`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.representation import Options, render
from rhinecloud.part import Access

PAGE = 500


async def export(broker: Broker, actor: Actor, tenant: str) -> AsyncIterator[bytes]:
    """Return a tenant's entities as `entities` does; raise NonexistentTenant before the first byte."""
    if tenant:
        await broker.need_tenant(tenant)
    return entities(broker, actor, tenant)


async def entities(broker: Broker, actor: Actor, tenant: str) -> AsyncIterator[bytes]:
    """Yield each entity as a line of JSON: normalized, with system attributes, whole IRIs for names."""
    context, options, offset = core_context(), Options(sys_attrs=True), 0
    while True:
        page = await broker.query(actor, tenant, EntityQuery(limit=PAGE, offset=offset))
        lines = [orjson.dumps(render(stored.entity(), context, options)) for stored in page.items]
        if lines:
            yield b"\n".join([*lines, b""])
        if not page.more:
            return
        offset += PAGE


class RejectedEntity(BaseModel):
    """An entity of an import that was not written, and why."""

    id: str
    reason: str


class ImportResult(BaseModel):
    """What became of the entities of an import."""

    accepted: int
    rejected: list[RejectedEntity]


async def import_entities(
    broker: Broker, actor: Actor, tenant: str, entities: Sequence[dict[str, Any]]
) -> ImportResult:
    """Merge entities into a tenant, as the system itself: an export holds entities of protected types, too."""
    importer = replace(actor, roles=actor.roles | {Role.SYSTEM})
    outcomes = await broker.ingest(importer, tenant, entities, core_context())
    rejected = [
        RejectedEntity(id=str(entity.get("id", "")), reason=str(outcome))
        for entity, outcome in zip(entities, outcomes, strict=True)
        if isinstance(outcome, RhineCloudError)
    ]
    return ImportResult(accepted=len(entities) - len(rejected), rejected=rejected)


def transfer_routes(broker: Broker, access: Access) -> APIRouter:
    """Build `/export` and `/import`, for administrators."""
    router = APIRouter(tags=["transfer"])
    administrator = Depends(access.may("administer", reads=True))

    @router.get("/export", summary="All entities of a tenant as NDJSON", response_class=StreamingResponse)
    async def export_all(tenant: str = "", actor: Actor = administrator) -> StreamingResponse:
        return StreamingResponse(await export(broker, actor, tenant), media_type="application/x-ndjson")

    @router.post("/import", summary="Merge entities, as an export has them, into a tenant")
    async def import_all(
        request: Request, entities: list[dict[str, Any]], tenant: str = "", actor: Actor = administrator
    ) -> ImportResult:
        request.state.subject = f"{len(entities)} entities{f' into {tenant}' if tenant else ''}"
        return await import_entities(broker, actor, tenant, entities)

    return router
