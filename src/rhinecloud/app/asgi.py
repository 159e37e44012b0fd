"""The types of ASGI, and two functions that plain ASGI applications share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


def header(scope: Scope, name: bytes) -> bytes:
    """Return the first header with a (lower-case) name, b'' where there is none."""
    for each, value in scope["headers"]:
        if each == name:
            return bytes(value)
    return b""


async def reply(
    send: Send, status: int, body: bytes, headers: Headers = (), *, length: int | None = None
) -> None:
    """Send a whole response; `length` is its length where the body is left out (HEAD)."""
    sized = [*headers, (b"content-length", b"%d" % (len(body) if length is None else length))]
    await send({"type": "http.response.start", "status": status, "headers": sized})
    await send({"type": "http.response.body", "body": body})
