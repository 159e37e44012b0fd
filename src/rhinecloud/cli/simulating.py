"""Runs the simulator until a signal, or until the city that started it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from rhinecloud.kernel.errors import Invalid
from rhinecloud.simulator.program import simulate
from rhinecloud.simulator.settings import SimulatorSettings


async def play(settings: SimulatorSettings, folder: Path) -> None:
    """Simulate until a signal, or until the city that started the process ends. Raise Invalid where a port is taken."""
    # asyncio logs a traceback when a feed disconnects, which is normal here.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopping.set)
    if not sys.stdin.isatty() and os.environ.get("RHINECLOUD_SIMULATOR_MQTT_TOKEN"):
        loop.add_reader(sys.stdin, lambda: None if os.read(sys.stdin.fileno(), 1) else stopping.set())
    playing = asyncio.create_task(simulate(settings, folder))
    waiting = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in (playing, waiting):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(playing, waiting, return_exceptions=True)
    if playing in done:
        try:
            playing.result()
        except* OSError as group:
            raise Invalid(f"a port of the simulator is taken: {group.exceptions[0]}") from None
