"""The HTTP server: granian, embedded in the city's event loop, which the parts share."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import replace
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server

from rhinecloud.app.asgi import Application
from rhinecloud.app.settings import LoadedSettings, ServerSettings
from rhinecloud.kernel.errors import Unavailable

READY_S = 5.0
LONGEST_HEADERS = 1 << 18
"""Bytes of a request's header fields over HTTP/2; granian's own limit is 64 times as much."""


class HttpServer:
    """Serves one ASGI application from `start` to `stop`."""

    def __init__(
        self,
        application: Application,
        settings: ServerSettings,
        *,
        shared: bool = False,
        socket_path: Path | None = None,
    ) -> None:
        """`shared` lets other processes serve at the same port; `socket_path` is used instead of a port."""
        self._shared = shared
        self._socket_path = socket_path
        self._application = application
        self._settings = settings
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = settings.port

    @property
    def url(self) -> str:
        """Return the address of the server on this machine."""
        return replace(self._settings, port=self.port).url

    async def start(self) -> None:
        """Listen; raise Unavailable where the address cannot be used."""
        if not (self._shared or self._socket_path):
            self.port = free_port(self._settings.host, self._settings.port)
        # granian warns each time that its embedded server is experimental; we measured it and chose it (ADR 1).
        logging.getLogger("_granian").setLevel(logging.ERROR)
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        if self._socket_path:  # a socket can be reached from this machine only
            certificate = key = ""
        self._server = Server(
            self._application,
            address=self._settings.host,
            port=self.port,
            uds=self._socket_path,
            interface=Interfaces.ASGINL,
            http=HTTPModes.auto,
            websockets=True,
            http2_settings=HTTP2Settings(max_headers_size=LONGEST_HEADERS),
            backlog=1024,
            log_enabled=False,
            log_level=LogLevels.error,
            ssl_cert=Path(certificate) if certificate else None,
            ssl_key=Path(key) if key else None,
        )
        self._task = asyncio.create_task(self._server.serve(), name="http server")
        await self._wait_until_answering()

    async def stop(self) -> None:
        """Accept no new connections, and end."""
        if self._server is not None and self._task is not None:
            self._server.stop()  # type: ignore[no-untyped-call]
            await asyncio.gather(self._task, return_exceptions=True)
            self._server = self._task = None

    async def _wait_until_answering(self) -> None:
        assert self._task is not None
        host = self._settings.host
        target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        deadline = asyncio.get_running_loop().time() + READY_S
        while asyncio.get_running_loop().time() < deadline:
            if self._task.done():
                raise Unavailable(f"the HTTP server did not start: {self._task.exception()}")
            try:
                if self._socket_path:
                    _, writer = await asyncio.open_unix_connection(self._socket_path)
                else:
                    _, writer = await asyncio.open_connection(target, self.port)
            except OSError:
                await asyncio.sleep(0.005)
                continue
            writer.close()
            return
        raise Unavailable(f"the HTTP server does not answer at {target}:{self.port}")


def with_port(settings: LoadedSettings) -> LoadedSettings:
    """Return settings with a free port where they have none, so that every part knows the city's address."""
    server = settings.server
    if server.port:
        return settings
    chosen = replace(server, port=free_port(server.host, 0))
    return replace(settings, sections={**settings.sections, "server": chosen})


def free_port(host: str, port: int) -> int:
    """Return the port, or a free one where it is 0; raise Unavailable where it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(f"cannot listen at {host}:{port}: {error.strerror}; try --port 0") from None
        found: int = probe.getsockname()[1]
        return found
