"""A receiver of notifications for tests: a real HTTP server that keeps what it receives and answers as it is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Receiver:
    """What came, as (path, headers, body), when, and from which `peers`; `hang` paths are never answered."""

    url: str = ""
    received: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    status: int = 200
    hang: set[str] = field(default_factory=set)
    answer_body: str = ""
    peers: set[Any] = field(default_factory=set)
    moments: list[float] = field(default_factory=list)
    on_notification: Callable[[dict[str, str], Any], object] = lambda headers, body: None

    def bodies(self, path: str = "/") -> list[Any]:
        return [body for received, _, body in self.received if received == path]

    def values(self, name: str, path: str = "/") -> list[Any]:
        """Return a simplified attribute of each notified entity, in order."""
        return [entity[name] for body in self.bodies(path) for entity in body["data"]]

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.005)

    async def answer(self, request: web.Request) -> web.Response:
        self.moments.append(asyncio.get_running_loop().time())
        self.received.append((request.path, dict(request.headers), await request.json()))
        self.on_notification(*self.received[-1][1:])
        if request.path in self.hang:
            await asyncio.sleep(3600)
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        return web.Response(status=self.status, text=self.answer_body)


@asynccontextmanager
async def open_receiver(port: int = 0) -> AsyncIterator[Receiver]:
    """Open a receiver on loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
