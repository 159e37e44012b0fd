"""The box of an entity for the spatial index, and the time when it expires."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import parse_time
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.values import is_geometry

LOCATION = "https://uri.etsi.org/ngsi-ld/location"
"""The default geometry property of a geo-query (ETSI GS CIM 009 v1.9.1, clause 4.10)."""

Box = tuple[float, float, float, float]
"""West, east, south, north in degrees."""


def geometries_of(entity: Entity | None) -> list[Any]:
    """Return the GeoJSON geometries of all instances of an entity's default location."""
    if entity is None:
        return []
    return [each.value for each in entity.attrs.get(LOCATION, ()) if is_geometry(each.value)]


def box_of(geometries: Sequence[Any]) -> Box | None:
    """Return the box around GeoJSON geometries; None if they have no positions."""
    if len(geometries) == 1 and (point := _point(geometries[0])):
        longitude, latitude = point
        return longitude, longitude, latitude, latitude
    positions = [position for geometry in geometries for position in _positions(geometry)]
    if not positions:
        return None
    east_west = [position[0] for position in positions]
    north_south = [position[1] for position in positions]
    return min(east_west), max(east_west), min(north_south), max(north_south)


def expiry_of(entity: Entity | None) -> float | None:
    """Return when the first of an entity and its attribute instances expires, in seconds since 1970, or None."""
    if entity is None:
        return None
    times = [entity.expires_at] if entity.expires_at else []
    times += [each.expires_at for each in chain.from_iterable(entity.attrs.values()) if each.expires_at]
    return min(_moments(times), default=None) if times else None


def _moments(times: list[str]) -> Iterator[float]:
    for text in times:
        with contextlib.suppress(Invalid):
            yield parse_time(text).timestamp()


def _point(geometry: Any) -> tuple[float, float] | None:
    """Return the position of a single point, which nearly all entities have; None for others."""
    if type(geometry) is dict and geometry.get("type") == "Point":
        match geometry.get("coordinates"):
            case [int() | float() as longitude, int() | float() as latitude, *_]:
                return longitude, latitude
    return None


def _positions(geometry: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(geometry, dict):
        return
    for part in geometry.get("geometries", ()):
        yield from _positions(part)
    yield from _flat(geometry.get("coordinates"))


def _flat(coordinates: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list | tuple) or not coordinates:
        return
    if isinstance(coordinates[0], int | float):
        if len(coordinates) > 1:
            yield coordinates[0], coordinates[1]
        return
    for part in coordinates:
        yield from _flat(part)
