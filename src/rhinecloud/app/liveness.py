"""The liveness check, the same in each process of a city: leader, replica or reader."""

from __future__ import annotations

from rhinecloud.app.asgi import Send, reply

PATH = "/health/live"
JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


async def reply_alive(send: Send) -> None:
    """Send the response to a request for `PATH`."""
    await reply(send, 200, b'{"live":true}', JSON)
