"""`/backup`: the city's data as a tar file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.backup import Copy, write_backup
from rhinecloud.app.foundation import Foundation
from rhinecloud.kernel.time import Clock
from rhinecloud.policy import CoreAction

CHUNK = 1 << 18


class BackupStream:
    """Streams backups; `copies` are the files in the order of copying."""

    def __init__(self, copies: Mapping[str, Copy], city: str, data: Path, clock: Clock) -> None:
        self._copies = copies
        self._city = city
        self._data = data
        self._clock = clock

    async def backup(self) -> AsyncIterator[bytes]:
        """Yield the bytes of a tar file, which is written first and deleted once it is sent."""
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=self._data) as temporary:
            target = Path(temporary) / "backup.tar"
            await write_backup(target, self._copies, self._city, self._clock(), self._data)
            with target.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk


def backup_stream(foundation: Foundation) -> BackupStream:
    """Return the stream of backups of a foundation: the history before the state, see `app.backup`."""
    copies = {"history.db": foundation.history.backup, "city.db": foundation.store.backup}
    return BackupStream(copies, foundation.city.name, foundation.settings.data, foundation.clock)


def backup_routes(stream: BackupStream, access: Authentication) -> APIRouter:
    """Return the routes of `/backup`, for administrators."""
    router = APIRouter(
        tags=["transfer"], dependencies=[Depends(access.may(CoreAction.ADMINISTER, reads=True))]
    )

    @router.get("/backup", summary="A backup of the city as a tar file", response_class=StreamingResponse)
    async def backup() -> StreamingResponse:
        return StreamingResponse(stream.backup(), media_type="application/x-tar")

    return router
