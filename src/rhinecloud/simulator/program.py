"""The simulator as a program: opens its servers and its MQTT connection, and runs until it is stopped."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from rhinecloud.simulator.gtfs import GtfsServer
from rhinecloud.simulator.nmea import NmeaServer
from rhinecloud.simulator.scenario import Scenario, read_scenario
from rhinecloud.simulator.sensors import Publisher, SensorField
from rhinecloud.simulator.settings import SimulatorSettings
from rhinecloud.simulator.vehicles import VehicleFleet
from rhinecloud.simulator.vessels import VesselFleet


async def simulate(settings: SimulatorSettings, folder: Path) -> None:
    """Simulate the scenario in `folder` until cancelled. Raise Invalid for a bad scenario, OSError for a used port."""
    scenario = read_scenario(folder / settings.scenario)
    async with asyncio.TaskGroup() as tasks:
        for each in simulations(settings, scenario):
            tasks.create_task(each)


def simulations(settings: SimulatorSettings, scenario: Scenario) -> list[Coroutine[Any, Any, None]]:
    """Return the coroutines to run: one each for vessels, vehicles and sensors, where there are any."""
    found: list[Coroutine[Any, Any, None]] = []
    if settings.vessels and scenario.waterway:
        fleet = VesselFleet(settings.vessels, scenario.waterway, random.Random(settings.seed))
        host, port = _address(settings.ais_address)
        found.append(NmeaServer(fleet).serve(host, port, settings.interval_s, settings.speed))
    if settings.vehicles and scenario.lines:
        vehicles = VehicleFleet(settings.vehicles, scenario.lines, random.Random(settings.seed + 1))
        host, port = _address(settings.gtfs_address)
        found.append(GtfsServer(vehicles).serve(host, port, min(1.0, settings.interval_s), settings.speed))
    if settings.sensors and scenario.sensors:
        field = SensorField(settings.sensors, scenario.sensors, random.Random(settings.seed + 2))
        found.append(Publisher(field, settings).run())
    return found


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)
