"""Reading a page: what the indexes answer alone takes microseconds; the rest streams past the matcher.

However many candidates there are, no more is kept than the page that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apsw

from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import EntityQuery, matches, sort_entities
from rhinecloud.store.port import Stored
from rhinecloud.store.sqlite.plan import FEW, Plan
from rhinecloud.store.sqlite.schema import number_of

SORTED_AT_ONCE = 1_000


class Match(NamedTuple):
    """A document that matches, decoded because it had to be looked into."""

    stored: Stored
    entity: Entity


def is_quick(plan: Plan, query: EntityQuery) -> bool:
    """Tell whether a query is answered in less time than handing it to a thread would take."""
    if plan.most <= FEW:
        return True
    counts_at_once = plan.total is not None or not query.count
    return plan.exact and not query.order and counts_at_once and query.offset + query.limit <= 5 * FEW


def run_query(
    connection: apsw.Connection,
    plan: Plan,
    query: EntityQuery,
    abandoned: Callable[[], bool] = lambda: False,
) -> Page[Stored]:
    """Read the page; stops when nobody waits for it any more."""
    if query.order:
        return _run_sorted(_stream(connection, plan, query, abandoned), query)
    if plan.exact:
        return _run_exact(connection, plan, query)
    return _run_matching(_stream(connection, plan, query, abandoned), query)


def _run_exact(connection: apsw.Connection, plan: Plan, query: EntityQuery) -> Page[Stored]:
    rows: list[Any] = connection.execute(
        _documents(f"{plan.ordered} LIMIT ? OFFSET ?"), (*plan.bindings, query.limit + 1, query.offset)
    ).fetchall()
    items = [Stored(*row) for row in rows[: query.limit]]
    total = plan.total if query.count else None
    if query.count and total is None:
        total = number_of(connection, f"SELECT count(*) FROM ({plan.rows})", plan.bindings)
    return Page(items, query.offset, len(rows) > query.limit, total)


def _run_matching(found: Iterator[Match], query: EntityQuery) -> Page[Stored]:
    items: list[Stored] = []
    count, end = 0, query.offset + query.limit
    for match in found:
        count += 1
        if query.offset < count <= end:
            items.append(match.stored)
        elif count > end and not query.count:
            break
    return Page(items, query.offset, count > end, count if query.count else None)


def _run_sorted(found: Iterator[Match], query: EntityQuery) -> Page[Stored]:
    """Sort as the documents come, and drop again and again what lies behind the page; sorting is stable."""
    end = query.offset + query.limit
    best: list[Match] = []
    count = 0
    for match in found:
        count += 1
        best.append(match)
        if len(best) >= 2 * end + SORTED_AT_ONCE:
            del (best := sort_entities(best, query.order, _entity_of))[end:]
    best = sort_entities(best, query.order, _entity_of)
    items = [match.stored for match in best[query.offset : end]]
    return Page(items, query.offset, count > end, count if query.count else None)


def _stream(
    connection: apsw.Connection, plan: Plan, query: EntityQuery, abandoned: Callable[[], bool]
) -> Iterator[Match]:
    condition = f" WHERE {plan.filter}" if plan.filter else ""
    rows: Any = connection.execute(_documents(plan.ordered) + condition, plan.bindings + plan.filter_bindings)
    try:
        for row in rows:
            stored = Stored(*row)
            entity = stored.entity()
            if plan.exact or matches(query, entity):
                yield Match(stored, entity)
            if abandoned():
                return
    finally:
        rows.close()


def _documents(rows: str) -> str:
    """The documents of a subquery's rows, in its order: CROSS JOIN keeps the loops as they are written."""
    return f"SELECT e.id, e.version, e.body FROM ({rows}) AS c CROSS JOIN entity AS e ON e.row = c.row"


def _entity_of(match: Match) -> Entity:
    return match.entity
