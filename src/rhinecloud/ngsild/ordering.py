"""The order of entities in a list: by values of attributes, by distance, across different types of values.

Texts are ordered by the requested collation, else by ICU's root collation.
Source: ETSI GS CIM 009 v1.9.1, clause 4.23.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.collation import check_collation, sort_key
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.geometry import distance_m
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.time_values import parse_moment
from rhinecloud.ngsild.values import check_geometry, is_geometry

T = TypeVar("T")

_TERM = re.compile(r"([^\s;,\[\]]+)(?:\[([^\[\]]+)\])?(?:;(asc|desc|dist-asc|dist-desc))?")


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One criterion: a path, or `id`, `type`, `createdAt` … of the entity; by distance where `reference` is a
    geometry; texts by `collation`, ICU's root where that is empty.
    """

    path: Path
    descending: bool = False
    reference: dict[str, Any] | None = field(default=None)
    collation: str = ""

    def __str__(self) -> str:
        direction = "desc" if self.descending else "asc"
        return f"{self.path};{f'dist-{direction}' if self.reference is not None else direction}"


def parse_order(
    text: str, context: Context, *, order_from: Any = None, geometry: str = "Point", collation: str = ""
) -> tuple[OrderKey, ...]:
    """Read `orderBy`; `order_from` are the coordinates of the geometry from which distances are measured. Raise
    Invalid.
    """
    reference = _reference(order_from, geometry) if order_from is not None else None
    check_collation(collation)
    keys = []
    for term in text.split(","):
        match = _TERM.fullmatch(term)
        if match is None:
            raise Invalid(
                f"must be attributes with an optional ;asc, ;desc, ;dist-asc or ;dist-desc, not {term!r}",
                field="orderBy",
            )
        direction = match[3] or "asc"
        if direction.startswith("dist-") and reference is None:
            raise Invalid("must be given with orderFrom for an order by distance", field="orderBy")
        keys.append(
            OrderKey(
                _path(match[1], match[2], context),
                direction.endswith("desc"),
                reference if direction.startswith("dist-") else None,
                collation,
            )
        )
    return tuple(keys)


def _reference(order_from: Any, geometry: str) -> dict[str, Any]:
    try:
        coordinates = orjson.loads(order_from) if isinstance(order_from, str) else order_from
        return check_geometry({"type": geometry or "Point", "coordinates": coordinates})
    except orjson.JSONDecodeError:
        raise Invalid("must be a JSON array", field="orderFrom") from None
    except Invalid as error:
        raise Invalid(error.reason, field="orderFrom") from None


def _path(dotted: str, trail: str | None, context: Context) -> Path:
    names = (dotted,) if "://" in dotted else tuple(dotted.split("."))
    try:
        iris = tuple(f"@{name}" if name in ("id", "type") else context.name(name) for name in names)
    except Invalid as error:
        raise Invalid(error.reason, field="orderBy") from None
    return Path(names, iris, tuple(trail.split(".")) if trail else ())


def sort_entities(items: Iterable[T], order: Sequence[OrderKey], entity_of: Callable[[T], Entity]) -> list[T]:
    """Sort by the criteria in turn, stable; entities without the attribute come last, in both directions."""
    rows = [(item, entity_of(item)) for item in items]
    for key in reversed(order):
        keyed = [(_rank(key, entity), row) for row, entity in ((row, row[1]) for row in rows)]
        present = [each for each in keyed if each[0] is not None]
        present.sort(key=lambda each: each[0], reverse=key.descending)  # type: ignore[arg-type, return-value]
        rows = [row for _, row in present] + [row for rank, row in keyed if rank is None]
    return [item for item, _ in rows]


def _rank(key: OrderKey, entity: Entity) -> tuple[Any, ...] | None:
    first = key.path.iris[0]
    if first == "@id":
        return (1, entity.id)
    if first == "@type":
        return (1, entity.type[0])
    targets = key.path.targets(entity)
    if not targets:
        return None
    value = targets[0][1]
    if key.reference is not None and is_geometry(value):
        return (-1, distance_m(value, key.reference))
    return _value_rank(value, key.collation)


def _value_rank(value: Any, collation: str) -> tuple[Any, ...]:
    """Return the sort key of a value: first its type in the order of clause 4.23.2, then the value."""
    if isinstance(value, dict) and "@value" in value:
        value = value["@value"]
    if isinstance(value, bool):
        return (4, value)
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        moment = parse_moment(value)
        if moment is None:
            return (1, sort_key(collation)(value))
        kind = type(moment).__name__
        return ({"time": 5, "date": 6, "datetime": 7}[kind], moment)
    if isinstance(value, dict):
        return (2, orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    return (3, orjson.dumps(value)) if isinstance(value, list) else (8,)
