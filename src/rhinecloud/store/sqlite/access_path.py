"""Access paths to the candidates of a query, one for each index: each as SQL that returns row numbers."""

from __future__ import annotations

from typing import Any

import msgspec

from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.place import LOCATION
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes
from rhinecloud.store.terms import LAST_CHARACTER, IndexTerm, literal_prefix

Bindings = tuple[Any, ...]
Alternatives = tuple[tuple[int, ...], ...]
"""A type selection by the types' numbers: a disjunction of conjunctions."""

HAS_TYPE = "EXISTS (SELECT 1 FROM entity_type AS t WHERE t.tenant = ? AND t.type = ? AND t.row = c.row)"
OF_TYPE = "SELECT row FROM entity_type WHERE tenant = ? AND type = ?"
OF_KEYS = "SELECT row FROM value WHERE attribute = ? AND tenant = ? AND key BETWEEN ? AND ?"
WITH_SURE = "SELECT row, ? AS sure FROM value WHERE attribute = ? AND tenant = ? AND key BETWEEN ? AND ?"
OF_KEY = "SELECT row FROM value WHERE attribute = ? AND tenant = ? AND key = ?"


class AccessPath(msgspec.Struct, frozen=True, gc=False):
    """SQL that returns the candidates' `row`. `answers` names the conditions of the query that hold of each of them.

    A path by attribute indexes may return a row more than once, unless it is `distinct`.
    """

    rows: str
    bindings: Bindings
    answers: frozenset[str] = frozenset()
    at_once: bool = False
    """Whether rows are in order of creation without being sorted, so that the first of them are found at once."""
    attributes: frozenset[str] = frozenset()
    """The attributes whose indexes are used."""
    sure: frozenset[str] = frozenset()
    """The conditions that hold where the column `sure` is 1; of a row that comes twice the first decides."""

    @property
    def page(self) -> str:
        """The rows in order of creation, with `LIMIT ? OFFSET ?`."""
        return f"{self.rows} ORDER BY {'row, sure' if self.sure else 'row'} LIMIT ? OFFSET ?"


def by_types(tenant: int, alternatives: Alternatives) -> AccessPath:
    """Return the path to all entities of the types."""
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        return AccessPath(OF_TYPE, (tenant, alternatives[0][0]), frozenset({"types"}), at_once=True)
    parts = [f"SELECT row FROM ({' INTERSECT '.join(OF_TYPE for _ in each)})" for each in alternatives]
    bindings = tuple(value for each in alternatives for kind in each for value in (tenant, kind))
    return AccessPath(f"SELECT row FROM ({' UNION '.join(parts)})", bindings, frozenset({"types"}))


def by_ids(tenant: int, ids: tuple[str, ...]) -> AccessPath:
    """Return the path to the entities with these ids."""
    return AccessPath(
        "SELECT row FROM entity WHERE tenant = ? AND id IN (SELECT value FROM json_each(?))",
        (tenant, msgspec.json.encode(ids).decode()),
        frozenset({"ids"}),
    )


def by_prefix(tenant: int, pattern: str) -> AccessPath | None:
    """Return the path to the ids with the literal prefix of a pattern, None if it has none."""
    prefix = literal_prefix(pattern)
    if not prefix:
        return None
    return AccessPath(
        "SELECT row FROM entity WHERE tenant = ? AND id BETWEEN ? AND ?",
        (tenant, prefix, prefix + LAST_CHARACTER),
    )


def by_place(query: EntityQuery) -> AccessPath | None:
    """Return the path by the spatial index, for queries on the default location: boxes that touch, of all tenants.

    If the query is for entities within or touching a box, all with their own box inside of it match.
    """
    geo = query.geo
    bounds = geo.bounds() if geo is not None and geo.property == LOCATION else None
    if geo is None or bounds is None:
        return None
    west, south, east, north = bounds
    touching = "FROM place WHERE east >= ? AND west <= ? AND north >= ? AND south <= ?"
    if geo.box is None or geo.relation not in ("within", "intersects"):
        return AccessPath(f"SELECT row {touching}", (west, east, south, north))
    inside = "west > ? AND east < ? AND south > ? AND north < ?"
    return AccessPath(
        f"SELECT row, {inside} AS sure {touching}", (west, east, south, north) * 2, sure=frozenset({"geo"})
    )


def by_term(tenant: int, term: IndexTerm, values: SqliteAttributeIndexes, *, distinct: bool) -> AccessPath:
    """Return the path by the attribute indexes of one term; `distinct` returns each row once."""
    parts: list[str] = []
    bindings: list[Any] = []
    if term.sure:
        return _by_sure(tenant, term, values)
    for span in term.spans:
        one = span.low == span.high
        parts.append(OF_KEY if one else OF_KEYS)
        bindings += (values.number(span.attribute), tenant, span.low, *(() if one else (span.high,)))
    if len(parts) > 1:
        rows = f"SELECT row FROM ({(' UNION ' if distinct else ' UNION ALL ').join(parts)})"
    else:
        rows = f"SELECT DISTINCT row FROM ({parts[0]})" if distinct and parts[0] is OF_KEYS else parts[0]
    answers = frozenset({"q"}) if term.exact else frozenset[str]()
    return AccessPath(rows, tuple(bindings), answers, rows is OF_KEY, frozenset(term.attributes))


def _by_sure(tenant: int, term: IndexTerm, values: SqliteAttributeIndexes) -> AccessPath:
    """Return the path by spans of which the first alone shows that a row matches, unless another has the row, too."""
    rows = " UNION ALL ".join(WITH_SURE for _ in term.spans)
    bindings: list[Any] = []
    for place, span in enumerate(term.spans):
        bindings += (place == 0, values.number(span.attribute), tenant, span.low, span.high)
    attributes = frozenset(term.attributes)
    return AccessPath(
        f"SELECT row, sure FROM ({rows})", tuple(bindings), attributes=attributes, sure=frozenset({"q"})
    )


def of_types(tenant: int, alternatives: Alternatives) -> tuple[str, Bindings]:
    """Return the SQL condition that a candidate `c` has the types."""
    text = " OR ".join("(" + " AND ".join(HAS_TYPE for _ in each) + ")" for each in alternatives)
    return f"({text})", tuple(value for each in alternatives for kind in each for value in (tenant, kind))
