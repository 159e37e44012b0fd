"""Translates a query to SQL that returns all rows that match and few others.

Conditions that SQL cannot express exactly are checked by `EntityQuery.matcher` for the returned rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely

from rhinecloud.ngsild.expression import Every, Expression, Some
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.stored import attribute_bytes
from rhinecloud.store.contained import contained
from rhinecloud.store.postgres.names import NameNumbers, fits
from rhinecloud.store.postgres.values import Among, PostgresAttributeIndexes, encode_key
from rhinecloud.store.terms import LAST_CHARACTER, literal_prefix, terms_of

Alternatives = tuple[tuple[int, ...], ...]
"""A type selection by the types' numbers: a disjunction of conjunctions."""

TOLERANCE = "1e-7"
"""A centimetre in degrees: PostGIS may round differently from shapely, and must not miss a match."""
_TYPED = "SELECT row FROM entity_type WHERE tenant = {tenant} AND type = {type}"


@dataclass(slots=True)
class PostgresPlan:
    """SQL after FROM, its arguments, and what is left to check for each of its rows."""

    source: str
    order: str
    answered: set[str]
    """The conditions of the query that hold of every row."""
    remaining: frozenset[str] = frozenset()
    """The conditions that are to be checked for each row."""
    arguments: list[Any] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    population: tuple[int, int] | None = None
    """The tenant and type whose count is the total."""
    among: Among = (0, 0)
    filtered: bool = False
    """Whether documents are left out that lack what every match contains."""
    indexed: set[str] = field(default_factory=set)
    """The attributes whose indexes are used."""

    def add(self, argument: Any) -> str:
        """Add an argument. Return its placeholder."""
        self.arguments.append(argument)
        return f"${len(self.arguments)}"

    @property
    def exact(self) -> bool:
        """Whether every row matches."""
        return not self.remaining

    @property
    def quick(self) -> bool:
        """Whether the indexes of types and ids alone answer the query."""
        return self.exact and not self.indexed

    @property
    def rows(self) -> str:
        """FROM and WHERE of the rows alone: a page at a large offset is found without reading the documents
        before it.
        """
        if self.population is not None and self.population[1]:
            return f"FROM entity_type AS t WHERE {' AND '.join(self.conditions)}"
        return self.body

    @property
    def body(self) -> str:
        """FROM and WHERE."""
        return f"FROM {self.source} WHERE {' AND '.join(self.conditions)}"


def plan_query(
    numbering: NameNumbers, values: PostgresAttributeIndexes, tenant: int, query: EntityQuery
) -> PostgresPlan | None:
    """Return the plan, None if nothing can match. Every type of the query must have been looked up."""
    alternatives = _alternatives(numbering, query)
    if query.types and not alternatives:
        return None
    plan = _by_types(tenant, alternatives)
    _add_ids(plan, query)
    _add_terms(plan, values, query)
    _add_hidden(plan, numbering, query)
    _add_place(plan, numbering, query)
    _add_attributes(plan, query)
    if query.q is not None and "q" not in plan.answered and (condition := _contains(plan, query.q)):
        plan.conditions.append(condition)
        plan.filtered = not query.ids
    plan.remaining = query.remaining(plan.answered)
    return plan


def _alternatives(numbering: NameNumbers, query: EntityQuery) -> Alternatives:
    """Return the types as numbers, without alternatives with a type that no entity ever had."""
    numbered = (tuple(numbering.types.get(name) for name in each) for each in query.types)
    return tuple(tuple(n for n in each if n is not None) for each in numbered if None not in each)


def _by_types(tenant: int, alternatives: Alternatives) -> PostgresPlan:
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        plan = PostgresPlan("entity_type AS t JOIN entity AS e ON e.row = t.row", "t.row", {"types"})
        plan.conditions = [f"t.tenant = {plan.add(tenant)}", f"t.type = {plan.add(alternatives[0][0])}"]
        plan.population = plan.among = (tenant, alternatives[0][0])
        return plan
    plan = PostgresPlan("entity AS e", "e.row", {"types"}, among=(tenant, 0))
    mine = plan.add(tenant)
    plan.conditions = [f"e.tenant = {mine}"]
    if not alternatives:
        plan.population = (tenant, 0)
        return plan
    if all(len(each) == 1 for each in alternatives):
        kinds = plan.add([each[0] for each in alternatives])
        rows = (
            f"SELECT t.row FROM entity_type AS t WHERE t.tenant = {mine} AND t.type = ANY({kinds}::integer[])"
        )
    else:
        rows = " UNION ".join(
            "(" + " INTERSECT ".join(_TYPED.format(tenant=mine, type=plan.add(kind)) for kind in each) + ")"
            for each in alternatives
        )
    plan.conditions.append(f"e.row IN ({rows})")
    return plan


