"""Geographic queries: how the geometry of an entity relates to a reference geometry.

Topological relations are those of the plane of longitude and latitude, as GeoJSON draws its lines; distances are
metres on the sphere (haversine) between the nearest points. Source: ETSI GS CIM 009 v1.9.1, clauses 4.7 and 4.10;
OGC 06-103r4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from math import asin, cos, degrees, isfinite, radians, sin, sqrt
from typing import Any

import orjson
import shapely
import shapely.affinity
from shapely.geometry.base import BaseGeometry

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.relations import RELATIONS, make_valid, relates
from rhinecloud.ngsild.values import check_geometry, is_geometry

EARTH_RADIUS_M = 6_371_008.8
"""The mean radius of the Earth (IUGG)."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

SHAPES_BYTES, SHAPE_BYTES = 8 * 1024 * 1024, 1_024
"""Bytes of GeoJSON whose shapes are kept, and what each counts beside its own: the shapes take about as much."""

_OF_POINTS = frozenset(("within", "intersects", "disjoint"))
"""The relations of a point that are computed without a shape."""

_NEAR = re.compile(r"near;(maxDistance|minDistance)==((?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)")


@dataclass(frozen=True)
class GeoQuery:
    """A relation to a reference geometry: `near` with the greatest or least distance in metres, or a topological one.

    `property` is the IRI of the GeoProperty that is compared, `reference` the GeoJSON geometry it is compared with.
    """

    relation: str
    reference: dict[str, Any]
    property: str
    max_m: float | None = None
    min_m: float | None = None
    box: Bounds | None = field(init=False, repr=False, compare=False)
    """The reference if it is a box: relations of points to it are computed without a shape."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", box_of_ring(self.reference))

    @cached_property
    def shape(self) -> BaseGeometry:
        """The reference as a prepared shape, which is fast to compare with many others."""
        shape = shape_of(self.reference)
        shapely.prepare(shape)
        return shape

    def positions(self) -> int:
        """Return the number of positions of the reference geometry."""
        if self.box is not None:
            return 5
        return 1 if self.reference["type"] == "Point" else int(shapely.get_num_coordinates(self.shape))

    def bounds(self) -> Bounds | None:
        """Return a box that touches every geometry that may match; None where there is no such box."""
        if self.relation == "disjoint" or self.min_m is not None:
            return None
        west, south, east, north = self.box or _bounds(self.reference) or self.shape.bounds
        if self.max_m is None:
            return west, south, east, north
        margin = degrees(self.max_m / EARTH_RADIUS_M) * 1.001
        south, north = south - margin, north + margin
        if south <= -89 or north >= 89:
            return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
        widest = margin / cos(radians(max(abs(south), abs(north))))
        if west - widest < -180 or east + widest > 180:
            return -180.0, south, 180.0, north
        return west - widest, south, east + widest, north

    def matches(self, geometry: Any) -> bool:
        """Return whether a GeoJSON geometry has the relation to the reference; False for other values."""
        if not is_geometry(geometry):
            return False
        if self.relation == "near":
            distance = self._distance_m(geometry)
            return distance <= self.max_m if self.max_m is not None else distance >= (self.min_m or 0.0)
        if self.box is not None and geometry["type"] == "Point" and self.relation in _OF_POINTS:
            return _relate_point(self.relation, geometry["coordinates"], self.box)
        return _relate(self.relation, geometry, self.shape)

    def _distance_m(self, geometry: dict[str, Any]) -> float:
        if geometry["type"] == "Point" and self.reference["type"] == "Point":
            return distance_m(geometry, self.reference)
        return distance_m(geometry, self.reference, self.shape)


def parse_geo(
    georel: str, geometry: str, coordinates: Any, context: Context, *, geoproperty: str = "location"
) -> GeoQuery:
    """Read a geographic query; `coordinates` is JSON text or the array itself. Raise Invalid naming the parameter."""
    relation, max_m, min_m = _parse_georel(georel)
    if isinstance(coordinates, str):
        try:
            coordinates = orjson.loads(coordinates)
        except orjson.JSONDecodeError:
            raise Invalid("must be a JSON array", field="coordinates") from None
    try:
        reference = check_geometry({"type": geometry, "coordinates": coordinates})
    except Invalid as error:
        field_name = "geometry" if "geometry type" in error.reason else "coordinates"
        raise Invalid(error.reason, field=field_name) from None
    try:
        name = context.name(geoproperty)
    except Invalid as error:
        raise Invalid(error.reason, field="geoproperty") from None
    return GeoQuery(relation, reference, name, max_m, min_m)


def _parse_georel(text: str) -> tuple[str, float | None, float | None]:
    if text in RELATIONS:
        return text, None, None
    match = _NEAR.fullmatch(text)
    if match is None:
        known = ", ".join(sorted(RELATIONS))
        raise Invalid(
            f"must be near;maxDistance==m, near;minDistance==m or one of {known}, not {text!r}",
            field="georel",
        )
    metres = float(match[2])
    if not isfinite(metres) or metres <= 0:
        raise Invalid("the distance must be a positive number of metres", field="georel")
    return ("near", metres, None) if match[1] == "maxDistance" else ("near", None, metres)


def matches_geo(query: GeoQuery, entity: Entity) -> bool:
    """Return whether any instance of the queried GeoProperty has the relation; False without it (clause 4.10)."""
    for each in entity.attrs.get(query.property, ()):  # noqa: SIM110 - any() takes twice as long
        if query.matches(each.value):
            return True
    return False


def shape_of(geometry: dict[str, Any]) -> BaseGeometry:
    """Return a shapely geometry; a polygon that crosses itself is made valid unless it is large."""
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"][:2]
        return shapely.Point(longitude, latitude)
    return _shape_of_json(orjson.dumps({"type": geometry["type"], "coordinates": geometry["coordinates"]}))


def _make_shape(body: bytes) -> BaseGeometry:
    return make_valid(shapely.from_geojson(body))


_shape_of_json = BoundedCache(
    _make_shape, SHAPES_BYTES, weigh=lambda body, _: SHAPE_BYTES + len(body)
).__getitem__


def box_of_ring(geometry: dict[str, Any]) -> Bounds | None:
    """Return west, south, east and north of a polygon that is a box; None for any other geometry."""
    if geometry["type"] != "Polygon" or len(geometry["coordinates"]) != 1:
        return None
    ring = geometry["coordinates"][0]
    if len(ring) != 5:
        return None
    (x0, y0, *_), (x1, y1, *_), (x2, y2, *_), (x3, y3, *_) = ring[:4]
    upright = x0 == x1 and y1 == y2 and x2 == x3 and y3 == y0
    lying = y0 == y1 and x1 == x2 and y2 == y3 and x3 == x0
    if not (upright or lying) or x0 == x2 or y0 == y2:
        return None
    return min(x0, x2), min(y0, y2), max(x0, x2), max(y0, y2)


def _bounds(geometry: dict[str, Any]) -> Bounds | None:
    """Return the box around a point, None for any other geometry."""
    if geometry["type"] != "Point":
        return None
    longitude, latitude = geometry["coordinates"][:2]
    return longitude, latitude, longitude, latitude


def _relate_point(relation: str, position: list[float], box: Bounds) -> bool:
    """Return whether a point has the relation to a box; a point on the edge intersects it and is not within."""
    longitude, latitude = position[0], position[1]
    west, south, east, north = box
    if relation == "within":
        return west < longitude < east and south < latitude < north
    return (west <= longitude <= east and south <= latitude <= north) is (relation == "intersects")


def _relate(relation: str, geometry: dict[str, Any], reference: BaseGeometry) -> bool:
    if geometry["type"] == "Point" and relation in _OF_POINTS:
        longitude, latitude = geometry["coordinates"][:2]
        if relation == "within":
            return bool(shapely.contains_xy(reference, longitude, latitude))
        return bool(shapely.intersects_xy(reference, longitude, latitude)) is (relation == "intersects")
    return relates(relation, shape_of(geometry), reference)


def haversine_m(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Return the distance of two positions in metres on the sphere."""
    south, north = radians(latitude), radians(other_latitude)
    half_width = sin(radians(other_longitude - longitude) / 2)
    half_height = sin((north - south) / 2)
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half_height**2 + cos(south) * cos(north) * half_width**2)))


