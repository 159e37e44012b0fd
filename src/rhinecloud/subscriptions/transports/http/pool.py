"""All connections to one HTTP receiver: kept while they are of use, at most so many, addresses judged before each.

Source: RFC 9112, section 9 (connections); RFC 8305 (choice among addresses).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

import aiohappyeyeballs

from rhinecloud.outgoing import addresses_of
from rhinecloud.subscriptions.transports.http.connection import HttpConnection
from rhinecloud.subscriptions.transports.http.deadlines import Deadlines
from rhinecloud.subscriptions.transports.http.write_batch import WriteBatch
from rhinecloud.subscriptions.transports.port import Hear, NotDelivered

HEARD_AND_REFUSED = range(400, 500)
NOT_A_REFUSAL = (408, 425, 429)
"""Client errors that say "not now": worth a repeat like any failure of the server."""
IDLE_S = 15.0
"""A connection that nobody used for so long is closed; many servers close it themselves soon after."""
ADDRESSES_S = 60.0
"""A name is resolved, and judged, again after so long."""
CONNECT_S = 10.0
NEXT_ADDRESS_S = 0.25
"""A receiver with several addresses is tried at the next one after so long."""


class PendingRequest:
    """A request on its way; whoever gave it hears once that it was taken (None), or why not."""

    __slots__ = ("_hear", "_origin", "_repeated", "_timeout_s", "on_its_way", "request")

    def __init__(self, request: bytes, timeout_s: float, hear: Hear, origin: ConnectionPool) -> None:
        self.request = request
        self.on_its_way: HttpConnection | None = None
        self._timeout_s = timeout_s
        self._hear: Hear | None = hear
        self._origin = origin
        self._repeated = False
        origin.deadlines.add(self, timeout_s)

    @property
    def is_done(self) -> bool:
        """Tell whether nobody waits for an answer any more."""
        return self._hear is None

    def answered(self, status: int) -> None:
        """Judge the status of the answer; a redirect is not followed, so that nobody is led elsewhere."""
        if 200 <= status < 300:
            self._end(None)
        else:
            refused = status in HEARD_AND_REFUSED and status not in NOT_A_REFUSAL
            self._end(NotDelivered(f"HTTP {status}", refused=refused))

    def failed(self, error: NotDelivered) -> None:
        """Say that it was in vain."""
        self._end(error)

    def unheard(self) -> None:
        """Try once more: a kept connection may be closed just as it is used, and that is nobody's failure."""
        if self._repeated:
            self._end(NotDelivered("the connection was lost: closed by the receiver"))
        elif self._hear is not None:
            self._repeated = True
            self._origin.send(self)

    def late(self) -> None:
        """Wait no longer."""
        self._end(NotDelivered("no answer in time"))

    def cancel(self) -> None:
        """Leave nothing under way."""
        self._hear = None
        self._end(None)

    def _end(self, error: NotDelivered | None) -> None:
        hear, self._hear = self._hear, None
        self._origin.deadlines.remove(self, self._timeout_s)
        if self.on_its_way is not None:
            self.on_its_way.close()  # its answer, if it still comes, would be taken for the next one's
        if hear is not None:
            hear(error)


class ConnectionPool:
    """A receiver's host and port, and the connections to it; `tls` makes the context where the scheme is https."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: Callable[[], ssl.SSLContext] | None,
        most: int,
        allow_private: bool,
        deadlines: Deadlines,
        departures: WriteBatch,
    ) -> None:
        self.deadlines = deadlines
        self._departures = departures
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._port = port
        self._tls = tls
        self._most = most
        self._allow_private = allow_private
        self._idle: list[HttpConnection] = []
        self._open: set[HttpConnection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[PendingRequest] = deque()
        self._addresses: list[aiohappyeyeballs.AddrInfoType] = []
        self._resolved_at = 0.0
        self._sweeping: asyncio.TimerHandle | None = None

    def post(self, request: bytes, timeout_s: float, hear: Hear) -> PendingRequest:
        """Send a whole request."""
        errand = PendingRequest(request, timeout_s, hear, self)
        self.send(errand)
        return errand

    def send(self, errand: PendingRequest) -> None:
        """Send over a connection that is free, or over the next one that is."""
        if self._idle:
            self._idle.pop().carry(errand)
            return
        while self._waiting and self._waiting[0].is_done:
            self._waiting.popleft()
        self._waiting.append(errand)
        if len(self._opening) < len(self._waiting) and len(self._open) + len(self._opening) < self._most:
            task = asyncio.create_task(self._connect(), name=f"connect {self._host}")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        """Hang up everywhere."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for task in self._opening:
            task.cancel()
        for connection in list(self._open):
            connection.close()
        await asyncio.gather(*self._opening, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted says so in a turn of its own

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                connected = await aiohappyeyeballs.start_connection(
                    await self._judged_addresses(), happy_eyeballs_delay=NEXT_ADDRESS_S
                )
                _, connection = await self._loop.create_connection(
                    lambda: HttpConnection(self._freed, self._lost, self._departures),
                    sock=connected,
                    ssl=self._tls() if self._tls is not None else None,
                    server_hostname=self._host if self._tls is not None else None,
                )
            if not connection.is_open:
                raise ConnectionResetError("closed by the receiver at once")
        except OSError as error:
            self._addresses = []
            self._fail_all(NotDelivered(f"{type(error).__name__}: {error}"))
        else:
            self._open.add(connection)
            self._freed(connection)

    async def _judged_addresses(self) -> list[aiohappyeyeballs.AddrInfoType]:
        if not self._addresses or self._loop.time() > self._resolved_at + ADDRESSES_S:
            self._addresses = await addresses_of(self._host, self._port, allow_private=self._allow_private)
            self._resolved_at = self._loop.time()
        return self._addresses

    def _freed(self, connection: HttpConnection) -> None:
        while self._waiting:
            errand = self._waiting.popleft()
            if not errand.is_done:
                connection.carry(errand)
                return
        connection.was_idle = False
        self._idle.append(connection)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_S, self._sweep)

    def _lost(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting:
            self.send(self._waiting.popleft())

    def _fail_all(self, error: NotDelivered) -> None:
        waiting, self._waiting = self._waiting, deque()
        for errand in waiting:
            errand.failed(error)

    def _sweep(self) -> None:
        """Close what nobody used since the last time."""
        self._sweeping = None
        for connection in [each for each in self._idle if each.was_idle]:
            self._idle.remove(connection)
            connection.close()
        for connection in self._idle:
            connection.was_idle = True
        if self._idle:
            self._sweeping = self._loop.call_later(IDLE_S, self._sweep)
