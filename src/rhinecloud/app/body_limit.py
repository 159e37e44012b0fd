"""Limits the size of request bodies of the people's API before the framework buffers them."""

from __future__ import annotations

import orjson

from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, Problems
from rhinecloud.kernel.errors import TooLarge


class BodyLimit:
    """An application around another: rejects a body of more than `most_bytes` with 413, or disconnects."""

    def __init__(self, application: Application, most_bytes: int) -> None:
        self._application = application
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        announced = header(scope, b"content-length")
        if announced.isdigit() and int(announced) > self._most_bytes:
            document = Problems().of(TooLarge(f"the body must not have more than {self._most_bytes} bytes"))
            await reply(send, 413, orjson.dumps(document), [(b"content-type", MEDIA_TYPE.encode())])
            return
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if read <= self._most_bytes else {"type": "http.disconnect"}

        await self._application(scope, receive_some, send)
