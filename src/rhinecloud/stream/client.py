"""The NATS client with requests that can be cancelled.

The library waits with `asyncio.wait_for`, which up to Python 3.11 loses a cancellation that comes at the same moment
as the answer: the task then goes on for ever, and the city does not stop.
"""

from __future__ import annotations

import asyncio
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg


class StreamClient(Client):
    """A client whose requests end with their task."""

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float | None = 0.5,  # noqa: ASYNC109 - the library's own signature
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """Ask and wait for the answer; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await super().request(subject, payload, None, old_style, headers)  # type: ignore[arg-type]
