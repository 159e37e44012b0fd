"""Reads entities by key: all waiting reads share one round trip, so that many cost little more than one.

Nothing is read from memory: another process may have written a moment ago, and its client may read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from rhinecloud.store.entity_cache import CachedEntity, Key
from rhinecloud.store.port import Stored
from rhinecloud.store.postgres.connection import Connection, DatabasePool, explain
from rhinecloud.store.postgres.names import NameTable, fits

_ONE = "SELECT row, version, body FROM entity WHERE tenant = $1 AND id = $2"
_MANY = """
SELECT k.place, e.row, e.version, e.body
FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS k (tenant, id, place)
JOIN entity AS e ON e.tenant = k.tenant AND e.id = k.id
"""
ROUND_TRIPS = 2
"""How many round trips run at once; reads that arrive meanwhile share the next one."""


async def look_up(
    connection: Connection, tenants: NameTable, keys: Sequence[Key]
) -> Mapping[Key, CachedEntity]:
    """Return the entities of `keys` that exist."""
    if unknown := tenants.unknown({tenant for tenant, _ in keys if fits(tenant)}):
        await tenants.look_up(connection, unknown)
    numbered = [(number, key) for key in keys if (number := tenants.get(key[0])) is not None and fits(key[1])]
    if not numbered:
        return {}
    if len(numbered) == 1:
        number, key = numbered[0]
        row = await connection.fetchrow(_ONE, number, key[1])
        return {} if row is None else {key: CachedEntity(row[0], Stored(key[1], row[1], row[2]))}
    rows = await connection.fetch(_MANY, [number for number, _ in numbered], [key[1] for _, key in numbered])
    found = {}
    for place, row, version, body in rows:
        key = numbered[place - 1][1]
        found[key] = CachedEntity(row, Stored(key[1], version, body))
    return found


class BatchedReader:
    """Batches reads by key."""

    def __init__(self, links: DatabasePool, tenants: NameTable) -> None:
        self._links = links
        self._tenants = tenants
        self._waiting: dict[Key, list[asyncio.Future[Stored | None]]] = {}
        self._round_trips: set[asyncio.Task[None]] = set()

    async def get(self, key: Key) -> Stored | None:
        """Return one entity as it is in the database after the call."""
        future: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if len(self._round_trips) < ROUND_TRIPS:
            trip = asyncio.create_task(self._run(), name="store-reader")
            self._round_trips.add(trip)
            trip.add_done_callback(self._round_trips.discard)
        return await future

    async def _run(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                found = await self._links.run(partial(look_up, tenants=self._tenants, keys=list(waiting)))
            except Exception as error:  # noqa: BLE001 - every caller must get a result
                for future in (each for futures in waiting.values() for each in futures):
                    if not future.done():
                        future.set_exception(explain(error))
                continue
            for key, futures in waiting.items():
                held = found.get(key)
                for future in futures:
                    if not future.done():
                        future.set_result(held.stored if held else None)
