"""Watches a door: each request gets its id, each answer is counted and, where the settings say so, told to the log.

The broker's door does the same for itself, as it knows more and is in a hurry.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any

from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send
from rhinecloud.kernel.request_id import CLIENT, FIELD, RequestIds, client_of
from rhinecloud.kernel.response_stats import ResponseStats

MOST = 1_000
"""Combinations of method and route that are counted apart."""

_log = logging.getLogger("rhinecloud.access")


class MeasuredApplication:
    """An ASGI application around another; `name` is the route of what has none of its own, and begins all others."""

    def __init__(self, application: Application, name: str, *, log: bool = False) -> None:
        self._application = application
        self._name = name
        self._log = log
        self._ids = RequestIds()
        self._tallies: dict[tuple[str, str], ResponseStats] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a WebSocket gets an id, too, and is not counted."""
        request_id = self._ids.begin(dict(scope["headers"]))
        CLIENT.set(client_of(scope))
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started = perf_counter()
        status, size = 500, 0

        async def send_marked(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (FIELD, request_id)]}
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._application(scope, receive, send_marked)
        finally:
            took_s = perf_counter() - started
            self._tally(scope).add(status, took_s)
            if self._log:
                tell(scope, status, took_s, size)

    def tallies(self) -> Iterable[tuple[str, str, ResponseStats]]:
        """Give method, route and what was counted."""
        return [(method, route, tally) for (method, route), tally in self._tallies.items()]

    def _tally(self, scope: Scope) -> ResponseStats:
        """Find the tally of a request by the route that the framework found, so that ids in paths are not counted."""
        key = (scope["method"], route_of(scope, self._name))
        if key not in self._tallies and len(self._tallies) >= MOST:
            key = ("OTHER", self._name)
        return self._tallies.setdefault(key, ResponseStats())


def route_of(scope: Mapping[str, Any], prefix: str) -> str:
    """Give the route that the framework found, which may know it without the prefix; the prefix where it found none."""
    path: str = getattr(scope.get("route"), "path", "")
    return path if path.startswith(prefix) else prefix + path


def tell(scope: Mapping[str, Any], status: int, took_s: float, size: int) -> None:
    """Write one line about one answer into the log."""
    facts = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "took_ms": round(took_s * 1e3, 3),
        "bytes": size,
        "client": (scope.get("client") or ("", 0))[0],
    }
    _log.info(
        "%(method)s %(path)s %(status)d %(took_ms).3f ms %(bytes)d bytes %(client)s",
        facts,
        extra={"facts": facts},
    )
