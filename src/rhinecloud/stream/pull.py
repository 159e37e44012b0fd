"""A pull request on a consumer that is always open: frames arrive as soon as the stream has them.

One request for many messages waits at the server; when it is used up or expires, the next one follows. The client's
own `fetch` waits until a batch is full, which would delay changes. Source: NATS ADR-37.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from rhinecloud.kernel.errors import Unavailable

BATCH = 256
EXPIRES_S = 30.0
HEARTBEAT_S = 2.0
SILENT_S = 2.5 * HEARTBEAT_S
NANOSECONDS = 1_000_000_000


class Pull:
    """The messages of one consumer, as an asynchronous iterator; an open context owns its subscription."""

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._consumer = consumer
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._waiting: deque[Msg] = deque()
        self._arrived = asyncio.Event()
        self._wanted = 0
        self._loop = asyncio.get_running_loop()
        self._received_at = self._loop.time()

    async def __aenter__(self) -> Pull:
        self._watch()
        self._subscription = await self._client.subscribe(self._inbox, cb=self._receive)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        with contextlib.suppress(nats.errors.Error):  # the connection may be gone already
            if self._subscription is not None:
                await self._subscription.unsubscribe()

    async def messages(self) -> AsyncIterator[Msg]:
        """Yield messages until cancelled. Raise Unavailable when the server is silent or the consumer is gone."""
        await self.renew()
        while True:
            message = await self._next()
            status = (message.headers or {}).get("Status") if not message.data else None
            if status is None:
                self._wanted -= 1
                yield message
            elif status in ("404", "408", "409") and not self._is_lost(message):
                self._wanted = 0
            elif status != "100":
                raise Unavailable(f"the consumer {self._consumer} answers {status} {_description(message)}")
            if self._wanted <= 0:
                await self.renew()

    async def renew(self) -> None:
        """Request the next messages; needed after a reconnection, too, because the server forgets requests."""
        self._wanted = BATCH
        request = {
            "batch": BATCH,
            "expires": int(EXPIRES_S * NANOSECONDS),
            "idle_heartbeat": int(HEARTBEAT_S * NANOSECONDS),
        }
        await self._client.publish(self._subject, json.dumps(request).encode(), reply=self._inbox)

    async def _receive(self, message: Msg) -> None:
        self._waiting.append(message)
        self._received_at = self._loop.time()
        self._arrived.set()

    async def _next(self) -> Msg:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
            if not self._waiting:
                raise Unavailable("the stream is silent")
        return self._waiting.popleft()

    def _watch(self) -> None:
        """Wake the reader when the server has not sent even a heartbeat."""
        if self._loop.time() - self._received_at > SILENT_S:
            self._arrived.set()
        self._watching = self._loop.call_later(HEARTBEAT_S, self._watch)

    @staticmethod
    def _is_lost(message: Msg) -> bool:
        """Return whether the consumer is gone, not just the request expired."""
        return "Consumer" in _description(message) and "Deleted" in _description(message)


def _description(message: Msg) -> str:
    return (message.headers or {}).get("Description", "")
