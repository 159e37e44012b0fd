"""For those who watch processes: `/health/live` while it runs, `/health/ready` when every part works."""

from __future__ import annotations

import orjson

from rhinecloud.app.asgi import Receive, Scope, Send, reply
from rhinecloud.app.status import Status

JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class Health:
    """The ASGI application; needs no sign-in and tells no more than the names of parts."""

    def __init__(self, status: Status) -> None:
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] == "/health/live":
            await reply(send, 200, b'{"live":true}', JSON)
        elif scope["path"] == "/health/ready":
            failing = sorted(self._status.troubles())
            body = orjson.dumps({"ready": not failing, "failing": failing})
            await reply(send, 503 if failing else 200, body, JSON)
        else:
            await reply(send, 404, b"", JSON)
