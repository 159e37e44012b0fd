"""That a process runs: the same words from each process of a city, whether it leads, follows or only reads."""

from __future__ import annotations

from rhinecloud.app.asgi import Send, reply

PATH = "/health/live"
JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


async def say_alive(send: Send) -> None:
    """Answer a question for `PATH`."""
    await reply(send, 200, b'{"live":true}', JSON)
