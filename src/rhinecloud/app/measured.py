"""Middleware that gives each request its id, counts each response, and logs it where the settings say so.

The broker does the same itself, because it knows the operation and must be fast.
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
"""Combinations of method and route that are counted separately."""

_log = logging.getLogger("rhinecloud.access")


class MeasuredApplication:
    """An application around another; `name` is the route of requests without one, and the prefix of all others."""

    def __init__(self, application: Application, name: str, *, log: bool = False) -> None:
        self._application = application
        self._name = name
        self._log = log
        self._ids = RequestIds()
        self._stats: dict[tuple[str, str], ResponseStats] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; a WebSocket gets an id, too, but is not counted."""
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
            self._stats_of(scope).add(status, took_s)
            if self._log:
                log_response(scope, status, took_s, size)

    def stats(self) -> Iterable[tuple[str, str, ResponseStats]]:
        """Return method, route and counts."""
        return [(method, route, stats) for (method, route), stats in self._stats.items()]

    def _stats_of(self, scope: Scope) -> ResponseStats:
        """Return the counts of a request's route, which is the framework's, so that ids in paths are not counted."""
        key = (scope["method"], route_of(scope, self._name))
        if key not in self._stats and len(self._stats) >= MOST:
            key = ("OTHER", self._name)
        return self._stats.setdefault(key, ResponseStats())


def route_of(scope: Mapping[str, Any], prefix: str) -> str:
    """Return the route that the framework found, with the prefix; the prefix alone where it found none."""
    path: str = getattr(scope.get("route"), "path", "")
    return path if path.startswith(prefix) else prefix + path


def log_response(scope: Mapping[str, Any], status: int, took_s: float, size: int) -> None:
    """Log one response."""
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
