"""The words of the connectors: why a link broke, and the state of a feed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rhinecloud.kernel.errors import Unavailable


class LinkBroken(Unavailable):
    """The other end went away or never answered; `retry_after_s` is the pause that it asked for, else 0."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class FeedState(StrEnum):
    """How a feed is, in one word."""

    CONNECTING = "connecting"
    """It was started and nothing has come yet."""
    WAITING = "waiting"
    """It is not started yet: what it needs is not there."""
    LIVE = "live"
    """Messages come."""
    SILENT = "silent"
    """The link stands and nothing has come for the set time."""
    FAILING = "failing"
    """The link is broken, nothing that comes can be read, or the broker does not take it."""
    ENDED = "ended"
    """Its recording has been played to the end."""
    STOPPED = "stopped"
    """It was stopped, or is switched off."""


@dataclass(slots=True)
class FeedCounters:
    """What passed through a feed since it was started.

    `received` counts messages that were read, `dead` what became a dead letter, `accepted` entities that were written
    and differed, `unchanged` entities that were written and did not, `ignored` messages that mean nothing to the
    mapping, `dropped` datagrams that found the queue full.
    """

    received_bytes: int = 0
    received: int = 0
    accepted: int = 0
    unchanged: int = 0
    ignored: int = 0
    dead: int = 0
    dropped: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """A feed as operators see it: its counters, the messages a second of the last minute, and how many parcels wait.

    `last_at` is the moment of the last message (ISO 8601, UTC, or ''), `error` what is wrong now, `last_error` what was
    wrong last.
    """

    name: str
    connector: str
    state: FeedState
    simulated: bool
    received_bytes: int
    received: int
    accepted: int
    unchanged: int
    ignored: int
    dead: int
    dropped: int
    reconnects: int
    rate_per_s: float
    waiting: int
    last_at: str
    error: str
    last_error: str
