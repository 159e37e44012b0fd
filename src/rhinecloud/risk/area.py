"""Areas that things enter and leave: a GeoJSON geometry with distances in metres.

The area is projected onto a plane in metres east and north of its centre; over a city the error is a few parts in ten
thousand, and one test takes microseconds.
"""

from __future__ import annotations

import math
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from rhinecloud.kernel.errors import Invalid

METRES_A_DEGREE = 111_319.5
"""Of latitude, and of longitude at the equator, on the sphere of WGS 84's mean radius."""


class Area:
    """One area, prepared for many tests."""

    def __init__(self, geojson: Any, name: str = "") -> None:
        """Read a GeoJSON geometry, Feature or FeatureCollection; raise Invalid where it is not an area."""
        self.name = name
        degrees = read_geometry(geojson)
        if degrees.area == 0:
            raise Invalid("must be a Polygon or MultiPolygon with an area")
        middle = degrees.envelope.centroid
        self._plane = Plane(middle.x, middle.y)
        self._bounds = degrees.bounds
        self._geometry = self._plane.project(degrees)
        shapely.prepare(self._geometry)

    def contains(self, place: Any, margin_m: float = 0.0) -> bool:
        """Return whether a GeoJSON geometry intersects the area, or is at most `margin_m` away."""
        if not isinstance(place, dict):
            return False
        if place.get("type") == "Point":
            longitude, latitude = place["coordinates"][:2]
            if not self._is_near(longitude, latitude, margin_m):
                return False
            geometry: BaseGeometry = shapely.Point(*self._plane.project_point(longitude, latitude))
        else:
            geometry = self._plane.project(_repaired(place))
        if margin_m > 0:
            return bool(shapely.dwithin(self._geometry, geometry, margin_m))
        return bool(self._geometry.intersects(geometry))

    def _is_near(self, longitude: float, latitude: float, margin_m: float) -> bool:
        west, south, east, north = self._bounds
        margin_y = margin_m / METRES_A_DEGREE
        margin_x = margin_y / self._plane.longitude_scale
        return bool(
            west - margin_x <= longitude <= east + margin_x
            and south - margin_y <= latitude <= north + margin_y
        )


class Plane:
    """A projection to metres east and north of a point."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude = longitude
        self.latitude = latitude
        self.longitude_scale = max(math.cos(math.radians(latitude)), 1e-6)

    def project_point(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return a point in metres."""
        return (
            (longitude - self.longitude) * METRES_A_DEGREE * self.longitude_scale,
            (latitude - self.latitude) * METRES_A_DEGREE,
        )

    def project(self, degrees: BaseGeometry) -> BaseGeometry:
        """Return a geometry in degrees projected to metres."""
        scale = (METRES_A_DEGREE * self.longitude_scale, METRES_A_DEGREE)
        return shapely.transform(degrees, lambda points: (points - (self.longitude, self.latitude)) * scale)


def read_geometry(geojson: Any) -> BaseGeometry:
    """Return the geometry of a rule's GeoJSON in degrees; raise Invalid for a fault."""
    if not isinstance(geojson, dict):
        raise Invalid("must be a GeoJSON geometry, an object with `type` and `coordinates`")
    kind = geojson.get("type")
    if kind == "FeatureCollection":
        parts = [read_geometry(each) for each in geojson.get("features", ())]
        return shapely.union_all(parts)
    if kind == "Feature":
        return read_geometry(geojson.get("geometry"))
    geometry = _shape(geojson)
    west, south, east, north = geometry.bounds if not geometry.is_empty else (0, 0, 0, 0)
    if geometry.is_empty or west < -180 or east > 180 or south < -90 or north > 90:
        raise Invalid("the geometry must not be empty, and must have degrees: longitude first, then latitude")
    if not geometry.is_valid:
        raise Invalid(f"the geometry must be valid: {shapely.is_valid_reason(geometry)}")
    return geometry


def distance_m(place: Any, longitude: float, latitude: float) -> float:
    """Return the distance in metres from a GeoJSON geometry's nearest point to a position."""
    plane = Plane(longitude, latitude)
    if isinstance(place, dict) and place.get("type") == "Point":
        return math.hypot(*plane.project_point(*place["coordinates"][:2]))
    return float(plane.project(_repaired(place)).distance(shapely.Point(0, 0)))


def _repaired(place: Any) -> BaseGeometry:
    """Return the geometry of an entity, repaired where it is invalid: polygons of weather warnings often overlap."""
    geometry = _shape(place)
    return geometry if geometry.is_valid else shapely.make_valid(geometry)


def _shape(geojson: Any) -> BaseGeometry:
    try:
        return shape(geojson)
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        shapely.errors.ShapelyError,
    ) as error:
        raise Invalid(f"must be a GeoJSON geometry: {error}") from None
