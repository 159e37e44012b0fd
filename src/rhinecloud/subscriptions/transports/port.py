"""The contract of transports: how a notification reaches its receiver. HTTP and MQTT are the two engines.

`tests/ports/test_transports.py` is the suite that every engine passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rhinecloud.subscriptions.model import Subscription


class NotDelivered(Exception):
    """No good answer came; `refused` when the receiver read the notification and rejected it."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


OnResult = Callable[[NotDelivered | None], None]
"""Receives the result of an attempt, once, in a later turn of the loop: None when the receiver took it."""


class Attempt(Protocol):
    """A notification that is being sent."""

    def cancel(self) -> None:
        """Stop; `on_result` is not called any more."""
        ...


Send = Callable[[bytes, OnResult], Attempt]
"""Starts to send one notification's JSON and reports the result.

A callback and not a future, because a future and its turns of the loop cost as much as the rest of a notification.
"""


class Transport(Protocol):
    """A protocol by which notifications travel."""

    def sender_for(self, subscription: Subscription, link: str) -> Send:
        """Return the function that sends to a subscription's receiver.

        `link` is the value of the Link header that names the @context, or ''.
        """
        ...

    def flush(self) -> None:
        """Write at once what would be written at the end of this turn of the loop."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
