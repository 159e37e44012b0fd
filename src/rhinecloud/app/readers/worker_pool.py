"""The city's side of its readers: starts them, starts again whichever ends, and tells them what changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from rhinecloud.app.parts import cached_records
from rhinecloud.app.readers.reader import READY, ReaderOptions
from rhinecloud.app.readers.upstream import UpstreamAddress
from rhinecloud.app.server import free_port
from rhinecloud.app.settings import Settings
from rhinecloud.identity import IdentitySettings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.engine import StoreSettings

STARTED_S = 60.0
"""A busy machine may need twenty."""
STOP_S = 2.0
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0

_log = logging.getLogger(__name__)


class WorkerPool:
    """`number` readers in front of the city, which is at `inside` then, from `start` to `stop`."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._cached = cached_records()
        self._folder = tempfile.TemporaryDirectory(prefix="rhinecloud-", ignore_cleanup_errors=True)
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self.socket = Path(self._folder.name) / "city.sock"
        """Of this user alone: the folder is closed to others. Short, as addresses of sockets must be."""
        self.inside = UpstreamAddress.at_socket(self.socket)

    @property
    def processes(self) -> list[int]:
        """Give the process ids of the readers that run."""
        return [process.pid for process in self._processes.values()]

    async def start(self) -> None:
        """Start all readers and wait until each serves; raises Unavailable, also where the port is another's."""
        await self._wait_for_port()
        await asyncio.gather(*(self._start(number) for number in range(self._number)))
        self._keepers = [asyncio.create_task(self._keep(number)) for number in range(self._number)]

    async def stop(self) -> None:
        """Close the pipes, at which the readers end by themselves."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(_end(process) for process in self._processes.values()))
        self._folder.cleanup()

    def tell(self, kind: str, _tenant: str, _record_id: str) -> None:
        """Tell the readers that a record changed, where they keep a copy of its kind."""
        if not kind or kind in self._cached:
            for process in self._processes.values():
                if process.stdin is not None and not process.stdin.is_closing():
                    process.stdin.write(b"changed\n")

    async def _start(self, number: int) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "rhinecloud.app.readers.reader",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C reaches the city alone. The readers end when their pipe does, even where the city was killed.
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(msgspec.json.encode(self._orders()) + b"\n")
        self._processes[number] = process
        try:
            async with asyncio.timeout(STARTED_S):
                said = await process.stdout.readline()
        except TimeoutError:
            said = b""
        if said != READY:
            await _end(process)
            raise Unavailable(f"a reader did not start: it ended with {process.returncode}")

    async def _wait_for_port(self) -> None:
        """Make sure that no other city shares the port; readers of this one that was killed may be about to end."""
        server, loop = self._settings.server, asyncio.get_running_loop()
        until = loop.time() + STOP_S
        while loop.time() < until:
            with contextlib.suppress(Unavailable):
                free_port(server.host, server.port)
                return
            await asyncio.sleep(0.1)
        free_port(server.host, server.port)

    async def _keep(self, number: int) -> None:
        pause = PAUSE_S
        while True:
            since = asyncio.get_running_loop().time()
            code = await self._processes[number].wait()
            # One that cannot live must not cost a core: starting one takes a second of it.
            lived = asyncio.get_running_loop().time() - since > LONGEST_PAUSE_S
            pause = PAUSE_S if lived else min(pause * 2, LONGEST_PAUSE_S)
            _log.error("a reader ended with %s and is started again in %.0f s", code, pause)
            await asyncio.sleep(pause)
            with contextlib.suppress(Unavailable):
                await self._start(number)

    def _orders(self) -> ReaderOptions:
        """Hand on what flags of the command line outweighed; a reader reads files and environment itself."""
        settings = self._settings
        overrides: dict[str, dict[str, Any]] = {
            "server": {"host": settings.server.host, "port": settings.server.port},
            "identity": {"access": settings.section("identity", IdentitySettings).access},
            "store": {"url": settings.section("store", StoreSettings).url},
        }
        return ReaderOptions(str(settings.folder), overrides, self.inside)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
