"""The simulator as a program: opens its servers and its MQTT connection, and plays until it is stopped."""

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
from rhinecloud.simulator.vehicles import Depot
from rhinecloud.simulator.vessels import Fleet


async def simulate(settings: SimulatorSettings, folder: Path) -> None:
    """Play the scenario in `folder` until cancelled; raises Invalid for a bad scenario, OSError for a taken port."""
    scenario = read_scenario(folder / settings.scenario)
    async with asyncio.TaskGroup() as tasks:
        for play in plays(settings, scenario):
            tasks.create_task(play)


def plays(settings: SimulatorSettings, scenario: Scenario) -> list[Coroutine[Any, Any, None]]:
    """Return what is to run: one task each for vessels, vehicles and sensors, where there are any."""
    found: list[Coroutine[Any, Any, None]] = []
    if settings.vessels and scenario.waterway:
        fleet = Fleet(settings.vessels, scenario.waterway, random.Random(settings.seed))
        host, port = _address(settings.ais_address)
        found.append(NmeaServer(fleet).serve(host, port, settings.interval_s, settings.speed))
    if settings.vehicles and scenario.lines:
        depot = Depot(settings.vehicles, scenario.lines, random.Random(settings.seed + 1))
        host, port = _address(settings.gtfs_address)
        found.append(GtfsServer(depot).serve(host, port, min(1.0, settings.interval_s), settings.speed))
    if settings.sensors and scenario.sensors:
        field = SensorField(settings.sensors, scenario.sensors, random.Random(settings.seed + 2))
        found.append(Publisher(field, settings).run())
    return found


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)
