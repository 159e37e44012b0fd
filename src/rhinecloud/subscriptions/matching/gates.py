"""Subscriptions of one type, narrowed by what their conditions demand at least.

Ten thousand people may each watch the same type: one ship, one street, one level above which a cellar floods. So of
each subscription's conditions one that can be looked up is taken as its gate: an attribute that must equal a value, a
place that must lie in a box, a number that must pass a limit. Only those whose gate is open are judged exactly.
Source: ETSI GS CIM 009 v1.9.1, clauses 4.9 and 4.10.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rhinecloud.ngsild.box import Box, box_of
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.expression import Every
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.terms import Equality, Literal, Order
from rhinecloud.subscriptions.matching.grid import SpatialGrid

W = TypeVar("W")

AFTER_ALL = "\U0010ffff"
"""Sorts behind every key."""


@dataclass(frozen=True, slots=True)
class EqualsGate:
    """The target of `path` must be one of `values`."""

    path: Path
    values: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class RangeGate:
    """The number at `path` must lie beyond `limit`, above or below it."""

    path: Path
    limit: float
    above: bool


@dataclass(frozen=True, slots=True)
class BoxGate:
    """The GeoProperty `name` must touch `box`."""

    name: str
    box: Box


Gate = EqualsGate | RangeGate | BoxGate | None


def gate_of(query: EntityQuery) -> Gate:
    """Choose the condition that narrows best; None where none of them can be looked up."""
    terms = query.q.terms if isinstance(query.q, Every) else (query.q,)
    for term in terms:
        if isinstance(term, Equality) and (values := _values(term)):
            return EqualsGate(term.path, values)
    box = query.geo.bounds() if query.geo is not None else None
    if query.geo is not None and box is not None:
        return BoxGate(query.geo.property, box)
    for term in terms:
        if isinstance(term, Order) and type(term.limit.value) in (int, float):
            return RangeGate(term.path, float(term.limit.value), term.operator.startswith(">"))
    return None


def _values(term: Equality) -> tuple[Hashable, ...]:
    """List what the target may be; nothing where it cannot be told by looking up: ranges, moments, negations."""
    if term.negated or not all(isinstance(each, Literal) and each.moment is None for each in term.wanted):
        return ()
    literals = [each for each in term.wanted if isinstance(each, Literal)]
    found = [_key(each.value) for each in literals]
    return tuple(found + [_key(each.expanded) for each in literals if each.expanded])


def _key(value: Any) -> Hashable:
    """Tell booleans from numbers, which Python takes for the same."""
    return (type(value) is bool, value)


class GateIndex(Generic[W]):
    """A set of things by key, each behind a gate or behind none."""

    __slots__ = ("_equal", "_fences", "_limits", "_open", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._open: dict[str, W] = {}
        self._equal: dict[Path, dict[Hashable, dict[str, W]]] = {}
        self._limits: dict[tuple[Path, bool], _Limits[W]] = {}
        self._fences: dict[str, SpatialGrid[W]] = {}

    def __len__(self) -> int:
        return self._size

    def add(self, key: str, gate: Gate, thing: W) -> None:
        """Add a thing that is not there yet."""
        self._size += 1
        if isinstance(gate, EqualsGate):
            by_value = self._equal.setdefault(_meaning(gate.path), {})
            for value in gate.values:
                by_value.setdefault(value, {})[key] = thing
        elif isinstance(gate, RangeGate):
            self._limits.setdefault((_meaning(gate.path), gate.above), _Limits()).add(key, gate.limit, thing)
        elif isinstance(gate, BoxGate):
            self._fences.setdefault(gate.name, SpatialGrid()).add(key, gate.box, thing)
        else:
            self._open[key] = thing

    def remove(self, key: str, gate: Gate) -> None:
        """Remove a thing that is there."""
        self._size -= 1
        if isinstance(gate, EqualsGate):
            by_value = self._equal[_meaning(gate.path)]
            for value in gate.values:
                by_value[value].pop(key, None)
                if not by_value[value]:
                    del by_value[value]
            if not by_value:
                del self._equal[_meaning(gate.path)]
        elif isinstance(gate, RangeGate):
            self._limits[_meaning(gate.path), gate.above].remove(key, gate.limit)
        elif isinstance(gate, BoxGate):
            fences = self._fences[gate.name]
            fences.remove(key)
            if not fences:
                del self._fences[gate.name]
        else:
            del self._open[key]

    def find(self, entity: Entity, found: dict[str, W]) -> None:
        """Put into `found` the things whose gate is open for an entity, or that have none."""
        found.update(self._open)
        for path, by_value in self._equal.items():
            for value in _targets(path, entity):
                if not isinstance(value, (dict, list)) and (things := by_value.get(_key(value))):
                    found.update(things)
        for (path, above), limits in self._limits.items():
            for value in _targets(path, entity):
                if type(value) in (int, float):
                    found.update(limits.passed(value, above))
        for name, fences in self._fences.items():
            box = box_of(entity.attrs.get(name))
            if box is not None:
                found.update(fences.touched(box))


def _meaning(path: Path) -> Path:
    """Give the path without the names by which it happens to be written."""
    return Path((), path.iris, path.trail)


def _targets(path: Path, entity: Entity) -> Iterator[Any]:
    """Give the single values at the end of a path."""
    for _, value in path.targets(entity):
        for each in value if isinstance(value, list) else (value,):
            yield each["@value"] if isinstance(each, dict) and "@value" in each else each


class _Limits(Generic[W]):
    """Things by the number that must be passed, in its order."""

    __slots__ = ("_order", "_things")

    def __init__(self) -> None:
        self._order: list[tuple[float, str]] = []
        self._things: dict[str, W] = {}

    def add(self, key: str, limit: float, thing: W) -> None:
        insort(self._order, (limit, key))
        self._things[key] = thing

    def remove(self, key: str, limit: float) -> None:
        del self._order[bisect_left(self._order, (limit, key))]
        del self._things[key]

    def passed(self, value: float, above: bool) -> Iterator[tuple[str, W]]:
        order = self._order
        passed = (
            order[: bisect_left(order, (value, AFTER_ALL))]
            if above
            else order[bisect_left(order, (value,)) :]
        )
        return ((key, self._things[key]) for _, key in passed)
