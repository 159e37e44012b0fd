"""Where things move in a city, read from one JSON file: the waterway, the lines and stops, the sensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from rhinecloud.kernel.checks import between
from rhinecloud.kernel.declarative import DeclarativeModel, Text, read_document
from rhinecloud.kernel.errors import Invalid
from rhinecloud.simulator.track import Position, Track

Longitude = Annotated[float, between(-180, 180)]
Latitude = Annotated[float, between(-90, 90)]


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a line; `distance_m` is its distance from the start of the line."""

    id: str
    name: str
    place: Position
    distance_m: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of trams or buses: `route_type` is GTFS' own (0 tram, 3 bus)."""

    id: str
    name: str
    route_type: int
    color: str
    track: Track
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor: the quantities that it measures, each with its usual value and spread."""

    id: str
    kind: str
    name: str
    place: Position
    quantities: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that moves or measures."""

    waterway: Track | None
    lines: tuple[Line, ...]
    sensors: tuple[Sensor, ...]


class StopKeys(DeclarativeModel):
    """A stop in the file."""

    name: Text
    lon: Longitude
    lat: Latitude


class LineKeys(DeclarativeModel):
    """A line of trams or buses in the file."""

    id: Text
    name: Text
    route_type: Annotated[int, Field(ge=0)]
    """GTFS' own: 0 tram, 3 bus."""
    color: Text
    """Six hexadecimal digits, as in GTFS."""
    stops: Annotated[tuple[StopKeys, ...], Field(min_length=2)]


class SensorKeys(DeclarativeModel):
    """A sensor in the file."""

    id: Text
    kind: Text
    name: Text
    lon: Longitude
    lat: Latitude
    quantities: Annotated[Mapping[str, tuple[float, float]], Field(min_length=1)]
    """The usual value and the spread of each quantity."""


class ScenarioKeys(DeclarativeModel):
    """The waterway, lines and sensors of a simulated city."""

    waterway: tuple[tuple[Longitude, Latitude], ...] = ()
    """The middle of the fairway, from one end to the other."""
    lines: tuple[LineKeys, ...] = ()
    sensors: tuple[SensorKeys, ...] = ()

    def check(self) -> Iterator[Invalid]:
        """Yield a fault where the waterway has only one point."""
        if len(self.waterway) == 1:
            yield Invalid("must have two points at least", field="waterway")


def read_scenario(path: Path) -> Scenario:
    """Return the scenario of a file. Raise Invalid with file, line and column of each fault."""
    keys = read_document(path, ScenarioKeys).value
    return Scenario(
        waterway=Track(keys.waterway) if keys.waterway else None,
        lines=tuple(map(_line, keys.lines)),
        sensors=tuple(
            Sensor(each.id, each.kind, each.name, (each.lon, each.lat), dict(each.quantities))
            for each in keys.sensors
        ),
    )


def _line(keys: LineKeys) -> Line:
    places = [(each.lon, each.lat) for each in keys.stops]
    stops = []
    travelled = 0.0
    for index, each in enumerate(keys.stops):
        if index:
            travelled += Track(places[index - 1 : index + 1]).length_m
        stops.append(Stop(f"sim-{keys.id}-{index + 1}", each.name, places[index], travelled))
    return Line(keys.id, keys.name, keys.route_type, keys.color, Track(places), tuple(stops))
