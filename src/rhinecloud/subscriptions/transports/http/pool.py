"""All connections to one HTTP receiver: kept while they are used, limited in number, addresses checked before each.

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
from rhinecloud.subscriptions.transports.port import NotDelivered, OnResult

CLIENT_ERRORS = range(400, 500)
LOOP_DETECTED = 508
TRANSIENT = (408, 425, 429)
"""Client errors that a repeat may cure, like any failure of the server."""
IDLE_S = 15.0
"""A connection is closed after this time without use; many servers close it themselves soon after."""
ADDRESSES_S = 60.0
"""A name is resolved, and its addresses checked, again after this time."""
CONNECT_S = 10.0
NEXT_ADDRESS_S = 0.25
"""The next of several addresses is tried after this time."""


class PendingRequest:
    """A request that is being sent; `on_result` is called once, with None or the reason of the failure."""

    __slots__ = ("_is_repeated", "_on_result", "_pool", "_timeout_s", "connection", "request")

    def __init__(self, request: bytes, timeout_s: float, on_result: OnResult, pool: ConnectionPool) -> None:
        self.request = request
        self.connection: HttpConnection | None = None
        self._timeout_s = timeout_s
        self._on_result: OnResult | None = on_result
        self._pool = pool
        self._is_repeated = False
        pool.deadlines.add(self, timeout_s)

    @property
    def is_done(self) -> bool:
        """Return whether the result was reported, or is not wanted any more."""
        return self._on_result is None

    def answered(self, status: int) -> None:
        """Report the status of the answer; a redirect is not followed, as it could lead to a forbidden address."""
        if 200 <= status < 300:
            self._end(None)
        else:
            refused = (status in CLIENT_ERRORS and status not in TRANSIENT) or status == LOOP_DETECTED
            self._end(NotDelivered(f"HTTP {status}", refused=refused))

    def failed(self, error: NotDelivered) -> None:
        """Report a failure."""
        self._end(error)

    def closed_unanswered(self) -> None:
        """Send once more: a receiver may close a kept connection just as it is used, which is no failure."""
        if self._is_repeated:
            self._end(NotDelivered("the connection was lost: closed by the receiver"))
        elif self._on_result is not None:
            self._is_repeated = True
            self._pool.send(self)

    def time_out(self) -> None:
        """Report that no answer came in time."""
        self._end(NotDelivered("no answer in time"))

    def cancel(self) -> None:
        """Stop without a report."""
        self._on_result = None
        self._end(None)

    def _end(self, error: NotDelivered | None) -> None:
        on_result, self._on_result = self._on_result, None
        self._pool.deadlines.remove(self, self._timeout_s)
        if self.connection is not None:
            self.connection.close()  # its answer, if it still comes, would be taken for the next request's
        if on_result is not None:
            on_result(error)


class ConnectionPool:
    """The connections to a receiver's host and port; `tls` makes the context where the scheme is https."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: Callable[[], ssl.SSLContext] | None,
        limit: int,
        allow_private: bool,
        deadlines: Deadlines,
        batch: WriteBatch,
    ) -> None:
        self.deadlines = deadlines
        self._batch = batch
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._port = port
        self._tls = tls
        self._limit = limit
        self._allow_private = allow_private
        self._idle: list[HttpConnection] = []
        self._open: set[HttpConnection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[PendingRequest] = deque()
        self._addresses: list[aiohappyeyeballs.AddrInfoType] = []
        self._resolved_at = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    def post(self, request: bytes, timeout_s: float, on_result: OnResult) -> PendingRequest:
        """Send a request, given as its bytes."""
        pending = PendingRequest(request, timeout_s, on_result, self)
        self.send(pending)
        return pending

    def send(self, pending: PendingRequest) -> None:
        """Send over an idle connection, or over the next one that becomes free."""
        if self._idle:
            self._idle.pop().send(pending)
            return
        while self._waiting and self._waiting[0].is_done:
            self._waiting.popleft()
        self._waiting.append(pending)
        if len(self._opening) < len(self._waiting) and len(self._open) + len(self._opening) < self._limit:
            task = asyncio.create_task(self._connect(), name=f"connect {self._host}")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        """Close all connections."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        for task in self._opening:
            task.cancel()
        for connection in list(self._open):
            connection.close()
        await asyncio.gather(*self._opening, return_exceptions=True)
        await asyncio.sleep(0)  # asyncio reports a closed connection in the next turn

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                connected = await aiohappyeyeballs.start_connection(
                    await self._checked_addresses(), happy_eyeballs_delay=NEXT_ADDRESS_S
                )
                _, connection = await self._loop.create_connection(
                    lambda: HttpConnection(self._on_free, self._on_lost, self._batch),
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
            self._on_free(connection)

    async def _checked_addresses(self) -> list[aiohappyeyeballs.AddrInfoType]:
        if not self._addresses or self._loop.time() > self._resolved_at + ADDRESSES_S:
            self._addresses = await addresses_of(self._host, self._port, allow_private=self._allow_private)
            self._resolved_at = self._loop.time()
        return self._addresses

    def _on_free(self, connection: HttpConnection) -> None:
        while self._waiting:
            pending = self._waiting.popleft()
            if not pending.is_done:
                connection.send(pending)
                return
        connection.was_idle = False
        self._idle.append(connection)
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_later(IDLE_S, self._close_idle)

    def _on_lost(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting:
            self.send(self._waiting.popleft())

    def _fail_all(self, error: NotDelivered) -> None:
        waiting, self._waiting = self._waiting, deque()
        for pending in waiting:
            pending.failed(error)

    def _close_idle(self) -> None:
        """Close connections that were not used since the last call."""
        self._idle_timer = None
        for connection in [each for each in self._idle if each.was_idle]:
            self._idle.remove(connection)
            connection.close()
        for connection in self._idle:
            connection.was_idle = True
        if self._idle:
            self._idle_timer = self._loop.call_later(IDLE_S, self._close_idle)
