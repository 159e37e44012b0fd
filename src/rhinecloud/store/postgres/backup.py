"""Backs up a database to a file of the SQLite engine: it is readable anywhere, and a city can start on it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rhinecloud.kernel.errors import Invalid
from rhinecloud.store.postgres.connection import DatabaseAddress
from rhinecloud.store.postgres.transfer import PostgresTransfer
from rhinecloud.store.sqlite.transfer import SqliteTransfer
from rhinecloud.store.transfer import move


async def back_up(address: DatabaseAddress, target: Path) -> None:
    """Write the database as of now to `target`, which is complete or does not exist. Raise Invalid or Unavailable."""
    if await asyncio.to_thread(target.exists):
        raise Invalid(f"{target} must not exist", field="target")
    partial = target.with_name(target.name + ".partial")
    _remove(partial)
    source, file = PostgresTransfer(address, alone=False), SqliteTransfer(partial)
    await source.open()
    try:
        await file.open()
        try:
            contents = await move(source, file)
            await file.finish(contents.last_change)
        finally:
            await file.close()
        await asyncio.to_thread(partial.rename, target)
    finally:
        await source.close()
        _remove(partial)


def _remove(partial: Path) -> None:
    for end in ("", "-wal", "-shm", ".lock"):
        partial.with_name(partial.name + end).unlink(missing_ok=True)
