"""One connection to an HTTP receiver: a request is written at the end of the turn of the loop in which it is given.

A general client costs eight times the processor time for a POST without cookies, redirects or streamed bodies
(`bench/notifying.py`). Answers are parsed by `httptools`, the parser of Node.js; their bodies are dropped.
Source: RFC 9112.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from rhinecloud.subscriptions.transports.http.write_batch import WriteBatch
from rhinecloud.subscriptions.transports.port import NotDelivered

LARGEST_ANSWER = 64 * 1024
"""Most bytes of an answer that are read to keep the connection; after a longer one it is closed."""
FIRST_FINAL = 200
"""Lower statuses announce an answer that is still to come."""


class ResponseWaiter(Protocol):
    """A request that waits for its answer."""

    request: bytes
    connection: HttpConnection | None

    def answered(self, status: int) -> None:
        """Receive the status of the final answer."""
        ...

    def failed(self, error: NotDelivered) -> None:
        """Receive the reason why no answer will come."""
        ...

    def closed_unanswered(self) -> None:
        """React: a kept connection was closed before the receiver sent anything."""
        ...


class HttpConnection(asyncio.Protocol):
    """Carries one request at a time; `on_free` is called when it can take the next one, `on_lost` when it is closed."""

    def __init__(
        self,
        on_free: Callable[[HttpConnection], None],
        on_lost: Callable[[HttpConnection], None],
        batch: WriteBatch,
    ) -> None:
        self.was_idle = False
        """Whether it was idle already at the last check."""
        self._on_free = on_free
        self._on_lost = on_lost
        self._batch = batch
        self._transport: asyncio.Transport | None = None
        self._waiter: ResponseWaiter | None = None
        self._was_used = False
        self._received = 0
        self._status = 0
        self._ended = False
        self._keep_alive = False
        self._has_more = False
        self._last_answer: bytes | None = None
        self._last_status = 0
        self._parser = httptools.HttpResponseParser(self)

    @property
    def is_open(self) -> bool:
        """Return whether requests can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, waiter: ResponseWaiter) -> None:
        """Send a request in this turn of the loop."""
        self._waiter = waiter
        self._received = self._status = 0
        self._ended = False
        waiter.connection = self
        self._batch.add(self)

    def write(self) -> None:
        """Write the request, unless the connection is closing: then `connection_lost` reports it."""
        if self._waiter is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._waiter.request)

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Parse an answer: `asyncio.Protocol`."""
        if self._waiter is None:
            self.close()  # an answer without a request
            return
        if data == self._last_answer and not self._received:
            self._status = self._last_status
            self._finish(keep=True)
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(NotDelivered(f"the answer is not HTTP: {error}"))
            self.close()
            return
        if self._ended:
            self._remember(data)
            self._finish(keep=self._keep_alive and not self._has_more)
        elif self._received > LARGEST_ANSWER:
            self._finish(keep=False)

    def connection_lost(self, error: Exception | None) -> None:
        """Report the end of the connection: `asyncio.Protocol`."""
        waiter = self._waiter
        if waiter is not None:
            if self._status and not self._keep_alive:
                self._finish(keep=False)  # an answer without a length ends with the connection
            elif self._was_used and not self._received:
                self._waiter = waiter.connection = None
                waiter.closed_unanswered()
            else:
                self._fail(NotDelivered(f"the connection was lost: {error or 'closed by the receiver'}"))
        self._on_lost(self)

    def on_message_begin(self) -> None:
        """Note what follows a final answer without a request: `httptools`."""
        self._has_more = self._ended

    def on_headers_complete(self) -> None:
        """Note the status of a final answer: `httptools`."""
        if self._ended:
            return
        status = self._parser.get_status_code()
        self._status = status if status >= FIRST_FINAL else 0
        self._keep_alive = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Note the end of a final answer: `httptools`."""
        self._ended = self._status > 0

    def _remember(self, data: bytes) -> None:
        """Keep an answer that came in one piece: most receivers send the same one each time, which is not parsed."""
        is_whole = self._received == len(data) and self._keep_alive and not self._has_more
        self._last_answer, self._last_status = (data, self._status) if is_whole else (None, 0)

    def _finish(self, *, keep: bool) -> None:
        """Become free, then report the answer: so that a request which this causes can use the connection."""
        waiter, self._waiter = self._waiter, None
        assert waiter is not None
        waiter.connection = None
        status = self._status
        self._was_used = True
        if keep:
            self._on_free(self)
        else:
            self.close()
        if status:
            waiter.answered(status)
        else:
            waiter.failed(NotDelivered("the head of the answer is too long"))

    def _fail(self, error: NotDelivered) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.connection = None
            waiter.failed(error)
