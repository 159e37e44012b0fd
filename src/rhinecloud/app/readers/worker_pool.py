"""Starts the city's readers, restarts those that end, and notifies them of changes."""

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
from rhinecloud.app.readers.record_edition import RecordEdition
from rhinecloud.app.readers.upstream import UpstreamAddress
from rhinecloud.app.server import free_port
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.identity import IdentitySettings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.engine import StoreSettings

STARTED_S = 60.0
"""A busy machine may need 20 s."""
STOP_S = 2.0
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0

_log = logging.getLogger(__name__)


class WorkerPool:
    """`number` readers in front of the city, which serves at `upstream`, from `start` to `stop`."""

    def __init__(self, settings: LoadedSettings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._cached = cached_records(settings.parts.loaded)
        self._folder = tempfile.TemporaryDirectory(prefix="rhinecloud-", ignore_cleanup_errors=True)
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self.socket = Path(self._folder.name) / "city.sock"
        """In a folder that only this user can open. Short, because the path of a socket must be."""
        self._edition_file = Path(self._folder.name) / "records"
        self._edition = RecordEdition(self._edition_file)
        self.upstream = UpstreamAddress.at_socket(self.socket)

    @property
    def processes(self) -> list[int]:
        """Return the process ids of the readers."""
        return [process.pid for process in self._processes.values()]

    async def start(self) -> None:
        """Start all readers and wait until each serves; raise Unavailable, also where the port is in use."""
        await self._wait_for_port()
        await asyncio.gather(*(self._start(number) for number in range(self._number)))
        self._watchers = [asyncio.create_task(self._restart(number)) for number in range(self._number)]

    async def stop(self) -> None:
        """Close the pipes, upon which the readers end."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(_end(process) for process in self._processes.values()))
        self._folder.cleanup()

    def notify(self, kind: str, _tenant: str, _record_id: str) -> None:
        """Notify the readers that a record changed, where they hold a copy of its kind."""
        if not kind or kind in self._cached:
            self._edition.advance()
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
            # Ctrl-C reaches only the city. The readers end when their pipe does, even where the city was killed.
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(msgspec.json.encode(self._options()) + b"\n")
        self._processes[number] = process
        try:
            async with asyncio.timeout(STARTED_S):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        if line != READY:
            await _end(process)
            raise Unavailable(f"a reader did not start: it ended with {process.returncode}")

    async def _wait_for_port(self) -> None:
        """Wait until the port is free: readers of a city that was killed may still be ending. Raise Unavailable."""
        server, loop = self._settings.server, asyncio.get_running_loop()
        until = loop.time() + STOP_S
        while loop.time() < until:
            with contextlib.suppress(Unavailable):
                free_port(server.host, server.port)
                return
            await asyncio.sleep(0.1)
        free_port(server.host, server.port)

    async def _restart(self, number: int) -> None:
        pause = PAUSE_S
        while True:
            since = asyncio.get_running_loop().time()
            code = await self._processes[number].wait()
            # A reader that keeps failing must not take a whole core: each start takes a second of it.
            lived = asyncio.get_running_loop().time() - since > LONGEST_PAUSE_S
            pause = PAUSE_S if lived else min(pause * 2, LONGEST_PAUSE_S)
            _log.error("a reader ended with %s; restarting it in %.0f s", code, pause)
            await asyncio.sleep(pause)
            with contextlib.suppress(Unavailable):
                await self._start(number)

    def _options(self) -> ReaderOptions:
        """Return the overrides of the command line; a reader reads files and environment itself."""
        settings = self._settings
        overrides: dict[str, dict[str, Any]] = {
            "server": {"host": settings.server.host, "port": settings.server.port},
            "identity": {"access": settings.section("identity", IdentitySettings).access},
            "store": {"url": settings.section("store", StoreSettings).url},
        }
        return ReaderOptions(str(settings.folder), overrides, self.upstream, str(self._edition_file))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
