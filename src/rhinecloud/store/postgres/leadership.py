"""`store.leadership.Leadership` by an advisory lock, which PostgreSQL releases when the connection of its holder ends.

A leader whose connection breaks takes the lock again as soon as possible; it gives up the leadership only if another
process was faster. So a restart of PostgreSQL may not change the leader, and a leader that ended is replaced in a
second.
"""

from __future__ import annotations

import asyncio
import contextlib

import asyncpg

from rhinecloud.store.postgres.connection import LOST, Connection, DatabaseAddress, explain

CHECK_S = 0.5
TAKE = "SELECT pg_try_advisory_lock(hashtextextended('rhinecloud leads ' || current_schema(), 0))"


class AdvisoryLeadership:
    """Holds or waits for the lock on a connection of its own."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._leading = asyncio.Event()
        self._following = asyncio.Event()

    @property
    def leads(self) -> bool:
        """Whether this process leads now, as far as it knows."""
        return self._leading.is_set()

    async def open(self) -> None:
        """Take part; `leads` is valid from then on. Raise Unavailable."""
        try:
            await self._check()
        except (*LOST, asyncpg.PostgresError) as error:
            raise explain(error) from error
        self._task = asyncio.create_task(self._run(), name="leadership")

    async def close(self) -> None:
        """Close the connection, which releases the lock."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await self._connection.close(timeout=1.0)

    async def until_leading(self) -> None:
        """Return as soon as this process leads."""
        await self._leading.wait()

    async def until_following(self) -> None:
        """Return as soon as another process may lead."""
        await self._following.wait()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await self._check()

    async def _check(self) -> None:
        """Check whether the lock is still held, or try to take it."""
        if self._connection is not None and not self._connection.is_closed() and self._leading.is_set():
            await self._connection.execute("SELECT 1")
            return
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._address.connect()
        if await self._connection.fetchval(TAKE):
            self._leading.set()
            self._following.clear()
        else:
            self._leading.clear()
            self._following.set()
