"""The city's front: one ASGI application that sends each request to its door by the beginning of its path.

It also keeps strangers' web pages out: a browser sends a person's cookie along with any request to the city, so a
request that changes something, or opens a WebSocket, must come from the city's own pages or carry a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from rhinecloud.app.asgi import Application, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, problem_of
from rhinecloud.kernel.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Doors:
    """Doors by path prefix, the first that fits; what fits none goes to the last."""

    def __init__(
        self, doors: Sequence[tuple[str, Application]], rest: Application, own_origins: Sequence[str] = ()
    ) -> None:
        self._doors = tuple(doors)
        self._rest = rest
        self._own = frozenset(origin.rstrip("/") for origin in own_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        kind = scope["type"]
        if kind == "websocket" or (kind == "http" and scope["method"] not in SAFE):
            if not self._is_own(scope):
                await _refuse(scope, send)
                return
        elif kind != "http":
            return
        path = scope["path"]
        for prefix, door in self._doors:
            if path.startswith(prefix):
                await door(scope, receive, send)
                return
        if kind == "websocket":
            await send({"type": "websocket.close", "code": 4404})
            return
        await self._rest(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        origin = header(scope, b"origin").decode("latin-1")
        if not origin or "*" in self._own or origin in self._own or header(scope, b"authorization"):
            return True
        return urlsplit(origin).netloc == header(scope, b"host").decode("latin-1")


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403})
        return
    document = problem_of(Forbidden("this request comes from another site's page"))
    await reply(send, 403, orjson.dumps(document), [(b"content-type", MEDIA_TYPE.encode())])
