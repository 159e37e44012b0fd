"""Polygons, circles and points of CAP as rings and centres of `[longitude, latitude]` (CAP 1.2, clause 3.2.4)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shapely import MultiPolygon, Polygon, make_valid
from shapely.geometry.base import BaseGeometry

Ring = list[list[float]]

COMMA = re.compile(r"\s*,\s*")
SHOWN = 80
"""Letters of an unusable value that are shown."""
CROSSES_ITSELF = "a polygon that crosses itself was mended"


class UnusableShape(ValueError):
    """A polygon or circle that is none; its text says what must be."""


@dataclass(slots=True)
class ReadShapes:
    """The shapes of one area, and which of its texts cannot be used (`name.number`, reason)."""

    polygons: list[Ring] = field(default_factory=list)
    circles: list[dict[str, Any]] = field(default_factory=list)
    unusable: list[tuple[str, str]] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)


def read_shapes(polygons: list[str], circles: list[str], *, longitude_first: bool = False) -> ReadShapes:
    """Return the shapes of an area's texts; a polygon that crosses itself becomes those that it encloses."""
    shapes = ReadShapes()
    for number, text in enumerate(polygons):
        try:
            ring = read_ring(text, longitude_first=longitude_first)
        except UnusableShape as error:
            shapes.unusable.append((f"polygon.{number}", str(error)))
            continue
        if Polygon(ring).is_valid:
            shapes.polygons.append(ring)
            continue
        mended = list(_enclosed(ring))
        if mended:
            shapes.polygons.extend(mended)
            shapes.mended.append(f"polygon.{number}")
        else:
            shapes.unusable.append((f"polygon.{number}", f"must enclose an area, not {_shown(text)}"))
    for number, text in enumerate(circles):
        try:
            shapes.circles.append(read_circle(text, longitude_first=longitude_first))
        except UnusableShape as error:
            shapes.unusable.append((f"circle.{number}", str(error)))
    return shapes


def read_ring(text: str, *, longitude_first: bool = False) -> Ring:
    """Return a closed ring of `latitude,longitude` pairs, without repeated corners; raise UnusableShape."""
    ring: Ring = []
    for pair in COMMA.sub(",", text).split():
        point = _read_point(pair, longitude_first)
        if not ring or ring[-1] != point:
            ring.append(point)
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    if len(ring) < 4:
        raise UnusableShape(f"must have at least three different corners, not {_shown(text)}")
    return ring


def read_circle(text: str, *, longitude_first: bool = False) -> dict[str, Any]:
    """Return `centre` and `radius_km` of a circle; a radius of 0 is a point. Raise UnusableShape."""
    pair, _, radius_text = COMMA.sub(",", text.strip()).partition(" ")
    centre = _read_point(pair, longitude_first)
    radius = read_number(radius_text)
    if radius is None or radius < 0:
        raise UnusableShape(f"must be `latitude,longitude radius` with a radius in km, not {_shown(text)}")
    return {"centre": centre, "radius_km": radius}


def read_number(text: str) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def rings_of(geometry: BaseGeometry) -> list[Ring]:
    """Return the outer rings of all polygons of a geometry."""
    return [[list(corner[:2]) for corner in each.exterior.coords] for each in _polygons(geometry)]


def _read_point(text: str, longitude_first: bool) -> list[float]:
    parts = text.split(",")
    numbers = [read_number(each) for each in parts]
    if len(parts) != 2 or numbers[0] is None or numbers[1] is None:
        raise UnusableShape(f"must be pairs `latitude,longitude`, not {_shown(text)}")
    latitude, longitude = reversed(numbers) if longitude_first else numbers
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        raise UnusableShape(f"must have latitudes up to 90 and longitudes up to 180, not {_shown(text)}")
    return [longitude, latitude]


def _enclosed(ring: Ring) -> Iterator[Ring]:
    yield from rings_of(make_valid(Polygon(ring), method="structure", keep_collapsed=False))


def _polygons(geometry: BaseGeometry) -> Iterator[Polygon]:
    if isinstance(geometry, Polygon):
        if not geometry.is_empty:
            yield geometry
    elif isinstance(geometry, MultiPolygon) or geometry.geom_type == "GeometryCollection":
        for each in geometry.geoms:
            yield from _polygons(each)


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
