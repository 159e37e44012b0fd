"""Reads a page: if SQL answers the query, in one round trip; else by checking the candidates one by one.

However many candidates there are, only the requested page is kept in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.partial_decoding import decoder_for
from rhinecloud.ngsild.query import EntityQuery, sort_entities
from rhinecloud.store.port import Stored
from rhinecloud.store.postgres.connection import Connection
from rhinecloud.store.postgres.plan import PostgresPlan

FEW = 200
"""Documents in the first request: most queries need no more."""
CHUNK = 500
SLICE = 50
"""Documents that are checked before other tasks run."""
SORT_BATCH = 1_000
MAX_OFFSET = 1 << 62
"""No store has as many entities."""


class PostgresMatch(NamedTuple):
    """A document that matches, decoded as far as it was checked."""

    stored: Stored
    entity: Entity


class PostgresSearch:
    """Counts the documents that a query has read."""

    __slots__ = ("documents",)

    def __init__(self) -> None:
        self.documents = 0


async def run_query(
    connection: Connection, plan: PostgresPlan, query: EntityQuery
) -> tuple[Page[Stored], int]:
    """Return the page and how many documents were read."""
    if plan.exact and not query.order:
        return await _run_exact(connection, plan, query), 0
    look = PostgresSearch()
    async with aclosing(_stream(connection, plan, query, look)) as found:
        return await (_run_sorted if query.order else _run_matching)(found, query), look.documents


async def _run_exact(connection: Connection, plan: PostgresPlan, query: EntityQuery) -> Page[Stored]:
    """Return the page by its rows alone. Limits are part of the SQL text, so that the statement's plan is reused."""
    offset = min(query.offset, MAX_OFFSET)
    page = f"LIMIT {query.limit + 1}" + (f" OFFSET {offset}" if offset else "")
    rows = await connection.fetch(
        f"SELECT e.id, e.version, e.body FROM (SELECT {plan.order} AS row {plan.rows} ORDER BY 1 {page}) AS p"
        " JOIN entity AS e ON e.row = p.row ORDER BY p.row",
        *plan.arguments,
    )
    total = await _count(connection, plan) if query.count else None
    return Page([Stored(*row) for row in rows[: query.limit]], query.offset, len(rows) > query.limit, total)


async def _count(connection: Connection, plan: PostgresPlan) -> int:
    if plan.population is not None:
        return await count(connection, *plan.population)
    total: int = await connection.fetchval(f"SELECT count(*) {plan.body}", *plan.arguments)
    return total


async def count(connection: Connection, tenant: int, kind: int) -> int:
    """Count the entities of a tenant and a type."""
    found = await connection.fetchval(
        "SELECT count FROM census WHERE tenant = $1 AND type = $2", tenant, kind
    )
    return int(found or 0)


async def _run_matching(found: AsyncIterator[PostgresMatch], query: EntityQuery) -> Page[Stored]:
    items: list[Stored] = []
    seen, end = 0, query.offset + query.limit
    async for match in found:
        seen += 1
        if query.offset < seen <= end:
            items.append(match.stored)
        elif seen > end and not query.count:
            break
    return Page(items, query.offset, seen > end, seen if query.count else None)


async def _run_sorted(found: AsyncIterator[PostgresMatch], query: EntityQuery) -> Page[Stored]:
    """Return a sorted page: sort the documents read so far, and drop those after the page, several times; stable."""
    end = query.offset + query.limit
    best: list[PostgresMatch] = []
    seen = 0
    async for match in found:
        seen += 1
        best.append(match)
        if len(best) >= 2 * end + SORT_BATCH:
            del (best := sort_entities(best, query.order, _entity_of))[end:]
    best = sort_entities(best, query.order, _entity_of)
    items = [match.stored for match in best[query.offset : end]]
    return Page(items, query.offset, seen > end, seen if query.count else None)


async def _stream(
    connection: Connection, plan: PostgresPlan, query: EntityQuery, look: PostgresSearch
) -> AsyncGenerator[PostgresMatch, None]:
    read, matches = decoder_for(query), query.matcher(plan.answered)
    async with aclosing(_chunks(connection, plan)) as chunks:
        async for rows in chunks:
            for name, version, body, _ in rows:
                entity = read(body)
                if matches(entity):
                    yield PostgresMatch(Stored(name, version, body), entity)
                look.documents += 1
                if look.documents % SLICE == 0:
                    await asyncio.sleep(0)


async def _chunks(connection: Connection, plan: PostgresPlan) -> AsyncGenerator[Sequence[Any], None]:
    """Yield the candidates: a first statement fetches a few, a cursor the others, if any."""
    start = f"SELECT e.id, e.version, e.body, e.row {plan.body}"
    rows: Sequence[Any] = await connection.fetch(
        f"{start} ORDER BY {plan.order} LIMIT {FEW}", *plan.arguments
    )
    yield rows
    if len(rows) < FEW:
        return
    first = {row["id"] for row in rows}
    text = f"{start} AND {plan.order} > ${len(plan.arguments) + 1} ORDER BY {plan.order}"
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(text, *plan.arguments, rows[-1]["row"])
        while rows := await cursor.fetch(CHUNK):
            # An entity that was deleted and created again meanwhile is last now, and was returned already.
            yield [row for row in rows if row["id"] not in first]


def _entity_of(match: PostgresMatch) -> Entity:
    return match.entity
