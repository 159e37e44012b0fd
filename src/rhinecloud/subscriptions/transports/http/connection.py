"""One connection to an HTTP receiver: a request goes out at the end of the very turn in which it is given.

A general client costs three times the processor time of a POST that needs no cookies, redirects or streamed bodies. The
answer is read by `httptools`, the parser of Node.js; of its body nothing is kept.
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
"""Bytes of an answer that are read, so that the connection can be kept; whoever says more is hung up on."""
FIRST_FINAL = 200
"""Statuses below it announce an answer that is still to come."""


class ResponseWaiter(Protocol):
    """A request and whoever waits for its answer."""

    request: bytes
    on_its_way: HttpConnection | None

    def answered(self, status: int) -> None:
        """Take the status of the final answer."""
        ...

    def failed(self, error: NotDelivered) -> None:
        """Learn that no answer will come."""
        ...

    def unheard(self) -> None:
        """Learn that a connection which had been kept was closed before the receiver said anything."""
        ...


class HttpConnection(asyncio.Protocol):
    """Carries one errand at a time; `freed` hears when it can carry the next one, `lost` when it is gone."""

    def __init__(
        self,
        freed: Callable[[HttpConnection], None],
        lost: Callable[[HttpConnection], None],
        departures: WriteBatch,
    ) -> None:
        self.was_idle = False
        """Whether it was free already when connections were looked through last."""
        self._freed = freed
        self._lost = lost
        self._departures = departures
        self._transport: asyncio.Transport | None = None
        self._errand: ResponseWaiter | None = None
        self._was_used = False
        self._heard = 0
        self._status = 0
        self._ended = False
        self._is_kept = False
        self._has_more = False
        self._usual: bytes | None = None
        self._usual_status = 0
        self._parser = httptools.HttpResponseParser(self)

    @property
    def is_open(self) -> bool:
        """Tell whether requests can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def carry(self, errand: ResponseWaiter) -> None:
        """Send a request in this turn of the loop."""
        self._errand = errand
        self._heard = self._status = 0
        self._ended = False
        errand.on_its_way = self
        self._departures.add(self)

    def write(self) -> None:
        """Write the request, unless the connection is ending: then its end is what the errand hears of."""
        if self._errand is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._errand.request)

    def close(self) -> None:
        """Hang up, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport: `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # which uvloop's does not say it is

    def data_received(self, data: bytes) -> None:
        """Read on: `asyncio.Protocol`."""
        if self._errand is None:
            self.close()  # nobody asked
            return
        if data == self._usual and not self._heard:
            self._status = self._usual_status
            self._finish(keep=True)
            return
        self._heard += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(NotDelivered(f"the answer is not HTTP: {error}"))
            self.close()
            return
        if self._ended:
            self._remember(data)
            self._finish(keep=self._is_kept and not self._has_more)
        elif self._heard > LARGEST_ANSWER:
            self._finish(keep=False)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits: `asyncio.Protocol`."""
        errand = self._errand
        if errand is not None:
            if self._status and not self._is_kept:
                self._finish(keep=False)  # an answer without a length ends with the connection
            elif self._was_used and not self._heard:
                self._errand = errand.on_its_way = None
                errand.unheard()
            else:
                self._fail(NotDelivered(f"the connection was lost: {error or 'closed by the receiver'}"))
        self._lost(self)

    def on_message_begin(self) -> None:
        """Note what follows a final answer, which nobody asked for: `httptools`."""
        self._has_more = self._ended

    def on_headers_complete(self) -> None:
        """Note the status of a final answer: `httptools`."""
        if self._ended:
            return
        status = self._parser.get_status_code()
        self._status = status if status >= FIRST_FINAL else 0
        self._is_kept = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Note the end of a final answer: `httptools`."""
        self._ended = self._status > 0

    def _remember(self, data: bytes) -> None:
        """Keep an answer that came in one piece: most receivers say the same each time, and need not be read twice."""
        is_whole = self._heard == len(data) and self._is_kept and not self._has_more
        self._usual, self._usual_status = (data, self._status) if is_whole else (None, 0)

    def _finish(self, *, keep: bool) -> None:
        """Be free for the next errand, then tell the one that is done: so what it causes can go out at once."""
        errand, self._errand = self._errand, None
        assert errand is not None
        errand.on_its_way = None
        status = self._status
        self._was_used = True
        if keep:
            self._freed(self)
        else:
            self.close()
        if status:
            errand.answered(status)
        else:
            errand.failed(NotDelivered("the answer's head is too long"))

    def _fail(self, error: NotDelivered) -> None:
        errand, self._errand = self._errand, None
        if errand is not None:
            errand.on_its_way = None
            errand.failed(error)
