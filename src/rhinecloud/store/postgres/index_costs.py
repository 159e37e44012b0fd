"""Drops learnt indexes that are not worth their cost, counted over all processes for a period.

Each process adds its counts to the index's row from time to time; the first one after the end of a period decides. Rows
of a dropped index are kept until no query can read them: every process reads the set of indexes within seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable

from rhinecloud.store.index_costs import PERIOD_S, AttributeIndex, idle_of
from rhinecloud.store.postgres.connection import Connection
from rhinecloud.store.postgres.values import PostgresAttributeIndexes

REPORT_S = 3_600.0
"""How often a process adds its counts."""
DROPPED_WAIT_S = 600.0
"""How long rows of a dropped index are kept."""
STEP = 1_000
"""Rows of a dropped index that one statement deletes."""

logger = logging.getLogger(__name__)


class SharedIndexCosts:
    """The counts of one process."""

    def __init__(self, values: PostgresAttributeIndexes) -> None:
        self._values = values
        self._reported_at = time.monotonic()

    async def apply_settings(self, connection: Connection, asked: Iterable[str]) -> None:
        """Mark the indexes that the settings do not name any more: they must be worth their cost from now on."""
        await connection.execute(
            "UPDATE indexed SET asked = false, upkeep = 0, spared = 0, since = now()"
            " WHERE asked AND NOT name = ANY($1::text[])",
            list(asked),
        )

    async def review(self, connection: Connection) -> None:
        """Add the counts if it is time, and drop indexes that were not worth their cost in the last period."""
        if time.monotonic() - self._reported_at < REPORT_S:
            return
        self._reported_at = time.monotonic()
        await self._report(connection)
        async with connection.transaction():
            await connection.execute("SELECT FROM counter FOR UPDATE")
            rows = await connection.fetch(
                "SELECT id, name, asked, built, upkeep, spared FROM indexed"
                " WHERE since <= now() - make_interval(secs => $1)",
                PERIOD_S,
            )
            idle = idle_of([AttributeIndex(*row) for row in rows])
            await connection.execute(
                "UPDATE indexed SET upkeep = 0, spared = 0, since = now() WHERE id = ANY($1::integer[])",
                [row["id"] for row in rows],
            )
            if idle:
                await _drop(connection, idle)

    async def _report(self, connection: Connection) -> None:
        uses, self._values.uses = self._values.uses, Counter()
        rows = await connection.fetch("SELECT tenant, type, count FROM census")
        counts = {(tenant, kind): count for tenant, kind, count in rows}
        spared: Counter[str] = Counter()
        for (name, among), number in uses.items():
            spared[name] += number * counts.get(among, 0)
        for name, index in self._values.kept.items():
            upkeep, looked, index.upkeep, index.spared = index.upkeep, index.spared, 0, 0
            await connection.execute(
                "UPDATE indexed SET upkeep = upkeep + $2, spared = spared + $3 WHERE id = $1",
                index.number,
                upkeep,
                spared[name] + looked,
            )


async def _drop(connection: Connection, idle: list[AttributeIndex]) -> None:
    for index in idle:
        logger.info("dropping the index for %s: it costs more than it saves", index.name)
    numbers = [index.number for index in idle]
    await connection.execute("DELETE FROM indexed WHERE id = ANY($1::integer[])", numbers)
    await connection.execute("INSERT INTO dropped (id) SELECT unnest($1::integer[])", numbers)
    await connection.execute("UPDATE counter SET indexes = indexes + 1")


async def find_dropped(connection: Connection) -> list[int]:
    """Return the numbers of dropped indexes whose rows no query can read any more."""
    rows = await connection.fetch(
        "SELECT id FROM dropped WHERE at <= now() - make_interval(secs => $1)", DROPPED_WAIT_S
    )
    return [number for (number,) in rows]


async def delete_rows(connection: Connection, number: int) -> None:
    """Delete the rows of a dropped index, a few at a time."""
    gone = ""
    while gone != "DELETE 0":
        gone = await connection.execute(
            "DELETE FROM value WHERE ctid = ANY(ARRAY(SELECT ctid FROM value WHERE attribute = $1 LIMIT $2))",
            number,
            STEP,
        )
        await asyncio.sleep(0.01)
    await connection.execute("DELETE FROM dropped WHERE id = $1", number)
