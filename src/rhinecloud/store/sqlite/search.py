"""How a query becomes SQL: the indexes give candidates in order of creation, `ngsild.query.matches` decides the rest.

A query that the indexes answer alone takes microseconds and runs where it was asked. One that must look into
documents streams its candidates past the matcher and keeps no more than the page that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery, matches
from rhinecloud.store.port import Stored
from rhinecloud.store.sqlite.census import ANY, Census
from rhinecloud.store.sqlite.schema import number_of

FEW = 200
"""So many documents are looked through on the event loop; more go to a thread."""

Bindings = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """SQL that gives candidate rows in order of creation; `exact` when every candidate matches; `total` where known."""

    rows: str
    bindings: Bindings
    exact: bool
    total: int | None = None


def plan_query(census: Census, tenant_name: str, query: EntityQuery) -> Plan | None:
    """Choose the index that leaves fewest candidates; None when nothing can match."""
    tenant = census.tenant(tenant_name)
    if tenant is None:
        return None
    exact = not (query.id_pattern or query.attrs)
    if query.ids:
        condition, bound = _types_condition(census, tenant, query.types, "entity.row")
        named = "SELECT row FROM entity WHERE tenant = ? AND id IN (SELECT value FROM json_each(?))"
        return Plan(f"{named}{condition} ORDER BY row", (tenant, _json(query.ids), *bound), exact)
    alternatives = _known(census, query.types)
    if query.types and not alternatives:
        return None
    if len(alternatives) <= 1 and all(len(each) == 1 for each in alternatives):
        kind = alternatives[0][0] if alternatives else ANY
        rows = "SELECT row FROM entity_type WHERE tenant = ? AND type = ? ORDER BY row"
        return Plan(rows, (tenant, kind), exact, census.count(tenant, kind))
    return _plan_types(tenant, alternatives, exact)


def is_quick(plan: Plan, query: EntityQuery) -> bool:
    """Tell whether a query is answered in less time than handing it to a thread would take."""
    if plan.exact:
        return query.offset + query.limit <= 5 * FEW and (plan.total is not None or not query.count)
    return plan.total is not None and plan.total <= FEW


def run_query(
    connection: apsw.Connection, plan: Plan, query: EntityQuery, abandoned: Callable[[], bool] = lambda: False
) -> Page[Stored]:
    """Read the page; stops early when nobody waits for it any more."""
    return (
        _run_exact(connection, plan, query)
        if plan.exact
        else _run_matching(connection, plan, query, abandoned)
    )


def _run_exact(connection: apsw.Connection, plan: Plan, query: EntityQuery) -> Page[Stored]:
    rows: list[Any] = connection.execute(
        _documents(f"{plan.rows} LIMIT ? OFFSET ?"),
        (*plan.bindings, query.limit + 1, query.offset),
    ).fetchall()
    more = len(rows) > query.limit
    items = [Stored(*row) for row in rows[: query.limit]]
    total = None
    if query.count:
        total = plan.total
        if total is None:
            total = number_of(connection, f"SELECT count(*) FROM ({plan.rows})", plan.bindings)
    return Page(items, query.offset, more, total)


def _run_matching(
    connection: apsw.Connection, plan: Plan, query: EntityQuery, abandoned: Callable[[], bool]
) -> Page[Stored]:
    candidates: Any = connection.execute(_documents(plan.rows), plan.bindings)
    items: list[Stored] = []
    found, end, more = 0, query.offset + query.limit, False
    for row in candidates:
        stored = Stored(*row)
        if not matches(query, stored.entity()):
            continue
        found += 1
        if query.offset < found <= end:
            items.append(stored)
        elif found > end:
            more = True
            if not query.count or abandoned():
                break
    candidates.close()
    return Page(items, query.offset, more, found if query.count else None)


def _documents(rows: str) -> str:
    """The rows of a subquery, in its order, with their documents: CROSS JOIN keeps the loop order as it is written."""
    return f"SELECT e.id, e.version, e.body FROM ({rows}) AS c CROSS JOIN entity AS e ON e.row = c.row"


def _known(census: Census, types: tuple[tuple[str, ...], ...]) -> list[tuple[int, ...]]:
    """Give the alternatives by number, without those that name a type which no entity ever had."""
    numbered = (tuple(census.type(name) for name in each) for each in types)
    return [tuple(n for n in each if n is not None) for each in numbered if None not in each]


def _plan_types(tenant: int, alternatives: list[tuple[int, ...]], exact: bool) -> Plan:
    parts, bindings = [], []
    for each in alternatives:
        one = " INTERSECT ".join("SELECT row FROM entity_type WHERE tenant = ? AND type = ?" for _ in each)
        parts.append(f"SELECT row FROM ({one})")
        for kind in each:
            bindings += [tenant, kind]
    return Plan(f"SELECT row FROM ({' UNION '.join(parts)}) ORDER BY row", tuple(bindings), exact)


def _types_condition(
    census: Census, tenant: int, types: tuple[tuple[str, ...], ...], row: str
) -> tuple[str, Bindings]:
    if not types:
        return "", ()
    has = f"EXISTS (SELECT 1 FROM entity_type AS t WHERE t.tenant = ? AND t.type = ? AND t.row = {row})"
    alternatives = _known(census, types)
    bindings = [value for each in alternatives for kind in each for value in (tenant, kind)]
    text = " OR ".join("(" + " AND ".join(has for _ in each) + ")" for each in alternatives)
    return f" AND ({text or '0'})", tuple(bindings)


def _json(texts: tuple[str, ...]) -> str:
    return msgspec.json.encode(texts).decode()
