"""The live feed: a WebSocket for each browser, and one follower of the stream for all of them.

A browser sends `subscribe` with the types and the box that it shows and, when it reconnects, the cursor of the last
change that it got. It receives `hello`, then `changes` as they happen, `resync` when it must query again, `city` when
layers, texts or rules were reloaded, and `ping`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from rhinecloud.changes.follower import Follower, Gap
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from rhinecloud.live.client import LiveClient
from rhinecloud.live.frame_buffer import FrameBuffer
from rhinecloud.live.messages import read_subscribe
from rhinecloud.live.rendered_change import RenderedChange
from rhinecloud.live.settings import LiveSettings
from rhinecloud.ngsild.context import Context
from rhinecloud.policy import Authorization, CoreAction
from rhinecloud.stream.port import Frame, Gone, Stream

log = logging.getLogger(__name__)

UNAUTHENTICATED, FORBIDDEN, TOO_MANY, TOO_SLOW = 4401, 4403, 4429, 4408
RIGHTS_CHANGED = 1012
"""The actor has other rights now: the browser must reconnect (Service Restart in IANA's registry)."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Authenticate = Callable[[Scope], Actor]
"""Returns the actor of a WebSocket from its ASGI scope (cookie, Bearer header, `access_token`), or raises an error."""


class LiveFeed:
    """The live feed of one city as an ASGI application for WebSockets; `tenant` is the city's own."""

    def __init__(
        self,
        stream: Stream,
        policy: Authorization,
        authenticate: Authenticate,
        context: Context,
        settings: LiveSettings,
        *,
        tenant: str = "",
    ) -> None:
        self.follower = Follower("live", stream, gap=Gap.NEWEST)
        self._stream = stream
        self._policy = policy
        self._authenticate = authenticate
        self._context = context
        self._settings = settings
        self._tenant = tenant
        self._buffer = FrameBuffer(
            settings.remembered, context, 0, most_bytes=settings.remembered_megabytes << 20
        )
        self._clients: set[LiveClient] = set()

    async def open(self) -> None:
        """Begin after the newest change of the stream."""
        self._buffer.restart(await self._stream.last())

    async def run(self) -> None:
        """Follow the stream until cancelled; it may be started again after it failed."""
        self.follower.start_after(self._buffer.last)
        async with contextlib.aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                if batch.missed:
                    self._restart(batch.last)
                else:
                    self._show(batch.frame)
                self.follower.done(batch.last)

    def _restart(self, position: int) -> None:
        self._buffer.restart(position)
        for client in self._clients:
            client.resync(position)

    def recheck(self, actor_id: str) -> None:
        """Check at once whether the browsers of an actor may stay: its rights have changed."""
        for client in self._clients:
            if client.actor.id == actor_id:
                client.rights_changed.set()

    def announce_city(self) -> None:
        """Have every browser request the description of the city again: it was reloaded."""
        for client in self._clients:
            client.announce_city()

    @property
    def clients(self) -> int:
        """The number of browsers."""
        return len(self._clients)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one browser until it disconnects."""
        if scope["type"] != "websocket":
            await _require_upgrade(send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        refusal = self._refusal(scope)
        if refusal:
            await send({"type": "websocket.close", "code": refusal})
            return
        client = LiveClient(self._authenticate(scope), self._tenant, self._policy, self._settings)
        self._clients.add(client)
        try:
            code = await self._serve(client, scope, receive, send)
        finally:
            self._clients.discard(client)
        if code:
            await send({"type": "websocket.close", "code": code})

    def _refusal(self, scope: Scope) -> int:
        """Return the close code for an actor that may not read (any more), 0 for one that may."""
        try:
            actor = self._authenticate(scope)
            self._policy.check_could(actor, CoreAction.READ, self._tenant)
        except Unauthenticated:
            return UNAUTHENTICATED
        except (Forbidden, Invalid):
            return FORBIDDEN
        return TOO_MANY if len(self._clients) > self._settings.clients else 0

    async def _serve(self, client: LiveClient, scope: Scope, receive: Receive, send: Send) -> int:
        """Serve until one side ends it; return the close code, 0 when the browser has disconnected."""

        async def send_text(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        hello = self._buffer.last
        await send_text(f'{{"type":"hello","cursor":{hello}}}')
        tasks = [
            asyncio.create_task(self._listen(client, hello, receive, send_text), name="live: listen"),
            asyncio.create_task(client.send_changes(send_text), name="live: send"),
            asyncio.create_task(self._ping(client, scope, send_text), name="live: ping"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return _close_code(done)

    async def _listen(
        self, client: LiveClient, hello: int, receive: Receive, send_text: Callable[[str], Awaitable[None]]
    ) -> int:
        """Read filters until the browser disconnects."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return 0
            text = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
            try:
                wanted, after = read_subscribe(text, self._context)
            except Invalid as error:
                await send_text(orjson.dumps({"type": "error", "detail": str(error)}).decode())
                continue
            if after is None and client.has_filter:
                client.change_filter(wanted)
            else:
                missed = await self._missed(hello if after is None else after)
                client.subscribe(wanted, missed, self._buffer.last)
            await send_text(f'{{"type":"subscribed","cursor":{self._buffer.last}}}')

    async def _ping(
        self, client: LiveClient, scope: Scope, send_text: Callable[[str], Awaitable[None]]
    ) -> int:
        """Send pings, and check each time whether the browser may stay; at once after `recheck`."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.rights_changed.wait(), self._settings.ping_s)
            client.rights_changed.clear()
            refusal = self._refusal(scope)
            if refusal:
                return refusal
            if self._authenticate(scope) != client.actor:
                return RIGHTS_CHANGED
            async with asyncio.timeout(self._settings.send_timeout_s):
                await send_text('{"type":"ping"}')

    async def _missed(self, after: int) -> list[RenderedChange] | None:
        """Return the changes after `after`; None when they are too many or no longer held."""
        buffer = self._buffer
        if after > buffer.last:
            return None
        if buffer.last - after > self._settings.catch_up:
            return None
        found: list[RenderedChange] = []
        if after < buffer.before_oldest:
            try:
                async with (
                    asyncio.timeout(self._settings.send_timeout_s),
                    contextlib.aclosing(self._stream.tail(after)) as frames,
                ):
                    async for frame in frames:
                        found += [each for each in buffer.read(frame) if each.seq > after]
                        after = frame.last
                        if after >= buffer.before_oldest:
                            break
            except (Gone, Unavailable, TimeoutError):
                return None
        return found + buffer.since(after)

    def _show(self, frame: Frame) -> None:
        buffer = self._buffer
        if frame.last <= buffer.last:
            return
        buffer.add(frame)
        if self._clients:
            changes = buffer.newest()
            for client in self._clients:
                client.offer(changes, buffer.last)


def _close_code(done: set[asyncio.Task[Any]]) -> int:
    """Return the close code of a session; 0 for a browser that has disconnected."""
    for task in done:
        error = task.exception()
        if isinstance(error, TimeoutError):
            return TOO_SLOW
        if error is not None:
            log.warning("the connection to a browser failed: %r", error, exc_info=error)
            return 0
    return next((task.result() for task in done if task.result()), 0)


async def _require_upgrade(send: Send) -> None:
    """Answer a plain HTTP request with 426 Upgrade Required (RFC 9110, 15.5.22)."""
    problem = {"title": "Upgrade required", "status": 426, "detail": "the live feed is a WebSocket"}
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
    ]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(problem)})
