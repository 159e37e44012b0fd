"""Areas that things enter and leave: a GeoJSON geometry with distances in metres.

The area lies in a plane of its own, metres east and north of its middle; over a city that is true to a few parts in
ten thousand, and one test costs microseconds.
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
    """One area, ready to be asked about many places."""

    def __init__(self, geojson: Any, name: str = "") -> None:
        """Read a GeoJSON geometry, Feature or FeatureCollection; raises Invalid where it bounds nothing."""
        self.name = name
        degrees = read_geometry(geojson)
        if degrees.area == 0:
            raise Invalid("an area needs a Polygon or MultiPolygon that bounds some ground")
        middle = degrees.envelope.centroid
        self._plane = Plane(middle.x, middle.y)
        self._bounds = degrees.bounds
        self._ground = self._plane.lay(degrees)
        shapely.prepare(self._ground)

    def holds(self, place: Any, margin_m: float = 0.0) -> bool:
        """Return whether a GeoJSON geometry touches the area, or lies no further off than `margin_m`."""
        if not isinstance(place, dict):
            return False
        if place.get("type") == "Point":
            longitude, latitude = place["coordinates"][:2]
            if not self._is_near(longitude, latitude, margin_m):
                return False
            geometry: BaseGeometry = shapely.Point(*self._plane.spot(longitude, latitude))
        else:
            geometry = self._plane.lay(_as_it_is(place))
        if margin_m > 0:
            return bool(shapely.dwithin(self._ground, geometry, margin_m))
        return bool(self._ground.intersects(geometry))

    def _is_near(self, longitude: float, latitude: float, margin_m: float) -> bool:
        west, south, east, north = self._bounds
        room_y = margin_m / METRES_A_DEGREE
        room_x = room_y / self._plane.narrowing
        return bool(
            west - room_x <= longitude <= east + room_x and south - room_y <= latitude <= north + room_y
        )


class Plane:
    """Metres east and north of a point."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude = longitude
        self.latitude = latitude
        self.narrowing = max(math.cos(math.radians(latitude)), 1e-6)

    def spot(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return a point's metres."""
        return (
            (longitude - self.longitude) * METRES_A_DEGREE * self.narrowing,
            (latitude - self.latitude) * METRES_A_DEGREE,
        )

    def lay(self, degrees: BaseGeometry) -> BaseGeometry:
        """Lay a geometry in degrees onto the plane."""
        scale = (METRES_A_DEGREE * self.narrowing, METRES_A_DEGREE)
        return shapely.transform(degrees, lambda spots: (spots - (self.longitude, self.latitude)) * scale)


def read_geometry(geojson: Any) -> BaseGeometry:
    """Read a rule's GeoJSON into degrees; raises Invalid saying what is wrong with it."""
    if not isinstance(geojson, dict):
        raise Invalid("a GeoJSON geometry is an object with `type` and `coordinates`")
    kind = geojson.get("type")
    if kind == "FeatureCollection":
        parts = [read_geometry(each) for each in geojson.get("features", ())]
        return shapely.union_all(parts)
    if kind == "Feature":
        return read_geometry(geojson.get("geometry"))
    geometry = _shape(geojson)
    west, south, east, north = geometry.bounds if not geometry.is_empty else (0, 0, 0, 0)
    if geometry.is_empty or west < -180 or east > 180 or south < -90 or north > 90:
        raise Invalid(
            "the geometry is empty or leaves the globe: longitude comes first, then latitude, in degrees"
        )
    if not geometry.is_valid:
        raise Invalid(f"the geometry is not valid: {shapely.is_valid_reason(geometry)}")
    return geometry


def distance_m(place: Any, longitude: float, latitude: float) -> float:
    """Measure from a GeoJSON geometry's nearest point to a position, in metres."""
    plane = Plane(longitude, latitude)
    if isinstance(place, dict) and place.get("type") == "Point":
        return math.hypot(*plane.spot(*place["coordinates"][:2]))
    return float(plane.lay(_as_it_is(place)).distance(shapely.Point(0, 0)))


def _as_it_is(place: Any) -> BaseGeometry:
    """Read a place of the city, mended where it is not valid: the polygons of a weather warning often overlap."""
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
        raise Invalid(f"this is not a GeoJSON geometry: {error}") from None