def distance_m(
    geometry: dict[str, Any], other: dict[str, Any], other_shape: BaseGeometry | None = None
) -> float:
    """Return the distance in metres between the nearest points of two GeoJSON geometries, 0 where they touch."""
    if geometry["type"] == "Point" and other["type"] == "Point":
        one, two = geometry["coordinates"], other["coordinates"]
        return haversine_m(one[0], one[1], two[0], two[1])
    shape = shape_of(geometry)
    reference = other_shape if other_shape is not None else shape_of(other)
    if reference.intersects(shape):
        return 0.0
    return min(_apart(shape, each) for each in _around_the_date_line(shape, reference))


def _around_the_date_line(shape: BaseGeometry, reference: BaseGeometry) -> list[BaseGeometry]:
    """Return the reference, and if the distance over the date line may be shorter, also shifted by 360 degrees."""
    middle, other = shape.centroid.x, reference.centroid.x
    if abs(middle - other) <= 90:
        return [reference]
    turn = 360.0 if middle > other else -360.0
    return [reference, shapely.affinity.translate(reference, xoff=turn)]


def _apart(shape: BaseGeometry, reference: BaseGeometry) -> float:
    """Return the distance in metres: the nearest points are found on a plane that is scaled for their latitude, in two
    steps.
    """
    latitude = shape.centroid.y
    one = two = shape.centroid
    for _ in range(2):
        scale = max(cos(radians(latitude)), 1e-6)
        narrowed = [
            shapely.transform(each, lambda places, s=scale: places * [s, 1.0]) for each in (shape, reference)
        ]
        ends = shapely.get_coordinates(shapely.shortest_line(narrowed[0], narrowed[1]))
        one, two = shapely.Point(ends[0] / [scale, 1.0]), shapely.Point(ends[1] / [scale, 1.0])
        latitude = (one.y + two.y) / 2
    return haversine_m(one.x, one.y, two.x, two.y)
