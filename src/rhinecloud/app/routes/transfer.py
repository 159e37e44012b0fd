"""What goes out as a whole: `/export` of entities, `/backup` of the city."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import orjson
from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.backup import Copy, write_backup
from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.representation import Options, render
from rhinecloud.policy import Action

PAGE = 500
CHUNK = 1 << 18


class Transfer:
    """Gives out entities and backups; `copies` name the files of a backup in the order of copying."""

    def __init__(
        self, broker: Broker, copies: Mapping[str, Copy], city: str, data: Path, clock: Clock
    ) -> None:
        self._broker = broker
        self._copies = copies
        self._city = city
        self._data = data
        self._clock = clock

    async def export(self, actor: Actor, tenant: str) -> AsyncIterator[bytes]:
        """Give a tenant's entities as `entities` does; raises NonexistentTenant before the first byte."""
        if tenant:
            await self._broker.need_tenant(tenant)
        return self.entities(actor, tenant)

    async def entities(self, actor: Actor, tenant: str) -> AsyncIterator[bytes]:
        """Give each entity as a line of JSON: normalized, with system attributes, whole IRIs for names."""
        context, options, offset = core_context(), Options(sys_attrs=True), 0
        while True:
            page = await self._broker.query(actor, tenant, EntityQuery(limit=PAGE, offset=offset))
            lines = [orjson.dumps(render(stored.entity(), context, options)) for stored in page.items]
            if lines:
                yield b"\n".join([*lines, b""])
            if not page.more:
                return
            offset += PAGE

    async def backup(self) -> AsyncIterator[bytes]:
        """Give a backup as the bytes of a tar file, made at once and kept no longer than it takes to send."""
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=self._data) as temporary:
            target = Path(temporary) / "backup.tar"
            await write_backup(target, self._copies, self._city, self._clock(), self._data)
            with target.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk


def transfer_routes(transfer: Transfer, gate: Authentication) -> APIRouter:
    """Build `/export` and `/backup`, for administrators."""
    router = APIRouter(tags=["transfer"])
    administrator = gate.may(Action.ADMINISTER)

    @router.get("/export", summary="All entities of a tenant as NDJSON", response_class=StreamingResponse)
    async def export(tenant: str = "", actor: Actor = Depends(administrator)) -> StreamingResponse:
        return StreamingResponse(await transfer.export(actor, tenant), media_type="application/x-ndjson")

    @router.get("/backup", summary="A backup of the city as a tar file", response_class=StreamingResponse)
    async def backup(actor: Actor = Depends(administrator)) -> StreamingResponse:
        return StreamingResponse(transfer.backup(), media_type="application/x-tar")

    return router
