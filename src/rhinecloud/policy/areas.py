"""The areas that a city names in `areas/*.geojson` of its folder, for policies such as "not within the harbour".

An area is a Feature with a polygon; its name is the member `name` of its properties, or else the name of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import GEOSException, ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from rhinecloud.kernel.declarative import ParsedDocument, parse_file
from rhinecloud.kernel.faults import ErrorCollector
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
    """Read every `*.geojson` of a folder; raise Invalid naming each fault with its place."""
    areas: dict[str, BaseGeometry] = {}
    collector = ErrorCollector()
    for path in sorted(folder.glob("*.geojson")):
        with collector.collect():
            [document] = parse_file(path, f"{folder.name}/{path.name}")
            for place, feature in _features(document.data):
                with collector.collect():
                    name, polygon = _area(feature, path.stem, document.part(*place))
                    if name in areas:
                        raise document.fault(place, f"the name {name!r} must not be used twice")
                    areas[name] = polygon
    collector.finish()
    return Areas(areas.items())


def _features(data: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    features = data.get("features") if isinstance(data, dict) else None
    if isinstance(features, list):
        yield from ((("features", index), feature) for index, feature in enumerate(features))
    else:
        yield (), data


def _area(feature: Any, otherwise: str, document: ParsedDocument) -> tuple[str, BaseGeometry]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise document.fault((), "must be a GeoJSON Feature or FeatureCollection")
    polygon = _shape(feature.get("geometry"))
    if polygon is None or polygon.geom_type not in _POLYGONS or not polygon.is_valid:
        raise document.fault(("geometry",), "every area must be a valid Polygon or MultiPolygon")
    properties = feature.get("properties")
    name = properties.get("name") if isinstance(properties, dict) else None
    return str(name or otherwise), polygon


def _shape(geometry: Any) -> BaseGeometry | None:
    """Read GeoJSON; None for what is none."""
    try:
        found: BaseGeometry = shape(geometry)
    except (GEOSException, ShapelyError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return None if found.is_empty else found
