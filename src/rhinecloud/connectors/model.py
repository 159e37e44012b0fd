"""The model of the connectors: the error of a broken link, and the state of a feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rhinecloud.connectors.ignored import IgnoredCounter, IgnoredReason
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.pack.codec import Ignored


class LinkBroken(Unavailable):
    """The connection broke or could not be made; `retry_after_s` is the pause that the server requested, else 0."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class FeedState(StrEnum):
    """The state of a feed."""

    CONNECTING = "connecting"
    """Started; nothing was received yet."""
    WAITING = "waiting"
    """Not started yet, because what it needs is not available."""
    LIVE = "live"
    """Messages are received and used."""
    DEGRADED = "degraded"
    """Messages are received, and everything in them is ignored."""
    SILENT = "silent"
    """Connected, but nothing was received for the set time."""
    FAILING = "failing"
    """The link is broken, nothing can be decoded, or the broker rejects writes."""
    ENDED = "ended"
    """The recording was played to its end."""
    STOPPED = "stopped"
    """Stopped, or switched off."""


@dataclass(slots=True)
class FeedCounters:
    """The counters of a feed since its start.

    `received` counts decoded messages, `dead` new dead letters, `accepted` entities that changed, `unchanged` entities
    that did not, `ignored` messages and parts of messages that are left out on purpose (`ignored_by_reason` tells why),
    `late` entities of which all that was received is older than what is in place (it goes to history alone),
    `dropped` datagrams while the queue was full, `outside` reports of entities outside of the feed's area that are kept
    (`outside_sample` is the newest).
    """

    received_bytes: int = 0
    received: int = 0
    accepted: int = 0
    unchanged: int = 0
    ignored: int = 0
    dead: int = 0
    dropped: int = 0
    reconnects: int = 0
    late: int = 0
    outside: int = 0
    outside_sample: str = ""
    ignored_by_reason: IgnoredCounter = field(default_factory=IgnoredCounter)

    def keep_outside(self, places: Sequence[str]) -> None:
        """Count entities outside of the feed's area that are kept."""
        if places:
            self.outside += len(places)
            self.outside_sample = places[-1]

    def ignore(self, ignored: Sequence[Ignored], at: datetime) -> None:
        """Count what was ignored."""
        self.ignored += len(ignored)
        for each in ignored:
            self.ignored_by_reason.add(each, at)


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The status of a feed: its counters, the messages a second over the last minute, and the waiting parcels.

    `last_at` is the time of the last message (ISO 8601, UTC, or ''), `error` the present error, `last_error` the last.
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
    late: int = 0
    outside: int = 0
    outside_sample: str = ""
    ignored_by_reason: tuple[IgnoredReason, ...] = ()
    silent_after_s: float = 0.0
