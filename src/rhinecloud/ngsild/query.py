"""What a query asks for, parsed: type selection, ids, `q`, geometry, scope, order. Engines turn it into their terms.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9 (q), 4.10 (geoQ), 4.17 (type selection), 4.19 (scopeQ), 4.23 (ordering).
"""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.expression import Expression
from rhinecloud.ngsild.geometry import GeoQuery, matches_geo, parse_geo
from rhinecloud.ngsild.grammar import parse_q
from rhinecloud.ngsild.ordering import OrderKey, parse_order, sort_entities
from rhinecloud.ngsild.patterns import compile_pattern
from rhinecloud.ngsild.scopes import ScopeQuery, parse_scope_q, read_branches

__all__ = [
    "EntityQuery",
    "EntitySelector",
    "Expression",
    "GeoQuery",
    "OrderKey",
    "ScopeQuery",
    "check_id_pattern",
    "matches",
    "parse_geo",
    "parse_order",
    "parse_q",
    "parse_scope_q",
    "parse_type_selection",
    "sort_entities",
]


@dataclass(frozen=True, slots=True)
class EntitySelector:
    """Some entities by type, id and pattern, as a query by POST lists them (clause 5.2.33); ids override a pattern."""

    types: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ()
    id_pattern: str = ""

    def matches(self, entity: Entity) -> bool:
        """Tell whether the entity is among them."""
        if self.types and not _has_types(self.types, entity.type):
            return False
        if self.ids:
            return entity.id in self.ids
        return not self.id_pattern or compile_pattern(self.id_pattern).is_in(entity.id)


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """A query over the entities of one tenant; every part that is given must hold.

    `types` is a disjunction of conjunctions of type IRIs (clause 4.17); `attrs` are IRIs of which an entity has one;
    of `selectors` one must match; entities with a type among `hidden` are left out, as if they were not there.
    """

    types: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ()
    id_pattern: str = ""
    attrs: tuple[str, ...] = ()
    q: Expression | None = None
    geo: GeoQuery | None = None
    scope: ScopeQuery | None = None
    selectors: tuple[EntitySelector, ...] = ()
    hidden: frozenset[str] = frozenset()
    order: tuple[OrderKey, ...] = ()
    limit: int = 20
    offset: int = 0
    count: bool = False

    @property
    def needs_documents(self) -> bool:
        """Whether more than types and ids decides, so that each candidate must be looked into (order apart)."""
        return bool(
            self.id_pattern or self.attrs or self.q or self.geo or self.scope or self.selectors or self.hidden
        )


def matches(query: EntityQuery, entity: Entity) -> bool:
    """Tell whether an entity is among what the query asks for (paging and order apart); the cheap questions first."""
    if query.types and not _has_types(query.types, entity.type):
        return False
    if query.ids and entity.id not in query.ids:
        return False
    if query.hidden and not query.hidden.isdisjoint(entity.type):
        return False
    if query.selectors and not any(each.matches(entity) for each in query.selectors):
        return False
    if query.attrs and not any(name in entity.attrs for name in query.attrs):
        return False
    if query.scope is not None and not query.scope.matches(entity.scope):
        return False
    if query.id_pattern and not compile_pattern(query.id_pattern).is_in(entity.id):
        return False
    if query.q is not None and not query.q.holds(entity):
        return False
    return query.geo is None or matches_geo(query.geo, entity)


def _has_types(wanted: tuple[tuple[str, ...], ...], types: list[str]) -> bool:
    if len(wanted) == 1 == len(wanted[0]):
        return wanted[0][0] in types
    return any(all(each in types for each in branch) for branch in wanted)


def parse_type_selection(text: str, context: Context) -> tuple[tuple[str, ...], ...]:
    """Read a type selection such as `(Home;Vehicle)|Motorhome` into IRIs, `*` into () (clause 4.17). Raises Invalid."""
    if text == "*":
        return ()
    branches = read_branches(text, field="type")
    try:
        return tuple(tuple(context.name(each) for each in branch) for branch in branches)
    except Invalid as error:
        raise Invalid(error.reason, field="type") from None


def check_id_pattern(text: str) -> str:
    """Accept a regular expression for entity ids; raises Invalid(field='idPattern')."""
    try:
        compile_pattern(text)
    except Invalid as error:
        raise Invalid(error.reason, field="idPattern") from None
    return text
