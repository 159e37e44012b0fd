"""Reads a page: if the indexes answer the query, in microseconds; else by checking the candidates one by one.

However many candidates there are, only the requested page is kept in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apsw

from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.partial_decoding import decoder_for
from rhinecloud.ngsild.patterns import compile_pattern
from rhinecloud.ngsild.query import EntityQuery, sort_entities
from rhinecloud.ngsild.stored import has_only_type, only_type_bytes
from rhinecloud.store.port import Stored
from rhinecloud.store.sqlite.plan import COUNTED, FEW, SqlitePlan
from rhinecloud.store.sqlite.schema import number_of

SORT_BATCH = 1_000


class TooLong(Exception):
    """A query has taken too long."""


class SqliteSearch:
    """The limits of a query and what it has read; `abandoned` returns whether its caller was cancelled.

    `documents` counts those that were decoded, `scanned` those that the engine looked at, about. Time is the processor
    time of this thread, so a busy machine does not interrupt queries.
    """

    __slots__ = ("_abandoned", "_until", "documents", "row", "scanned")

    def __init__(self, *, until: float = float("inf"), abandoned: Callable[[], bool] = lambda: False) -> None:
        self._until = until
        self._abandoned = abandoned
        self.documents = self.scanned = self.row = 0

    def is_over(self) -> bool:
        """Return whether to stop; called between steps of the engine."""
        return self._abandoned() or time.thread_time() > self._until

    def at_document(self, row: int) -> None:
        """Count one document, that of a row. Raise TooLong."""
        self.row = row
        self.documents += 1
        if not self.documents & 15 and self.is_over():
            raise TooLong


class SqliteMatch(NamedTuple):
    """A document that matches, decoded as far as it was checked."""

    stored: Stored
    entity: Entity | None


def is_quick(plan: SqlitePlan, query: EntityQuery) -> bool:
    """Return whether a query is likely to be faster than handing it to a thread."""
    if plan.most <= FEW:
        return True
    if query.order:
        return False
    if not plan.exact:
        return (
            plan.filters_q and plan.most <= COUNTED and not query.count and query.offset + query.limit <= FEW
        )
    return query.offset + query.limit <= COUNTED and not (query.count and plan.total is None)


def run_query(
    connection: apsw.Connection, plan: SqlitePlan, query: EntityQuery, search: SqliteSearch
) -> Page[Stored]:
    """Return the page. Raise TooLong, or apsw's InterruptError, if it takes too long or was abandoned."""
    if query.order:
        search.scanned = plan.most
        return _run_sorted(_stream(connection, plan, query, search), query)
    if plan.exact:
        return _run_exact(connection, plan, query)
    page = _run_matching(_stream(connection, plan, query, search), query)
    search.scanned = plan.most
    if page.more and not query.count:  # it ended at the row of the last document
        search.scanned = plan.most * search.row // (number_of(connection, "SELECT max(row) FROM entity") or 1)
    return page


def _run_exact(connection: apsw.Connection, plan: SqlitePlan, query: EntityQuery) -> Page[Stored]:
    rows = _of_one_type(connection, plan, query)
    if rows is None:
        bindings = (*plan.bindings, query.limit + 1, query.offset)
        rows = connection.execute(_documents(plan.page), bindings).fetchall()
    items = [Stored(*row) for row in rows[: query.limit]]
    total = plan.total if query.count else None
    if query.count and total is None:
        total = number_of(connection, f"SELECT count(*) FROM ({plan.rows})", plan.bindings)
    return Page(items, query.offset, len(rows) > query.limit, total)


def _of_one_type(connection: apsw.Connection, plan: SqlitePlan, query: EntityQuery) -> list[Any] | None:
    """Return the first page by an attribute's index without looking up each candidate in the index of types.

    Entities with the attribute nearly always have the requested type, as their documents show. Return None if one has
    not.
    """
    only_type = _only_type(query)
    if not plan.path.attributes or query.offset or only_type is None:
        return None
    bindings = (*plan.path.bindings, query.limit + 1, 0)
    rows: list[Any] = connection.execute(_documents(plan.path.page), bindings).fetchall()
    for entity_id, _, body in rows:
        if not has_only_type(body, entity_id, only_type):
            return None
    return rows


def _only_type(query: EntityQuery) -> bytes | None:
    """Return the one type that a query asks for, as `has_only_type` takes it; None for other queries."""
    if query.hidden or [len(each) for each in query.types] != [1]:
        return None
    return only_type_bytes(query.types[0][0])


def _run_matching(found: Iterator[SqliteMatch], query: EntityQuery) -> Page[Stored]:
    items: list[Stored] = []
    count, end = 0, query.offset + query.limit
    for match in found:
        count += 1
        if query.offset < count <= end:
            items.append(match.stored)
        elif count > end and not query.count:
            break
    return Page(items, query.offset, count > end, count if query.count else None)


def _run_sorted(found: Iterator[SqliteMatch], query: EntityQuery) -> Page[Stored]:
    """Return a sorted page: sort the documents read so far, and drop those after the page, several times; stable."""
    end = query.offset + query.limit
    best: list[SqliteMatch] = []
    count = 0
    for match in found:
        count += 1
        best.append(match)
        if len(best) >= 2 * end + SORT_BATCH:
            del (best := sort_entities(best, query.order, _entity_of))[end:]
    best = sort_entities(best, query.order, _entity_of)
    items = [match.stored for match in best[query.offset : end]]
    return Page(items, query.offset, count > end, count if query.count else None)


def _stream(
    connection: apsw.Connection, plan: SqlitePlan, query: EntityQuery, search: SqliteSearch
) -> Iterator[SqliteMatch]:
    condition = f" WHERE {plan.filter}" if plan.filter else ""
    bindings = (*plan.bindings, -1, 0, *plan.filter_bindings)
    sure = _sure_type(plan, query)
    more = ", e.row, c.sure" if sure else ", e.row"
    rows: Any = connection.execute(_documents(plan.page, more) + condition, bindings)
    last, is_wanted = "", compile_pattern(query.id_pattern).is_in if query.id_pattern else None
    read, matches = decoder_for(query), query.matcher(query.remaining(()) - plan.remaining)
    try:
        for row in rows:
            search.at_document(row[3])
            entity_id = row[0]
            if entity_id == last or (is_wanted is not None and not is_wanted(entity_id)):
                continue  # returned twice in a row by an index with several keys of it; or the id does not match
            last = entity_id
            if sure and row[4] and has_only_type(row[2], entity_id, sure):
                yield SqliteMatch(Stored(*row[:3]), None)
                continue
            entity = read(row[2])
            if matches(entity):
                yield SqliteMatch(Stored(*row[:3]), entity)
    finally:
        rows.close(True)


def _sure_type(plan: SqlitePlan, query: EntityQuery) -> bytes | None:
    """Return the only type of a query that the index can answer; None where more is to be checked."""
    more = query.order or query.remaining({"types", *plan.path.sure})
    return None if more or not plan.path.sure else _only_type(query)


def _documents(rows: str, more: str = "") -> str:
    """Return SQL for the documents of a subquery's rows, in its order: CROSS JOIN keeps the order of the loops."""
    return f"SELECT e.id, e.version, e.body{more} FROM ({rows}) AS c CROSS JOIN entity AS e ON e.row = c.row"


def _entity_of(match: SqliteMatch) -> Entity:
    assert match.entity is not None, "what is sorted is decoded"
    return match.entity
