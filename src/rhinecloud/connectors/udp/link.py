"""A UDP listener. UDP has no back-pressure: datagrams are dropped, and counted, while the queue is full."""

from __future__ import annotations

import asyncio
from typing import cast

from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.kernel.time import Clock
from rhinecloud.pack.codec import Parcel


class UdpLink:
    """Listens on an address and passes on each datagram."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._clock = clock
        self.address: tuple[str, int] | None = None
        """The address, once it listens; for port 0 with the assigned port."""

    async def run(self, inlet: Inlet) -> None:
        """Listen until cancelled; raise LinkBroken where the address cannot be used."""
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[Exception | None] = loop.create_future()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Receiver(inlet, self._clock, lost), local_addr=(self._host, self._port)
            )
        except OSError as error:
            raise LinkBroken(f"cannot listen on {self._host}:{self._port}: {error}") from None
        try:
            self.address = cast("tuple[str, int]", transport.get_extra_info("sockname")[:2])
            inlet.connected()
            error_or_none = await lost
            raise LinkBroken(f"the socket was closed: {error_or_none}")
        finally:
            transport.close()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, inlet: Inlet, clock: Clock, lost: asyncio.Future[Exception | None]) -> None:
        self._inlet = inlet
        self._clock = clock
        self._lost = lost

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data:
            self._inlet.offer(Parcel(data, self._clock(), origin=f"{addr[0]}:{addr[1]}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(exc)
