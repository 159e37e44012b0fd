"""All entities of a tenant at once: `/export`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
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


def export_routes(broker: Broker, access: Access) -> APIRouter:
    """Build `/export`, for administrators."""
    router = APIRouter(tags=["transfer"])
    administrator = Depends(access.may("administer", reads=True))

    @router.get("/export", summary="All entities of a tenant as NDJSON", response_class=StreamingResponse)
    async def export_all(tenant: str = "", actor: Actor = administrator) -> StreamingResponse:
        return StreamingResponse(await export(broker, actor, tenant), media_type="application/x-ndjson")

    return router
