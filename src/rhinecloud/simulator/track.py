"""A line on the earth along which things move: positions and directions by distance in metres."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8

Position = tuple[float, float]
"""Longitude and latitude in degrees, WGS 84."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A position on a track, and the direction of travel in degrees clockwise from north."""

    longitude: float
    latitude: float
    bearing: float


class Track:
    """A polyline with its distances; `length_m` is its whole length."""

    def __init__(self, points: Sequence[Position]) -> None:
        if len(points) < 2:
            raise ValueError("a track must have two points at least")
        self._points = list(points)
        self._marks = [0.0]
        for start, end in zip(self._points, self._points[1:], strict=False):
            self._marks.append(self._marks[-1] + distance_m(start, end))
        self.length_m = self._marks[-1]

    def at(self, distance: float, *, offset_m: float = 0.0, backwards: bool = False) -> Fix:
        """Return the place at `distance` metres from the start, `offset_m` to the right of the direction of travel."""
        distance = min(max(distance, 0.0), self.length_m)
        index = min(bisect_right(self._marks, distance), len(self._marks) - 1) - 1
        start, end = self._points[index], self._points[index + 1]
        span = self._marks[index + 1] - self._marks[index]
        part = (distance - self._marks[index]) / span if span else 0.0
        longitude = start[0] + (end[0] - start[0]) * part
        latitude = start[1] + (end[1] - start[1]) * part
        bearing = bearing_deg(end, start) if backwards else bearing_deg(start, end)
        longitude, latitude = shift((longitude, latitude), (bearing + 90) % 360, offset_m)
        return Fix(longitude, latitude, bearing)

    def cut(self, first: Position, last: Position) -> Track:
        """Return the section between the points nearest to two places."""
        begin, end = (self._nearest(place) for place in (first, last))
        return Track(self._points[min(begin, end) : max(begin, end) + 1])

    def _nearest(self, place: Position) -> int:
        return min(range(len(self._points)), key=lambda index: distance_m(self._points[index], place))


def distance_m(a: Position, b: Position) -> float:
    """Return the distance between two places on a sphere (haversine)."""
    lat_a, lat_b = math.radians(a[1]), math.radians(b[1])
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b[0] - a[0]) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def bearing_deg(a: Position, b: Position) -> float:
    """Return the direction from `a` to `b` in degrees clockwise from north."""
    east = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.degrees(math.atan2(east, b[1] - a[1])) % 360


def shift(place: Position, bearing: float, metres: float) -> Position:
    """Return a place moved by some metres in a direction; exact enough for a few kilometres."""
    angle = math.radians(bearing)
    north = math.degrees(metres * math.cos(angle) / EARTH_RADIUS_M)
    east = math.degrees(metres * math.sin(angle) / (EARTH_RADIUS_M * math.cos(math.radians(place[1]))))
    return place[0] + east, place[1] + north
