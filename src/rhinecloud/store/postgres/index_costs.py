"""Holds each learnt index against its price, over all processes, a season at a time; removes those that do not pay.

Each process adds what it counted to the index's row now and then; whichever comes first after a season ends judges.
Rows of a dropped index stay until no query can still read them: every process looks within seconds which there are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable

from rhinecloud.store.index_costs import SEASON_S, AttributeIndex, idle_of
from rhinecloud.store.postgres.connection import Connection
from rhinecloud.store.postgres.values import PostgresAttributeIndexes

TALLY_S = 3_600.0
"""So often a process adds what it counted."""
DROPPED_WAIT_S = 600.0
"""Rows of a dropped index stay so long."""
STEP = 1_000
"""Rows of a dropped index that are deleted at once."""

logger = logging.getLogger(__name__)


class SharedIndexCosts:
    """The accounts of one process."""

    def __init__(self, values: PostgresAttributeIndexes) -> None:
        self._values = values
        self._told_at = time.monotonic()

    async def agree(self, connection: Connection, asked: Iterable[str]) -> None:
        """What an operator asks for no more has to pay from now on."""
        await connection.execute(
            "UPDATE indexed SET asked = false, upkeep = 0, spared = 0, since = now()"
            " WHERE asked AND NOT name = ANY($1::text[])",
            list(asked),
        )

    async def judge(self, connection: Connection) -> None:
        """From time to time add what was counted, and drop what did not pay in a season that is over."""
        if time.monotonic() - self._told_at < TALLY_S:
            return
        self._told_at = time.monotonic()
        await self._tell(connection)
        async with connection.transaction():
            await connection.execute("SELECT FROM counter FOR UPDATE")
            rows = await connection.fetch(
                "SELECT id, name, asked, built, upkeep, spared FROM indexed"
                " WHERE since <= now() - make_interval(secs => $1)",
                SEASON_S,
            )
            idle = idle_of([AttributeIndex(*row) for row in rows])
            await connection.execute(
                "UPDATE indexed SET upkeep = 0, spared = 0, since = now() WHERE id = ANY($1::integer[])",
                [row["id"] for row in rows],
            )
            if idle:
                await _drop(connection, idle)

    async def _tell(self, connection: Connection) -> None:
        uses, self._values.uses = self._values.uses, Counter()
        census = await connection.fetch("SELECT tenant, type, count FROM census")
        counts = {(tenant, kind): count for tenant, kind, count in census}
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
        logger.info("drops the index for %s: it costs more than it spares", index.name)
    numbers = [index.number for index in idle]
    await connection.execute("DELETE FROM indexed WHERE id = ANY($1::integer[])", numbers)
    await connection.execute("INSERT INTO dropped (id) SELECT unnest($1::integer[])", numbers)
    await connection.execute("UPDATE counter SET indexes = indexes + 1")


async def find_dropped(connection: Connection) -> list[int]:
    """List the numbers of dropped indexes whose rows nobody reads any more."""
    rows = await connection.fetch(
        "SELECT id FROM dropped WHERE at <= now() - make_interval(secs => $1)", DROPPED_WAIT_S
    )
    return [number for (number,) in rows]


async def forget(connection: Connection, number: int) -> None:
    """Delete the rows of a dropped index, few at a time."""
    gone = ""
    while gone != "DELETE 0":
        gone = await connection.execute(
            "DELETE FROM value WHERE ctid = ANY(ARRAY(SELECT ctid FROM value WHERE attribute = $1 LIMIT $2))",
            number,
            STEP,
        )
        await asyncio.sleep(0.01)
    await connection.execute("DELETE FROM dropped WHERE id = $1", number)
