"""Calls an ASGI application in this process, as a server would, for commands where the city is not running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from rhinecloud.app.asgi import Application, Message


class ApiResponse:
    """A response whose status has arrived and whose body is read in chunks."""

    def __init__(self, status: int, messages: asyncio.Queue[Message | None]) -> None:
        self.status = status
        self._messages = messages

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body in chunks."""
        while (message := await self._messages.get()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return


@asynccontextmanager
async def call(
    application: Application, method: str, target: str, body: bytes, tenant: str = ""
) -> AsyncIterator[ApiResponse]:
    """Send a request and yield its response; leaving the block cancels the application's work on it.

    Raise ConnectionError where the application sends no response.
    """
    messages: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=8)
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def work() -> None:
        try:
            await application(_scope(method, target, body, tenant), receive, messages.put)
        finally:
            await messages.put(None)

    task = asyncio.create_task(work())
    try:
        start = await messages.get()
        if start is None:
            await task
            raise ConnectionError("the application sent no response")
        yield ApiResponse(start["status"], messages)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _scope(method: str, target: str, body: bytes, tenant: str) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"offline"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *([(b"ngsild-tenant", tenant.encode())] if tenant else []),
        ],
        "client": None,
        "server": ("offline", 80),
    }
