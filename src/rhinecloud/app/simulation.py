"""The simulator beside the city: a process of its own that knows the city's ports and a device's token."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rhinecloud.connectors.settings import FeedSettings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.simulator.settings import SimulatorSettings

STOP_S = 2.0
READY_S = 30.0
"""How long a simulator may take to be there, on a slow machine that has never read its files before."""
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


Endpoint = tuple[str, int | None]


def feeds_played(feeds: Mapping[str, FeedSettings], settings: SimulatorSettings) -> dict[str, Endpoint]:
    """Give the feeds that connect to one of the simulator's ports, and that port: the others need not wait for it."""
    ports = {_endpoint(f"//{address}") for address in (settings.ais_address, settings.gtfs_address)}
    found = {name: _endpoint(feed.url) for name, feed in feeds.items() if feed.url}
    return {name: endpoint for name, endpoint in found.items() if endpoint in ports}


async def until_it_plays(endpoints: Iterable[Endpoint]) -> None:
    """Wait until the simulator answers there, or for `READY_S`: the feeds try again by themselves."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_S):
            for host, port in endpoints:
                await _until_it_answers(host, port)


def _endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    return ("127.0.0.1" if host == "localhost" else host), parts.port


async def _until_it_answers(host: str, port: int | None) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
