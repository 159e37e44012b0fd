"""The areas that a city names in `areas/*.geojson` of its folder, for policies such as "not within the harbour".

An area is a Feature with a polygon; its name is the member `name` of its properties, or else the name of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import GEOSException, ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import Instance

_POLYGONS = ("Polygon", "MultiPolygon")


class Areas:
    """Named polygons in longitude and latitude."""

    def __init__(self, areas: Iterable[tuple[str, BaseGeometry]] = ()) -> None:
        self._areas = sorted(areas, key=lambda area: area[0])
        for _, polygon in self._areas:
            shapely.prepare(polygon)

    @property
    def names(self) -> frozenset[str]:
        """The names of all areas."""
        return frozenset(name for name, _ in self._areas)

    def around(self, instances: Sequence[Instance]) -> tuple[str, ...]:
        """Return the names of the areas that any of these geometries touches."""
        shapes = [geometry for each in instances if (geometry := _shape(each.value)) is not None]
        return tuple(
            name for name, polygon in self._areas if any(polygon.intersects(each) for each in shapes)
        )


def point_of(geometry: Any) -> tuple[float, float] | None:
    """Return longitude and latitude of a Point, of the centre of anything else; None where it is no geometry."""
    found = _shape(geometry)
    if found is None:
        return None
    centre = found.centroid
    return centre.x, centre.y


def read_areas(folder: Path) -> Areas:
    """Read every `*.geojson` of a folder; raise Invalid with the file and what is wrong with it."""
    areas: dict[str, BaseGeometry] = {}
    for path in sorted(folder.glob("*.geojson")):
        field = f"{folder.name}/{path.name}"
        for name, polygon in _read(path, field):
            if name in areas:
                raise Invalid(f"there is an area {name!r} already; names must be unique", field=field)
            areas[name] = polygon
    return Areas(areas.items())


def _read(path: Path, field: str) -> Iterator[tuple[str, BaseGeometry]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"cannot be read: {error}", field=field) from None
    features = document.get("features") if isinstance(document, dict) else None
    for feature in features if isinstance(features, list) else [document]:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise Invalid("must be a GeoJSON Feature or FeatureCollection", field=field)
        polygon = _shape(feature.get("geometry"))
        if polygon is None or polygon.geom_type not in _POLYGONS or not polygon.is_valid:
            raise Invalid("every area must be a valid Polygon or MultiPolygon", field=field)
        properties = feature.get("properties")
        name = properties.get("name") if isinstance(properties, dict) else None
        yield str(name or path.stem), polygon


def _shape(geometry: Any) -> BaseGeometry | None:
    """Read GeoJSON; None for what is none."""
    try:
        found: BaseGeometry = shape(geometry)
    except (GEOSException, ShapelyError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return None if found.is_empty else found
