"""Which index answers a query: the candidates of a query as SQL over row numbers, in order of creation.

A condition that no index holds (`q`, an id pattern, attributes, scopes) is left to `ngsild.query.matches`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.sqlite.census import ANY, Census
from rhinecloud.store.sqlite.place import LOCATION
from rhinecloud.store.sqlite.schema import number_of

FEW = 200
"""So many documents are looked through on the event loop; more go to a thread."""

Bindings = tuple[Any, ...]
Alternatives = tuple[tuple[int, ...], ...]
"""A type selection by the types' numbers: a disjunction of conjunctions."""

_HAS_TYPE = "EXISTS (SELECT 1 FROM entity_type AS t WHERE t.tenant = ? AND t.type = ? AND t.row = {row})"


@dataclass(frozen=True, slots=True)
class Plan:
    """SQL that gives the candidates' `row`; `exact` when every candidate matches, `most` how many they can be."""

    rows: str
    bindings: Bindings
    exact: bool
    most: int
    total: int | None = None
    filter: str = ""
    """A condition on the document `e`, true for all that match and quicker than decoding it."""
    filter_bindings: Bindings = ()

    @property
    def ordered(self) -> str:
        """The candidates in order of creation."""
        return f"{self.rows} ORDER BY row"


def plan_query(
    connection: apsw.Connection, census: Census, tenant_name: str, query: EntityQuery
) -> Plan | None:
    """Choose the index that leaves fewest candidates; None when nothing can match."""
    tenant = census.tenant(tenant_name)
    if tenant is None:
        return None
    alternatives = _alternatives(census, query.types)
    if query.types and not alternatives:
        return None
    exact = not (query.id_pattern or query.attrs or query.q or query.geo or query.scope or query.selectors)
    most = sum(min(census.count(tenant, kind) for kind in each) for each in alternatives or ((ANY,),))
    plan = _by_ids(tenant, alternatives, query, exact) if query.ids else None
    if plan is None and most > FEW:
        plan = _by_place(connection, tenant, alternatives, query, most)
    plan = plan or _by_types(tenant, alternatives or ((ANY,),), exact, most)
    return _narrow(plan, census, tenant, query)


def _alternatives(census: Census, types: tuple[tuple[str, ...], ...]) -> Alternatives:
    """Number the types; an alternative that names a type which no entity ever had falls away."""
    numbered = (tuple(census.type(name) for name in each) for each in types)
    return tuple(tuple(n for n in each if n is not None) for each in numbered if None not in each)


def _by_ids(tenant: int, alternatives: Alternatives, query: EntityQuery, exact: bool) -> Plan:
    condition, bindings = _types_condition(tenant, alternatives, "entity.row")
    return Plan(
        f"SELECT row FROM entity WHERE tenant = ? AND id IN (SELECT value FROM json_each(?)){condition}",
        (tenant, msgspec.json.encode(query.ids).decode(), *bindings),
        exact,
        len(query.ids),
    )


def _by_place(
    connection: apsw.Connection, tenant: int, alternatives: Alternatives, query: EntityQuery, most: int
) -> Plan | None:
    """Use the spatial index where the query is about the default location; it finds boxes that touch, no more."""
    bounds = query.geo.bounds() if query.geo is not None and query.geo.property == LOCATION else None
    if bounds is None:
        return None
    west, south, east, north = bounds
    condition, bindings = _types_condition(tenant, alternatives or ((ANY,),), "place.row")
    rows = f"SELECT row FROM place WHERE east >= ? AND west <= ? AND north >= ? AND south <= ?{condition}"
    bindings = (west, east, south, north, *bindings)
    here = number_of(connection, f"SELECT count(*) FROM ({rows} LIMIT {FEW + 1})", bindings)
    return Plan(rows, bindings, False, here if here <= FEW else most)


def _by_types(tenant: int, alternatives: Alternatives, exact: bool, most: int) -> Plan:
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        rows = "SELECT row FROM entity_type WHERE tenant = ? AND type = ?"
        return Plan(rows, (tenant, alternatives[0][0]), exact, most, most)
    parts = []
    for each in alternatives:
        one = " INTERSECT ".join("SELECT row FROM entity_type WHERE tenant = ? AND type = ?" for _ in each)
        parts.append(f"SELECT row FROM ({one})")
    bindings = tuple(value for each in alternatives for kind in each for value in (tenant, kind))
    return Plan(f"SELECT row FROM ({' UNION '.join(parts)})", bindings, exact, most)


def _types_condition(tenant: int, alternatives: Alternatives, row: str) -> tuple[str, Bindings]:
    if not alternatives:
        return "", ()
    has = _HAS_TYPE.format(row=row)
    text = " OR ".join("(" + " AND ".join(has for _ in each) + ")" for each in alternatives)
    return f" AND ({text})", tuple(
        value for each in alternatives for kind in each for value in (tenant, kind)
    )


def _narrow(plan: Plan, census: Census, tenant: int, query: EntityQuery) -> Plan:
    """Leave out hidden types, and documents that name none of the attributes asked for."""
    rows, bindings, total = plan.rows, plan.bindings, plan.total
    hidden = [kind for kind in _numbers(census, query.hidden) if census.count(tenant, kind)]
    if hidden:
        not_hidden = " AND ".join("NOT " + _HAS_TYPE.format(row="c.row") for _ in hidden)
        rows = f"SELECT row FROM ({rows}) AS c WHERE {not_hidden}"
        bindings = (*bindings, *(value for kind in hidden for value in (tenant, kind)))
        total = None
    if not (hidden or query.attrs):
        return plan
    names = tuple(msgspec.json.encode(name) + b":" for name in query.attrs)
    condition = " OR ".join("instr(e.body, ?)" for _ in names)
    return Plan(rows, bindings, plan.exact, plan.most, total, condition, names)


def _numbers(census: Census, names: Iterable[str]) -> list[int]:
    return [number for number in map(census.type, names) if number is not None]
