"""Bounding boxes: a first, cheap test of where an entity is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rhinecloud.ngsild.entity import Instance

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


def touches(one: Box, other: Box) -> bool:
    """Return whether two boxes share a point; a box whose west is east of its east crosses the date line."""
    if one[1] > other[3] or other[1] > one[3]:
        return False
    if other[0] <= other[2]:
        return one[0] <= other[2] and other[0] <= one[2]
    return one[2] >= other[0] or one[0] <= other[2]


def box_of(instances: list[Instance] | None) -> Box | None:
    """Return the box around all instances of a GeoProperty."""
    if not instances:
        return None
    value = instances[0].value
    if len(instances) == 1 and isinstance(value, dict) and value.get("type") == "Point":
        longitude, latitude = value["coordinates"][:2]
        return (longitude, latitude, longitude, latitude)
    points = [point for each in instances for point in _points(each.value)]
    if not points:
        return None
    longitudes, latitudes = [each[0] for each in points], [each[1] for each in points]
    return (min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def _points(geometry: Any) -> Iterator[tuple[float, float]]:
    if isinstance(geometry, dict):
        for inner in geometry.get("geometries", ()):
            yield from _points(inner)
        yield from _positions(geometry.get("coordinates", ()))


def _positions(coordinates: Iterable[Any]) -> Iterator[tuple[float, float]]:
    numbers = list(coordinates)
    if len(numbers) >= 2 and isinstance(numbers[0], int | float):
        yield (numbers[0], numbers[1])
        return
    for inner in numbers:
        if isinstance(inner, list | tuple):
            yield from _positions(inner)
