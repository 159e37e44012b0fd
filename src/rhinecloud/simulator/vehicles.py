"""Trams and buses that run to and fro on their lines, halt at stops, and are sometimes late."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rhinecloud.simulator.scenario import Line, Stop
from rhinecloud.simulator.track import Fix

HALT_S = 20.0


@dataclass(slots=True)
class Vehicle:
    """One vehicle on its line; `delay_s` is its delay, `halt_s` the rest of its halt."""

    id: str
    label: str
    line: Line
    distance_m: float
    outbound: bool
    speed_mps: float
    delay_s: float
    halt_s: float
    trip: int

    @property
    def trip_id(self) -> str:
        """Return the id of the present trip."""
        return f"sim-{self.line.id}-{self.id}-{self.trip}"

    def fix(self) -> Fix:
        """Return the position."""
        return self.line.track.at(self.distance_m, offset_m=4.0, backwards=not self.outbound)

    def next_stop(self) -> tuple[int, Stop]:
        """Return the number in the trip and the next stop in the vehicle's direction."""
        stops = self.line.stops
        if self.outbound:
            for index, stop in enumerate(stops):
                if stop.distance_m >= self.distance_m:
                    return index + 1, stop
            return len(stops), stops[-1]
        for index in range(len(stops) - 1, -1, -1):
            if stops[index].distance_m <= self.distance_m:
                return len(stops) - index, stops[index]
        return len(stops), stops[0]


class VehicleFleet:
    """All simulated vehicles, spread over the lines."""

    def __init__(self, count: int, lines: tuple[Line, ...], chance: random.Random) -> None:
        self._chance = chance
        self.lines = lines
        self.vehicles = (
            [self._dispatch(index, lines[index % len(lines)]) for index in range(count)] if lines else []
        )

    def _dispatch(self, index: int, line: Line) -> Vehicle:
        return Vehicle(
            id=f"sim-{index + 1}",
            label=f"{line.name} · {1000 + index + 1}",
            line=line,
            distance_m=self._chance.uniform(0, line.track.length_m),
            outbound=self._chance.random() < 0.5,
            speed_mps=self._chance.uniform(7, 12),
            delay_s=max(0.0, self._chance.gauss(45, 90)),
            halt_s=0.0,
            trip=1,
        )

    def move(self, seconds: float) -> None:
        """Move every vehicle; each halts at stops and turns at the end of its line."""
        for vehicle in self.vehicles:
            self._move(vehicle, seconds)

    def _move(self, vehicle: Vehicle, seconds: float) -> None:
        if vehicle.halt_s > 0:
            vehicle.halt_s -= seconds
            return
        before = vehicle.next_stop()[1]
        travelled = vehicle.speed_mps * seconds
        vehicle.distance_m += travelled if vehicle.outbound else -travelled
        length = vehicle.line.track.length_m
        if not 0 < vehicle.distance_m < length:
            vehicle.distance_m = min(max(vehicle.distance_m, 0.0), length)
            vehicle.outbound = not vehicle.outbound
            vehicle.trip += 1
            vehicle.delay_s = max(0.0, self._chance.gauss(30, 60))
            vehicle.halt_s = HALT_S * 3
        elif vehicle.next_stop()[1] is not before:
            vehicle.halt_s = HALT_S
            vehicle.delay_s = max(-60.0, vehicle.delay_s + self._chance.gauss(2, 12))
