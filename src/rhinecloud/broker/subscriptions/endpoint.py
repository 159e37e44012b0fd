"""The contract of a way to receivers: HTTP and MQTT are its two engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from rhinecloud.broker.subscriptions.model import Subscription

Send = Callable[[bytes], asyncio.Future[None]]
"""Begins at once to carry one notification's JSON to its receiver.

The future is done when it was taken, and fails with NotDelivered; cancelled, it leaves nothing under way.
"""


class NotDelivered(Exception):
    """No good answer came: `refused` when the receiver heard it and said no, so that a repeat may be in vain."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Endpoint(Protocol):
    """A protocol by which notifications travel."""

    def way_to(self, subscription: Subscription, link: str) -> Send:
        """Make the way to a receiver; `link` is the Link header's value that names the @context, or ''."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
