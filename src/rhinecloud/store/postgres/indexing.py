"""Builds attribute indexes while the city runs: those of the settings, and those that queries need often.

One process builds at a time. It processes a few entities at a time, each step a short transaction under the lock that
every writer takes, which also stores the progress; so it may be interrupted at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable

import asyncpg

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.entity import decode
from rhinecloud.store.index_costs import MOST_LEARNT, IndexCosts
from rhinecloud.store.keys import keys_of
from rhinecloud.store.postgres.connection import LOST, Connection, DatabaseAddress, DatabaseConnection
from rhinecloud.store.postgres.index_costs import SharedIndexCosts, delete_rows, find_dropped
from rhinecloud.store.postgres.values import PostgresAttributeIndexes, encode_key

STEP = 200
"""Entities per step."""
SHARE = 0.2
"""The share of the time that a build may take."""
CHECK_S = 15.0
"""How often to check for an index that another process left to build."""
ALONE = "SELECT pg_try_advisory_lock(hashtextextended('rhinecloud builds ' || current_schema(), 0))"
_LOCK = "SELECT FROM counter FOR UPDATE"
_NEW_EDITION = "UPDATE counter SET indexes = indexes + 1"
_ENTER = """
INSERT INTO indexed (name, asked, built) VALUES ($1, $2, CASE WHEN EXISTS (SELECT FROM entity) THEN 0 END)
ON CONFLICT (name) DO UPDATE SET asked = excluded.asked
"""
"""In an empty store an index is complete from the start: writers maintain it."""

logger = logging.getLogger(__name__)


class PostgresIndexing:
    """Builds and drops indexes, from `start` to `stop`."""

    def __init__(
        self, address: DatabaseAddress, values: PostgresAttributeIndexes, asked: Iterable[str]
    ) -> None:
        self._link = DatabaseConnection(address)
        self._values = values
        self._asked = frozenset(asked)
        self._wanted = dict.fromkeys(self._asked, True)
        self._shared_costs = SharedIndexCosts(values)
        self._applied = False
        self._costs = IndexCosts()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to build indexes."""
        self._task = asyncio.create_task(self._run(), name="store-indexes")

    async def stop(self) -> None:
        """Interrupt a build, which continues later."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._link.drop()

    def missed(self, names: Iterable[str], documents: int, entities: int) -> None:
        """Count a query that read documents because these attributes have no index."""
        now = time.monotonic()
        kept = self._values.kept
        learnt = sum(not index.asked for index in kept.values()) + len(self._wanted)
        for name in names:
            if learnt < MOST_LEARNT and name not in kept and self._costs.miss(name, documents, entities, now):
                self._wanted.setdefault(name, False)
                self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether an index is being built."""
        return bool(self._wanted) or any(not index.ready for index in self._values.kept.values())

    async def _run(self) -> None:
        while True:
            try:
                await self._check()
            except (*LOST, asyncpg.PostgresError, Unavailable):
                self._link.drop()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._wake.wait()

    async def _check(self) -> None:
        connection = await self._link.get()
        if not self._applied:
            await self._shared_costs.apply_settings(connection, self._asked)
            self._applied = True
        for name, asked in list(self._wanted.items()):
            await self._add(connection, name, asked=asked)
            del self._wanted[name]
        await self._shared_costs.review(connection)
        await self._values.load(connection)
        dropped = await find_dropped(connection)
        if not (dropped or self.busy) or not await connection.fetchval(ALONE):
            return
        try:
            for number in dropped:
                await delete_rows(connection, number)
            while unbuilt := [each for each in self._values.kept.values() if not each.ready]:
                logger.info("building an index for %s", unbuilt[0].name)
                await self._build(connection, unbuilt[0].number, unbuilt[0].name)
                await self._values.load(connection)
        finally:
            self._link.drop()  # which releases the lock

    async def _add(self, connection: Connection, name: str, *, asked: bool) -> None:
        """Add an index; from then on every writer maintains it."""
        async with connection.transaction():
            await connection.execute(_LOCK)
            known = await connection.fetchval("SELECT asked FROM indexed WHERE name = $1", name)
            if known is None or (asked and not known):
                await connection.execute(_ENTER, name, asked)
                await connection.execute(_NEW_EDITION)

    async def _build(self, connection: Connection, number: int, name: str) -> None:
        whole = False
        while not whole:
            began = time.perf_counter()
            whole = await _step(connection, number, name)
            await asyncio.sleep((time.perf_counter() - began) * (1 / SHARE - 1))


async def _step(connection: Connection, number: int, name: str) -> bool:
    """Index some more entities. Return whether the index is complete."""
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        await connection.execute(_LOCK)
        found = await connection.fetch(
            "SELECT row, tenant, body FROM entity WHERE row > (SELECT built FROM indexed WHERE id = $1)"
            " ORDER BY row LIMIT $2",
            number,
            STEP,
        )
        rows = [
            (tenant, encode_key(key), row)
            for row, tenant, body in found
            for key in keys_of(decode(body), name)
        ]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
        await connection.execute(
            "INSERT INTO value (attribute, tenant, key, row) SELECT $1, tenant, key, row FROM"
            " unnest($2::integer[], $3::bytea[], $4::bigint[]) AS k (tenant, key, row) ON CONFLICT DO NOTHING",
            number,
            *columns,
        )
        whole = len(found) < STEP
        await connection.execute(
            "UPDATE indexed SET built = $2 WHERE id = $1", number, None if whole else found[-1]["row"]
        )
        if whole:
            await connection.execute(_NEW_EDITION)
    if whole:
        await connection.execute("ANALYZE value")
    return whole
