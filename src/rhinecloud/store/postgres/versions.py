"""What a database holds of the versions of its data, read on one connection without opening the store."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.port import Record
from rhinecloud.store.postgres.connection import LOST, DatabaseAddress


def read_records(address: DatabaseAddress, kind: str) -> list[Record] | None:
    """Return the records of a kind, None where nothing was ever stored; raise Unavailable.

    It blocks, and may be called from within an event loop.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _read(address, kind)).result()


async def _read(address: DatabaseAddress, kind: str) -> list[Record] | None:
    try:
        connection = await address.connect()
        try:
            rows = await connection.fetch(
                "SELECT kind, tenant, id, body FROM record WHERE kind = $1 ORDER BY tenant, id", kind
            )
            is_empty = not rows and not await connection.fetchval("SELECT EXISTS (SELECT FROM entity)")
        finally:
            await connection.close()
    except asyncpg.UndefinedTableError:
        return None
    except (*LOST, asyncpg.PostgresError) as error:
        raise Unavailable(f"the database cannot be read: {str(error) or type(error).__name__}") from error
    return None if is_empty else [Record(*row) for row in rows]
