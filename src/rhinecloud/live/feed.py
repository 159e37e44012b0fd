"""The live feed's door: a WebSocket for each browser, and one tail of the stream that all of them share.

A browser sends `subscribe` with the types and the box that it shows and, after a break, the cursor of the last change
that it saw. It gets `hello`, then `changes` as they happen, `resync` when it must query afresh, and `ping` in between.
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
from rhinecloud.live.client import LiveClient, LiveFilter
from rhinecloud.live.frame_buffer import FrameBuffer
from rhinecloud.live.rendered_change import RenderedChange
from rhinecloud.live.settings import LiveSettings
from rhinecloud.ngsild.box import Box
from rhinecloud.ngsild.context import Context
from rhinecloud.policy import Action, Policy
from rhinecloud.stream.port import Frame, Gone, Stream

log = logging.getLogger(__name__)

UNAUTHENTICATED, FORBIDDEN, TOO_MANY, TOO_SLOW = 4401, 4403, 4429, 4408
COME_AGAIN = 1012
"""To whose rights are others now: the line is to be opened anew (service restart, IANA's registry)."""
LARGEST_MESSAGE = 64 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Authenticate = Callable[[Scope], Actor]
"""Says who opens a WebSocket, from its ASGI scope (cookie, Bearer header or `access_token`); raises Unauthenticated."""


class LiveFeed:
    """The live feed of one city as an ASGI application for WebSockets; `tenant` is the city's own."""

    def __init__(
        self,
        stream: Stream,
        policy: Policy,
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
        self._memory = FrameBuffer(
            settings.remembered, context, 0, most_bytes=settings.remembered_megabytes << 20
        )
        self._clients: set[LiveClient] = set()

    async def open(self) -> None:
        """Take the stream's newest change as the beginning."""
        self._memory.restart(await self._stream.last())

    async def run(self) -> None:
        """Follow the stream until cancelled; it may be started again after it failed."""
        self.follower.start_after(self._memory.last)
        async with contextlib.aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                if batch.missed:
                    self._restart(batch.last)
                else:
                    self._show(batch.frame)
                self.follower.done(batch.last)

    def _restart(self, position: int) -> None:
        self._memory.restart(position)
        for client in self._clients:
            client.resync(position)

    def notice(self, actor_id: str) -> None:
        """Hear that an actor's rights have ended or changed: whether it may still look is asked at once."""
        for client in self._clients:
            if client.actor.id == actor_id:
                client.doubted.set()

    @property
    def clients(self) -> int:
        """How many browsers look."""
        return len(self._clients)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one browser until it goes."""
        if scope["type"] != "websocket":
            await _ask_for_websocket(send)
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
        """Give the close code for who may not look (any more), 0 for who may."""
        try:
            actor = self._authenticate(scope)
            self._policy.check_could(actor, Action.READ, self._tenant)
        except Unauthenticated:
            return UNAUTHENTICATED
        except (Forbidden, Invalid):
            return FORBIDDEN
        return TOO_MANY if len(self._clients) > self._settings.clients else 0

    async def _serve(self, client: LiveClient, scope: Scope, receive: Receive, send: Send) -> int:
        """Talk until one side ends it; returns the close code, 0 when the browser has gone."""

        async def say(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        hello = self._memory.last
        await say(f'{{"type":"hello","cursor":{hello}}}')
        tasks = [
            asyncio.create_task(self._listen(client, hello, receive, say), name="live: listen"),
            asyncio.create_task(client.tell(say), name="live: tell"),
            asyncio.create_task(self._ping(client, scope, say), name="live: ping"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return _close_code(done)

    async def _listen(
        self, client: LiveClient, hello: int, receive: Receive, say: Callable[[str], Awaitable[None]]
    ) -> int:
        """Take filters until the browser goes."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return 0
            text = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
            try:
                wanted, after = self._read(text)
            except Invalid as error:
                await say(orjson.dumps({"type": "error", "detail": str(error)}).decode())
                continue
            if after is None and client.has_filter:
                client.change_filter(wanted)
            else:
                missed = await self._missed(hello if after is None else after)
                client.want(wanted, missed, self._memory.last)
            await say(f'{{"type":"subscribed","cursor":{self._memory.last}}}')

    async def _ping(self, client: LiveClient, scope: Scope, say: Callable[[str], Awaitable[None]]) -> int:
        """Show the browser that the line is alive, and look whether it may still be here; at once after `notice`."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.doubted.wait(), self._settings.ping_s)
            client.doubted.clear()
            refusal = self._refusal(scope)
            if refusal:
                return refusal
            if self._authenticate(scope) != client.actor:
                return COME_AGAIN
            async with asyncio.timeout(self._settings.send_timeout_s):
                await say('{"type":"ping"}')

    async def _missed(self, after: int) -> list[RenderedChange] | None:
        """Give the changes after `after`, None when they are too many or not held any more."""
        memory = self._memory
        if after > memory.last:
            return None
        if memory.last - after > self._settings.catch_up:
            return None
        found: list[RenderedChange] = []
        if after < memory.floor:
            try:
                async with asyncio.timeout(self._settings.send_timeout_s):
                    async for frame in self._stream.tail(after):
                        found += [each for each in memory.read(frame) if each.seq > after]
                        after = frame.last
                        if after >= memory.floor:
                            break
            except (Gone, Unavailable, TimeoutError):
                return None
        return found + memory.since(after)

    def _show(self, frame: Frame) -> None:
        memory = self._memory
        if frame.last <= memory.last:
            return
        memory.add(frame)
        if self._clients:
            pictures = memory.newest()
            for client in self._clients:
                client.offer(pictures, memory.last)

    def _read(self, text: str) -> tuple[LiveFilter, int | None]:
        """Read a `subscribe` message; raises Invalid."""
        if len(text) > LARGEST_MESSAGE:
            raise Invalid("the message is too long")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Invalid("the message is not JSON") from None
        if not isinstance(message, dict) or message.get("type") != "subscribe":
            raise Invalid('must be "subscribe"', field="type")
        after = message.get("after")
        if after is not None and (not isinstance(after, int) or isinstance(after, bool)):
            raise Invalid("must be a number", field="after")
        return LiveFilter(
            types=self._read_types(message, "types"),
            box=_read_box(message.get("bbox")),
            everywhere=self._read_types(message, "everywhere"),
            ids=frozenset(_read_texts(message, "ids")),
        ), after

    def _read_types(self, message: dict[str, Any], member: str) -> frozenset[str]:
        return frozenset(self._context.expand(each) for each in _read_texts(message, member))


def _read_texts(message: dict[str, Any], member: str) -> list[str]:
    texts = message.get(member) or []
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise Invalid("must be a list of strings", field=member)
    return texts


def _read_box(box: Any) -> Box | None:
    if box is None:
        return None
    numbers = isinstance(box, list) and len(box) == 4 and all(type(each) in (int, float) for each in box)
    if not numbers or box[1] > box[3]:
        raise Invalid("must be [west, south, east, north] in degrees", field="bbox")
    return (box[0], box[1], box[2], box[3])


def _close_code(done: set[asyncio.Task[Any]]) -> int:
    """Read how a talk ended; whoever has gone gets no close code any more."""
    for task in done:
        error = task.exception()
        if isinstance(error, TimeoutError):
            return TOO_SLOW
        if error is not None:
            log.warning("the line to a browser broke: %r", error, exc_info=error)
            return 0
    return next((task.result() for task in done if task.result()), 0)


async def _ask_for_websocket(send: Send) -> None:
    """Tell a plain HTTP request what is spoken here (RFC 9110, 15.5.22)."""
    problem = {"title": "Upgrade required", "status": 426, "detail": "the live feed is a WebSocket"}
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
    ]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(problem)})
