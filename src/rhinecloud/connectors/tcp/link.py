"""A TCP client that reads lines: AIS receivers, loggers, serial servers.

Reading stops while the feed's queue is full, so that the sender waits. A line that is too long is dropped; a connection
without data for `idle_s` is reconnected, because half-open ones look idle.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass

from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.connectors.tcp.lines import Lines
from rhinecloud.kernel.time import Clock
from rhinecloud.pack.codec import Parcel

READ_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """The address, and the limits: seconds, and bytes of the longest line."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    connect_timeout_s: float
    idle_s: float
    line_bytes: int


class TcpLink:
    """Connects to a peer and passes on its lines, all complete ones of a read as one parcel."""

    def __init__(self, peer: Peer, clock: Clock) -> None:
        self._peer = peer
        self._clock = clock

    async def run(self, inlet: Inlet) -> None:
        """Read until the connection breaks, then raise LinkBroken; a live source has no end."""
        peer = self._peer
        try:
            async with asyncio.timeout(peer.connect_timeout_s):
                reader, writer = await asyncio.open_connection(
                    peer.host, peer.port, ssl=peer.tls, limit=READ_BYTES
                )
        except TimeoutError:
            raise LinkBroken(f"no connection within {peer.connect_timeout_s:g} s") from None
        except OSError as error:
            raise LinkBroken(f"no connection: {error}") from None
        try:
            _keep_alive(writer)
            inlet.connected()
            await self._read(reader, inlet)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, inlet: Inlet) -> None:
        lines = Lines(self._peer.line_bytes)
        origin = f"{self._peer.host}:{self._peer.port}"
        try:
            await self._read_lines(reader, lines, origin, inlet)
        except LinkBroken:
            last = lines.end()
            if last:
                await inlet.put(Parcel(last, self._clock(), origin=origin))
            raise

    async def _read_lines(
        self, reader: asyncio.StreamReader, lines: Lines, origin: str, inlet: Inlet
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(self._peer.idle_s):
                    data = await reader.read(READ_BYTES)
            except TimeoutError:
                raise LinkBroken(f"no byte came for {self._peer.idle_s:g} s") from None
            except OSError as error:
                raise LinkBroken(f"the connection broke: {error}") from None
            if not data:
                raise LinkBroken("the other side closed the connection")
            whole, given_up = lines.feed(data)
            for body in (whole, given_up):
                if body:
                    await inlet.put(Parcel(body, self._clock(), origin=origin))


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
