"""Subscriptions of one type, indexed by a necessary condition of each, its gate.

Ten thousand people may each watch the same type: one ship, one street, one level above which a cellar floods. So one
condition of each subscription that can be looked up is its gate: an attribute must equal a value, a geometry must lie
in a box, a number must exceed a limit. Only those whose gate holds are checked exactly.
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
"""Sorts after every key."""


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
    """Return the most selective condition; None where none of them can be looked up."""
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
    """Return what the target may be; nothing where that cannot be looked up: ranges, times, negations."""
    if term.negated or not all(isinstance(each, Literal) and each.moment is None for each in term.wanted):
        return ()
    literals = [each for each in term.wanted if isinstance(each, Literal)]
    found = [_key(each.value) for each in literals]
    found += [_key(each.expanded) for each in literals if each.expanded]
    return tuple(dict.fromkeys(found))  # 1 and 1.0 are one key


def _key(value: Any) -> Hashable:
    """Return a key that distinguishes booleans from numbers, which are equal in Python."""
    return (type(value) is bool, value)


class GateIndex(Generic[W]):
    """Items by key, each with a gate or with none."""

    __slots__ = ("_boxes", "_equal", "_limits", "_size", "_ungated")

    def __init__(self) -> None:
        self._size = 0
        self._ungated: dict[str, W] = {}
        self._equal: dict[Path, dict[Hashable, dict[str, W]]] = {}
        self._limits: dict[tuple[Path, bool], _Limits[W]] = {}
        self._boxes: dict[str, SpatialGrid[W]] = {}

    def __len__(self) -> int:
        return self._size

    def add(self, key: str, gate: Gate, item: W) -> None:
        """Add an item; its key must be new."""
        self._size += 1
        if isinstance(gate, EqualsGate):
            by_value = self._equal.setdefault(_canonical(gate.path), {})
            for value in gate.values:
                by_value.setdefault(value, {})[key] = item
        elif isinstance(gate, RangeGate):
            self._limits.setdefault((_canonical(gate.path), gate.above), _Limits()).add(key, gate.limit, item)
        elif isinstance(gate, BoxGate):
            self._boxes.setdefault(gate.name, SpatialGrid()).add(key, gate.box, item)
        else:
            self._ungated[key] = item

    def remove(self, key: str, gate: Gate) -> None:
        """Remove an item, which must be there."""
        self._size -= 1
        if isinstance(gate, EqualsGate):
            by_value = self._equal[_canonical(gate.path)]
            for value in gate.values:
                by_value[value].pop(key, None)
                if not by_value[value]:
                    del by_value[value]
            if not by_value:
                del self._equal[_canonical(gate.path)]
        elif isinstance(gate, RangeGate):
            self._limits[_canonical(gate.path), gate.above].remove(key, gate.limit)
        elif isinstance(gate, BoxGate):
            boxes = self._boxes[gate.name]
            boxes.remove(key)
            if not boxes:
                del self._boxes[gate.name]
        else:
            del self._ungated[key]

    def find(self, entity: Entity, found: dict[str, W]) -> None:
        """Add to `found` the items whose gate holds for an entity, or that have none."""
        found.update(self._ungated)
        for path, by_value in self._equal.items():
            for value in _targets(path, entity):
                if not isinstance(value, (dict, list)) and (items := by_value.get(_key(value))):
                    found.update(items)
        for (path, above), limits in self._limits.items():
            for value in _targets(path, entity):
                if type(value) in (int, float):
                    found.update(limits.exceeded(value, above))
        for name, boxes in self._boxes.items():
            box = box_of(entity.attrs.get(name))
            if box is not None:
                found.update(boxes.touched(box))


def _canonical(path: Path) -> Path:
    """Return the path without the short names, so that equal paths are equal."""
    return Path((), path.iris, path.trail)


def _targets(path: Path, entity: Entity) -> Iterator[Any]:
    """Yield the single values at the end of a path."""
    for _, value in path.targets(entity):
        for each in value if isinstance(value, list) else (value,):
            yield each["@value"] if isinstance(each, dict) and "@value" in each else each


class _Limits(Generic[W]):
    """Items by the number that must be exceeded, sorted."""

    __slots__ = ("_items", "_order")

    def __init__(self) -> None:
        self._order: list[tuple[float, str]] = []
        self._items: dict[str, W] = {}

    def add(self, key: str, limit: float, item: W) -> None:
        insort(self._order, (limit, key))
        self._items[key] = item

    def remove(self, key: str, limit: float) -> None:
        del self._order[bisect_left(self._order, (limit, key))]
        del self._items[key]

    def exceeded(self, value: float, above: bool) -> Iterator[tuple[str, W]]:
        order = self._order
        exceeded = (
            order[: bisect_left(order, (value, AFTER_ALL))]
            if above
            else order[bisect_left(order, (value,)) :]
        )
        return ((key, self._items[key]) for _, key in exceeded)