def _add_ids(plan: PostgresPlan, query: EntityQuery) -> None:
    if query.ids:
        plan.conditions.append(f"e.id = ANY({plan.add([each for each in query.ids if fits(each)])}::text[])")
        plan.population = None
        plan.answered.add("ids")
    prefix = literal_prefix(query.id_pattern)
    if prefix and fits(prefix):
        low, high = plan.add(prefix), plan.add(prefix + LAST_CHARACTER)
        plan.conditions.append(f"e.id BETWEEN {low} AND {high}")


def _add_terms(plan: PostgresPlan, values: PostgresAttributeIndexes, query: EntityQuery) -> None:
    """Add the conditions that attribute indexes answer."""
    terms = terms_of(query, values.ready)
    for term in terms:
        spans = (
            f"(v.attribute = {plan.add(values.kept[span.attribute].number)} AND v.tenant = $1"
            f" AND v.key BETWEEN {plan.add(encode_key(span.low))} AND {plan.add(encode_key(span.high))})"
            for span in term.spans
        )
        plan.conditions.append(f"e.row IN (SELECT v.row FROM value AS v WHERE {' OR '.join(spans)})")
        plan.population = None
        plan.indexed |= term.attributes
    if any(term.exact for term in terms):
        plan.answered.add("q")


def _add_hidden(plan: PostgresPlan, numbering: NameNumbers, query: EntityQuery) -> None:
    plan.answered.add("hidden")
    hidden = [number for name in query.hidden if (number := numbering.types.get(name)) is not None]
    if hidden:
        place = plan.add(hidden)
        plan.conditions.append(
            "NOT EXISTS (SELECT FROM entity_type AS h WHERE h.tenant = e.tenant"
            f" AND h.type = ANY({place}::integer[]) AND h.row = e.row)"
        )
        plan.population = None


def _add_place(plan: PostgresPlan, numbering: NameNumbers, query: EntityQuery) -> None:
    """Add the condition on the spatial index: a box around all that can match, with a tolerance."""
    bounds = query.geo.bounds() if query.geo is not None else None
    if query.geo is None or bounds is None or not fits(query.geo.property):
        return
    west, south, east, north = (plan.add(each) for each in bounds)
    attribute = plan.add(numbering.attributes.get(query.geo.property) or 0)
    touches = f"p.shape && ST_MakeEnvelope({west}, {south}, {east}, {north}, 4326)"
    if query.geo.relation != "near":  # all others but `disjoint`, which has no bounds, need a point in common
        shape = plan.add(bytes(shapely.to_wkb(shapely.force_2d(query.geo.shape))))
        touches += f" AND ST_DWithin(p.shape, ST_GeomFromWKB({shape}, 4326), {TOLERANCE})"
    plan.conditions.append(
        f"e.row IN (SELECT p.row FROM place AS p WHERE p.tenant = $1 AND p.attribute = {attribute} AND {touches})"
    )


def _add_attributes(plan: PostgresPlan, query: EntityQuery) -> None:
    if query.attrs:
        plan.conditions.append(_has_one(plan, [attribute_bytes(name) for name in query.attrs]))


def _has_one(plan: PostgresPlan, found: Sequence[bytes]) -> str:
    return f"({' OR '.join(f'position({plan.add(each)}::bytea IN e.body) > 0' for each in found)})"


def _contains(plan: PostgresPlan, expression: Expression) -> str:
    """Return the condition that a document contains what every match does; '' where that is not known.

    To read it as JSON would take PostgreSQL six microseconds, as long as handing it over, decoding and checking it.
    """
    if isinstance(expression, Every):
        parts = [part for each in expression.terms if (part := _contains(plan, each))]
        return f"({' AND '.join(parts)})" if parts else ""
    if isinstance(expression, Some):
        before = len(plan.arguments)
        parts = [_contains(plan, each) for each in expression.terms]
        if all(parts):
            return f"({' OR '.join(parts)})"
        del plan.arguments[before:]
        return ""
    found = contained(expression)
    return _has_one(plan, found) if found else ""
