"""A parsed query: type selection, ids, `q`, geometry, scope, order. Engines translate it to their own terms.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9 (q), 4.10 (geoQ), 4.17 (type selection), 4.19 (scopeQ), 4.23 (ordering).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from functools import cache, partial
from typing import Any, Protocol

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


Check = Callable[[Any, Entity], bool]
"""Returns whether a condition's value holds of an entity."""


def condition(default: Any, check: Check) -> Any:
    """Declare a field of `EntityQuery` that decides which entities match; an empty value is no condition."""
    return field(default=default, metadata={"check": check})


def _has_types(wanted: tuple[tuple[str, ...], ...], entity: Entity) -> bool:
    types = entity.type
    if len(wanted) == 1 == len(wanted[0]):
        return wanted[0][0] in types
    return any(all(each in types for each in branch) for branch in wanted)


@dataclass(frozen=True, slots=True)
class EntitySelector:
    """An entity selector of a query by POST (clause 5.2.33): types, ids and pattern; ids override a pattern."""

    types: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ()
    id_pattern: str = ""

    def matches(self, entity: Entity) -> bool:
        """Return whether the entity is selected."""
        if self.types and not _has_types(self.types, entity):
            return False
        if self.ids:
            return entity.id in self.ids
        return not self.id_pattern or compile_pattern(self.id_pattern).is_in(entity.id)


def _has_any_attribute(names: tuple[str, ...], entity: Entity) -> bool:
    attributes = entity.attrs
    return any(name in attributes for name in names)


class RowCondition(Protocol):
    """A condition beyond the query language, such as what the reader may see; `attributes` are the IRIs it looks at.

    `is_steady` says that it admits an entity as long as that stays as it is.
    """

    @property
    def attributes(self) -> frozenset[str]: ...

    @property
    def is_steady(self) -> bool: ...

    def admits(self, entity: Entity) -> bool:
        """Return whether the entity meets the condition."""
        ...


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """A query over the entities of one tenant; every condition that is given must hold.

    `types` is a disjunction of conjunctions of type IRIs (clause 4.17); `attrs` are IRIs of which an entity has one;
    of `selectors` one must match; entities with a type in `hidden`, or that `rows` does not admit, never match.

    Each condition is declared with its check, the cheap ones first. An engine names the conditions that its indexes
    answer; all others, and each that is added here and that the engine does not know, are checked (`remaining`).
    """

    types: tuple[tuple[str, ...], ...] = condition((), _has_types)
    ids: tuple[str, ...] = condition((), lambda ids, entity: entity.id in ids)
    hidden: frozenset[str] = condition(frozenset(), lambda hidden, entity: hidden.isdisjoint(entity.type))
    rows: RowCondition | None = condition(None, lambda rows, entity: rows.admits(entity))
    selectors: tuple[EntitySelector, ...] = condition(
        (), lambda selectors, entity: any(each.matches(entity) for each in selectors)
    )
    attrs: tuple[str, ...] = condition((), _has_any_attribute)
    scope: ScopeQuery | None = condition(None, lambda scope, entity: scope.matches(entity.scope))
    id_pattern: str = condition("", lambda text, entity: compile_pattern(text).is_in(entity.id))
    q: Expression | None = condition(None, lambda expression, entity: expression.holds(entity))
    geo: GeoQuery | None = condition(None, matches_geo)
    order: tuple[OrderKey, ...] = ()
    limit: int = 20
    offset: int = 0
    count: bool = False
    _given: frozenset[str] | None = field(default=None, init=False, repr=False, compare=False)
    """The names of the conditions that are given, once they were worked out."""

    def remaining(self, answered: Collection[str]) -> frozenset[str]:
        """Return the names of the conditions that are given and not among those `answered`."""
        given = self._given
        if given is None:
            given = frozenset(name for name in self._checks() if getattr(self, name))
            object.__setattr__(self, "_given", given)
        return given.difference(answered)

    def _checks(self) -> dict[str, Check]:
        kind: Any = type(self)
        return _checks_of(kind)

    def matcher(self, answered: Collection[str] = ()) -> Callable[[Entity], bool]:
        """Return a function that checks an entity against the conditions that are not among those `answered`."""
        remaining = self.remaining(answered)
        given = [(check, getattr(self, name)) for name, check in self._checks().items() if name in remaining]
        if len(given) == 1:
            check, value = given[0]
            return partial(check, value)

        def matches_all(entity: Entity) -> bool:
            for holds, asked in given:  # noqa: SIM110 - a generator takes twice the time
                if not holds(asked, entity):
                    return False
            return True

        return matches_all


@cache
def _checks_of(of: Any) -> dict[str, Check]:
    """Return the check of each condition of a class of queries, by its name."""
    return {each.name: each.metadata["check"] for each in fields(of) if "check" in each.metadata}


def matches(query: EntityQuery, entity: Entity) -> bool:
    """Return whether an entity matches all conditions of a query."""
    return query.matcher()(entity)


def parse_type_selection(text: str, context: Context) -> tuple[tuple[str, ...], ...]:
    """Return the IRIs of a type selection, such as `(Home;Car)|Van`, () for `*` (clause 4.17). Raise Invalid."""
    if text == "*":
        return ()
    branches = read_branches(text, field="type")
    try:
        return tuple(tuple(context.name(each) for each in branch) for branch in branches)
    except Invalid as error:
        raise Invalid(error.reason, field="type") from None


def check_id_pattern(text: str) -> str:
    """Return a regular expression for entity ids. Raise Invalid(field='idPattern')."""
    try:
        compile_pattern(text)
    except Invalid as error:
        raise Invalid(error.reason, field="idPattern") from None
    return text
