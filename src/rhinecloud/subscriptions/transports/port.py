"""The contract of a way to receivers: HTTP and MQTT are its two engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rhinecloud.subscriptions.model.subscription import Subscription


class NotDelivered(Exception):
    """No good answer came: `refused` when the receiver heard it and said no, so that a repeat may be in vain."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


Hear = Callable[[NotDelivered | None], None]
"""Takes the outcome of a notification, once, in a later turn of the loop: None when it was taken."""


class PreparedNotification(Protocol):
    """A notification on its way."""

    def cancel(self) -> None:
        """Leave nothing under way; nothing more is heard of it."""
        ...


Send = Callable[[bytes, Hear], PreparedNotification]
"""Begins at once to carry one notification's JSON to its receiver, and says what became of it.

A callback and no future, because a future and its turns on the loop cost as much as the rest of a notification.
"""


class Transport(Protocol):
    """A protocol by which notifications travel."""

    def way_to(self, subscription: Subscription, link: str) -> Send:
        """Make the way to a receiver; `link` is the Link header's value that names the @context, or ''."""
        ...

    def flush(self) -> None:
        """Send off at once what would leave at the end of this turn of the loop."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
