"""Runs the simulator beside a city: a process of its own with the city's ports and a device's token."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.part import OpenPart, Part, PartContext
from rhinecloud.part import Settings as CitySettings
from rhinecloud.simulator.settings import SimulatorSettings

STOP_S = 2.0
TOKEN = "RHINECLOUD_SIMULATOR_MQTT_TOKEN"
URL = "RHINECLOUD_SIMULATOR_MQTT_URL"
DEVICE = Actor(id="urn:rhinecloud:token:simulator", name="simulator", roles=frozenset({Role.DEVICE}))


async def run_simulator(folder: Path, mqtt_url: str, token: str) -> None:
    """Run the simulator of a city's folder until cancelled; raise Unavailable where it ends by itself."""
    environment = {**os.environ, TOKEN: token, URL: mqtt_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rhinecloud",
        "simulate",
        "--city",
        str(folder),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        # Ctrl-C reaches only the city, which then ends the simulator. The simulator's standard input is a pipe from
        # the city: when the city is killed the pipe breaks, and the simulator ends.
        start_new_session=True,
    )
    try:
        code = await process.wait()
        raise Unavailable(f"the simulator ended with {code}")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def endpoints_of(settings: SimulatorSettings) -> Iterable[tuple[str, int | None]]:
    """Yield host and port of each server that the simulator opens."""
    for address in (settings.ais_address, settings.gtfs_address):
        host, _, port = address.rpartition(":")
        yield ("127.0.0.1" if host in ("", "localhost") else host), int(port)


@asynccontextmanager
async def open_simulator(context: PartContext) -> AsyncIterator[OpenPart]:
    """Run the simulator as a worker, where the settings enable it."""
    settings = context.settings.section("simulator", SimulatorSettings)
    if not settings.enabled:
        yield OpenPart()
        return
    context.addresses.expected.update(dict.fromkeys(endpoints_of(settings), "the simulator starts"))
    token = context.access.token_for(DEVICE)
    yield OpenPart(
        workers={"simulator": lambda: run_simulator(context.folder, context.addresses.mqtt_url, token)}
    )


def check_simulator(settings: CitySettings) -> None:
    """Raise Invalid, or Faults, where the scenario is missing or the city would reject the sensors' topic."""
    simulator = settings.section("simulator", SimulatorSettings)
    if not simulator.enabled:
        return
    collector = ErrorCollector()
    if not (settings.folder / simulator.scenario).is_file():
        collector.add(
            f"must be an existing file, not {settings.folder / simulator.scenario}", "simulator.scenario"
        )
    topics = settings.device_topics
    if not any(f"{simulator.topic}/".startswith(f"{topic}/") for topic in topics):
        below = " or ".join(f"`{topic}/`" for topic in topics)
        collector.add(f"must lie below {below}, where devices may publish", "simulator.topic")
    collector.finish()


PART = Part(
    name="simulator",
    summary="A city of devices that speaks to a running city only through its protocols.",
    open=open_simulator,
    settings={"simulator": SimulatorSettings},
    check_settings=check_simulator,
)
