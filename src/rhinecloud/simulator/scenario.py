"""Where things move in a city, read from one JSON file: the waterway, the lines and stops, the sensors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.simulator.track import Position, Track


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a line; `distance_m` is how far along the line it lies."""

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
    """All that moves or measures."""

    waterway: Track | None
    lines: tuple[Line, ...]
    sensors: tuple[Sensor, ...]


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; raises Invalid naming the file and what is wrong in it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Scenario(
            waterway=Track([(x, y) for x, y in data["waterway"]]) if data.get("waterway") else None,
            lines=tuple(_line(each) for each in data.get("lines", ())),
            sensors=tuple(_sensor(each) for each in data.get("sensors", ())),
        )
    except OSError as error:
        raise Invalid(f"cannot be read: {error.strerror}", field=str(path)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(f"is not a scenario: {error!r}", field=str(path)) from None


def _line(data: dict[str, Any]) -> Line:
    places = [(each["lon"], each["lat"]) for each in data["stops"]]
    track = Track(places)
    stops = []
    travelled = 0.0
    for index, each in enumerate(data["stops"]):
        if index:
            travelled += Track(places[index - 1 : index + 1]).length_m
        stop_id = f"sim-{data['id']}-{index + 1}"
        stops.append(Stop(stop_id, each["name"], places[index], travelled))
    return Line(data["id"], data["name"], data["route_type"], data["color"], track, tuple(stops))


def _sensor(data: dict[str, Any]) -> Sensor:
    quantities = {name: (value[0], value[1]) for name, value in data["quantities"].items()}
    return Sensor(data["id"], data["kind"], data["name"], (data["lon"], data["lat"]), quantities)
