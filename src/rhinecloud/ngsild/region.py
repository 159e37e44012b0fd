"""Regions of longitude and latitude: where a city is, and where the things of a feed can be.

A region is a box of WGS 84; across the antimeridian its west is greater than its east (IETF RFC 7946, clause 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.geometry import GeoQuery
from rhinecloud.ngsild.values import is_geometry

KM_A_DEGREE = 111.195
"""Of latitude, and of longitude at the equator, on the sphere of the Earth's mean radius."""


@dataclass(frozen=True)
class Region:
    """A box of degrees that `read_region` accepts."""

    west: float
    south: float
    east: float
    north: float

    def contains(self, longitude: float, latitude: float) -> bool:
        """Return whether a position is in the region or on its edge."""
        if self.west < self.east:
            is_between = self.west <= longitude <= self.east
        else:
            is_between = longitude >= self.west or longitude <= self.east
        return is_between and self.south <= latitude <= self.north

    def touches(self, geometry: Any) -> bool:
        """Return whether a GeoJSON geometry shares a point with the region; False for any other value."""
        if not is_geometry(geometry):
            return False
        if geometry["type"] == "Point":
            return self.contains(*geometry["coordinates"][:2])
        return any(query.matches(geometry) for query in self._queries)

    def grown(self, distance_km: float) -> Region:
        """Return the region with a margin on each side, at most the whole world."""
        margin = distance_km / KM_A_DEGREE
        south, north = max(-90.0, self.south - margin), min(90.0, self.north + margin)
        wider = margin / max(cos(radians(max(abs(south), abs(north)))), 1e-6)
        width = (self.east - self.west) % 360 or 360
        if width + 2 * wider >= 360:
            return Region(-180.0, south, 180.0, north)
        west, east = self.west - wider, self.east + wider
        return Region(west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north)

    @cached_property
    def _queries(self) -> tuple[GeoQuery, ...]:
        spans = [(self.west, self.east)]
        if self.west > self.east:
            spans = [(self.west, 180.0), (-180.0, self.east)]
        return tuple(GeoQuery("intersects", self._polygon(*span), "location") for span in spans)

    def _polygon(self, west: float, east: float) -> dict[str, Any]:
        south, north = self.south, self.north
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}


@dataclass(frozen=True)
class CityArea:
    """Where a city is: its own region, and its surroundings; None where its settings name none."""

    city: Region | None = None
    surroundings: Region | None = None

    def in_city(self, geometry: Any) -> bool:
        """Return whether a GeoJSON geometry touches the city; True where the place or the city's region is unknown."""
        return _may_be_in(self.city, geometry)

    def in_surroundings(self, geometry: Any) -> bool:
        """Return whether a GeoJSON geometry touches the surroundings; True where either is unknown."""
        return _may_be_in(self.surroundings, geometry)


ANYWHERE = CityArea()
"""The area of a city whose settings name none."""


def read_region(numbers: Sequence[float], place: str) -> Region:
    """Return the region of west, south, east and north; raise Invalid with the field `place`."""
    if len(numbers) != 4:
        raise Invalid("must be west, south, east, north", field=place)
    west, south, east, north = numbers
    check_position((west, south), place)
    check_position((east, north), place)
    if south >= north:
        raise Invalid(f"south ({south}) must be south of north ({north})", field=place)
    if west == east or (west > east and west - east < 180):
        raise Invalid(f"west ({west}) must be west of east ({east})", field=place)
    return Region(west, south, east, north)


def check_position(position: Sequence[float], place: str) -> None:
    """Raise Invalid, with the field `place`, unless the position is longitude and latitude in degrees."""
    if len(position) != 2:
        raise Invalid("must be longitude, latitude", field=place)
    longitude, latitude = position
    if not -180 <= longitude <= 180:
        raise Invalid(f"the longitude must be -180 to 180, not {longitude}", field=place)
    if not -90 <= latitude <= 90:
        raise Invalid(f"the latitude must be -90 to 90, not {latitude}", field=place)


def _may_be_in(region: Region | None, geometry: Any) -> bool:
    return region is None or geometry is None or region.touches(geometry)
