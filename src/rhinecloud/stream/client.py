"""The NATS client with requests that end with their task and with the connection.

The library waits with `asyncio.wait_for`, which up to Python 3.11 loses a cancellation that comes at the same moment
as the response: the task then never ends, and the city does not stop. And a request whose connection breaks would
wait for its whole timeout for a response that cannot come.
"""

from __future__ import annotations

import asyncio
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg


class StreamClient(Client):
    """A client whose requests end when their connection does."""

    def __init__(self) -> None:
        super().__init__()
        self._deadlines: set[asyncio.Timeout] = set()

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float | None = 0.5,  # noqa: ASYNC109 - the library's own signature
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """Send a request and return the response. Raise TimeoutError."""
        async with asyncio.timeout(timeout) as deadline:
            self._deadlines.add(deadline)
            try:
                return await super().request(subject, payload, None, old_style, headers)  # type: ignore[arg-type]
            finally:
                self._deadlines.discard(deadline)

    def cancel_requests(self) -> None:
        """End the pending requests, because their connection is gone."""
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            deadline.reschedule(now)
