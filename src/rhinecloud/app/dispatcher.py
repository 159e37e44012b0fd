"""Sends each request to an application by the prefix of its path, and rejects cross-site requests.

A browser sends a person's cookie with any request to the city, so a request that changes something, or opens a
WebSocket, must come from the city's own pages or carry a token.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, Problems
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Forbidden, RhineCloudError, Unavailable

REMEMBERED = 1_000
"""Host header fields for which the answer is kept."""
LONGEST = 270
"""Bytes of a Host header field for which the answer is kept: a host name has 253 characters at most."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SERVICE_RESTART = 1012
"""The WebSocket close code of a server that restarts (IANA's registry)."""


class Dispatcher:
    """Applications by path prefix, of which the first that matches is used; `fallback` gets all other requests."""

    def __init__(
        self,
        applications: Sequence[tuple[str, Application]],
        fallback: Application,
        own_origins: Sequence[str] = (),
        *,
        literal_hosts_only: bool = False,
    ) -> None:
        """Pages of `own_origins`, `*` for all, may send requests. `literal_hosts_only` is for a city with open access:
        the Host must be an IP address, `localhost` or one of its own origins, against DNS rebinding."""
        self._applications = tuple(applications)
        self._fallback = fallback
        self._own = frozenset(origin.rstrip("/") for origin in own_origins)
        self._literal_hosts_only = literal_hosts_only
        self._hosts = BoundedCache(self._may_answer_as, most=REMEMBERED, longest=LONGEST)
        self._active = 0
        self._idle = asyncio.Event()
        self._closing = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket."""
        kind = scope["type"]
        if kind == "websocket":
            receive = self._until_closing(receive, send)
        elif kind != "http":
            return
        if (kind == "websocket" or scope["method"] not in SAFE) and not self._is_own(scope):
            await _reject(scope, send, Forbidden("the request must come from the city's own pages"))
            return
        if self._literal_hosts_only and not self._is_own_host(scope):
            await _reject(
                scope, send, Forbidden("while access is open, the host must be the city's own address")
            )
            return
        if self._closing.is_set():
            await _reject(scope, send, Unavailable("the city is stopping"))
            return
        self._active += 1
        try:
            await self._find(scope)(scope, receive, send)
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()

    async def close(self, timeout_s: float) -> bool:
        """Reject new requests, close WebSockets, and wait for the present requests; return whether all ended."""
        self._closing.set()
        self._idle.clear()
        if not self._active:
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _find(self, scope: Scope) -> Application:
        path = scope["path"]
        for prefix, application in self._applications:
            if path.startswith(prefix):
                return application
        return self._fallback if scope["type"] == "http" else _no_websocket

    def _until_closing(self, receive: Receive, send: Send) -> Receive:
        """Return a `receive` that ends a WebSocket, as if the browser had disconnected, when the city stops."""

        async def receive_or_close() -> Message:
            reading = asyncio.ensure_future(receive())
            closing = asyncio.ensure_future(self._closing.wait())
            try:
                await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                closing.cancel()
                if not reading.done():
                    reading.cancel()
            if reading.done() and not reading.cancelled():
                return reading.result()
            await send({"type": "websocket.close", "code": SERVICE_RESTART})
            return {"type": "websocket.disconnect", "code": SERVICE_RESTART}

        return receive_or_close

    def _is_own(self, scope: Scope) -> bool:
        origin = header(scope, b"origin").decode("latin-1")
        if not origin or "*" in self._own or origin in self._own or header(scope, b"authorization"):
            return True
        return _netloc(origin) == header(scope, b"host").decode("latin-1")

    def _is_own_host(self, scope: Scope) -> bool:
        return self._hosts[header(scope, b"host")]

    def _may_answer_as(self, field: bytes) -> bool:
        host = _hostname(f"//{field.decode('latin-1')}")
        if host == "localhost" or host in {urlsplit(origin).hostname for origin in self._own}:
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:  # brackets without an address
        return ""


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _no_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 4404})


async def _reject(scope: Scope, send: Send, error: RhineCloudError) -> None:
    document = Problems().of(error)
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000 + document["status"]})
        return
    await reply(send, document["status"], orjson.dumps(document), [(b"content-type", MEDIA_TYPE.encode())])
