"""The simulator beside the city: a process of its own that knows the city's ports and a device's token."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.simulator.settings import SimulatorSettings

STOP_S = 2.0
READY_S = 5.0
TOKEN = "RHINECLOUD_SIMULATOR_MQTT_TOKEN"
URL = "RHINECLOUD_SIMULATOR_MQTT_URL"


async def play(folder: Path, mqtt_url: str, token: str) -> None:
    """Run the simulator of a city's folder until cancelled; raises Unavailable where it ends by itself."""
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
        # Ctrl-C reaches the city alone, which ends the simulator in its turn. Its standard input is a pipe from us:
        # when the city is killed the pipe breaks, and the simulator ends by itself.
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


async def until_it_plays(settings: SimulatorSettings) -> None:
    """Wait until the simulator's ports answer, or for `READY_S`: the feeds try again by themselves."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_S):
            for address in (settings.ais_address, settings.gtfs_address):
                await _until_it_answers(address)


async def _until_it_answers(address: str) -> None:
    host, _, port = address.rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host or "127.0.0.1", int(port))
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
