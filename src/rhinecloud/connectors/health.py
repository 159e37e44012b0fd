"""The state of a feed from its last events, by a monotonic clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from rhinecloud.connectors.model import FeedState
from rhinecloud.kernel.time import Clock, format_time, parse_time

Monotonic = Callable[[], float]
"""Seconds on a clock that never jumps, such as `time.monotonic`."""

WINDOW_S = 60


class Rate:
    """Messages a second over the last minute, in buckets of one second."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._buckets: deque[tuple[int, int]] = deque()

    def add(self, count: int) -> None:
        """Count messages that were received now."""
        second = int(self._monotonic())
        if self._buckets and self._buckets[-1][0] == second:
            count += self._buckets.pop()[1]
        self._buckets.append((second, count))
        self._forget(second)

    def per_second(self) -> float:
        """Return the rate; in the first minute, over the time since the start."""
        now = self._monotonic()
        self._forget(int(now))
        span = min(float(WINDOW_S), max(now - self._began, 1.0))
        return sum(count for _, count in self._buckets) / span

    def _forget(self, second: int) -> None:
        while self._buckets and self._buckets[0][0] <= second - WINDOW_S:
            self._buckets.popleft()


class FeedHealth:
    """Records contacts and errors of one feed, and returns its state."""

    def __init__(
        self,
        silent_after_s: float,
        clock: Clock,
        monotonic: Monotonic,
        *,
        polled: bool = False,
        frozen_after_s: float = math.inf,
    ) -> None:
        """With `polled` each answer is the source's whole state: one without use is enough to say so. A source that has
        had nothing new for `frozen_after_s`, though it answers, counts as silent."""
        self._silent_after_s = silent_after_s
        self._patience_s = 0.0 if polled else silent_after_s
        self._frozen_after_s = frozen_after_s
        self._clock = clock
        self._monotonic = monotonic
        self._news_at: float | None = None
        self._newest_at = ""
        self._connected_at: float | None = None
        self._contact_at: float | None = None
        self._used_at: float | None = None
        self._useless: tuple[FeedState, str] | None = None
        """Why nothing that came since the last use could be used."""
        self._last_message: datetime | None = None
        self._rest: FeedState | None = None
        self._waits_for = ""
        self.link_error = ""
        self.broker_error = ""
        self.last_error = ""

    def works(self) -> None:
        """Record that it was started."""
        self._rest, self._waits_for = None, ""

    def stops(self) -> None:
        """Record that it was stopped or is switched off, unless it has ended."""
        if self._rest is not FeedState.ENDED:
            self._rest, self._waits_for = FeedState.STOPPED, ""

    def ends(self) -> None:
        """Record that its source has ended."""
        self._rest = FeedState.ENDED

    def waits(self, reason: str) -> None:
        """Record why it is not started yet."""
        self._rest, self._waits_for = FeedState.WAITING, reason

    def connected(self) -> None:
        """Record that the link is connected."""
        self._connected_at = self._monotonic()
        self.link_error = ""

    def contact(self) -> None:
        """Record that the source answered, also with nothing new."""
        self._contact_at = self._monotonic()
        self.link_error = ""

    def message(self) -> None:
        """Record that messages were decoded."""
        self.contact()
        self._last_message = self._clock()

    def used(self) -> None:
        """Record that something of what was received is in the city."""
        self._used_at = self._monotonic()
        self._useless = None
        if self._news_at is None:
            self._news_at = self._used_at

    def news(self, newest_at: str) -> None:
        """Record that something in the city changed; `newest_at` is the newest `observedAt` of it, or ''."""
        self._news_at = self._monotonic()
        self._newest_at = max(self._newest_at, newest_at)

    def empty(self) -> None:
        """Record a whole answer that says nothing and has no fault, such as an empty list."""
        self.contact()
        if not self._patience_s:
            self._useless = None

    def unusable(self, reason: str) -> None:
        """Record that something was received and could not be processed."""
        self._contact_at = self._monotonic()
        self._useless = (FeedState.FAILING, f"nothing that is received can be processed: {reason}")
        self.last_error = reason

    def ignored(self, reason: str) -> None:
        """Record that something was received and left out on purpose."""
        if self._useless is None or self._useless[0] is not FeedState.FAILING:
            self._useless = (FeedState.DEGRADED, f"everything that is received is ignored: {reason}")

    def link_broke(self, reason: str) -> None:
        """Record that the link broke or could not be connected."""
        self.link_error = self.last_error = reason
        self._connected_at = None

    def broker_refused(self, reason: str) -> None:
        """Record that the broker or the store rejects writes; '' when it accepts them again."""
        self.broker_error = reason
        self.last_error = reason or self.last_error

    def contact_since(self, moment: float) -> bool:
        """Return whether anything was received since a moment of the monotonic clock."""
        return self._contact_at is not None and self._contact_at >= moment

    @property
    def last_at(self) -> str:
        """Return the time of the last message, ISO 8601 in UTC, or ''."""
        return format_time(self._last_message) if self._last_message else ""

    def state(self) -> tuple[FeedState, str]:
        """Return the state and the present error, or ''."""
        if self._rest is not None:
            return self._rest, self._waits_for or self._ended_useless()
        if self.broker_error or self.link_error:
            return FeedState.FAILING, self.broker_error or self.link_error
        since = self._contact_at if self._contact_at is not None else self._connected_at
        if since is not None and self._long_ago(since):
            return FeedState.SILENT, f"nothing was received for more than {self._silent_after_s:g} s"
        if self._contact_at is None:
            return FeedState.CONNECTING, ""
        if self._useless is not None and not self._was_used_lately():
            return self._useless
        frozen = self._frozen()
        return (FeedState.SILENT, frozen) if frozen else (FeedState.LIVE, "")

    def _frozen(self) -> str:
        """Return why a source that answers counts as silent: nothing new, or nothing but old readings; else ''."""
        if self._news_at is not None and self._monotonic() - self._news_at > self._frozen_after_s:
            return f"the source answers, and has had nothing new for more than {self._frozen_after_s:g} s"
        if self._newest_at and math.isfinite(self._frozen_after_s):
            oldest = self._clock() - timedelta(seconds=self._frozen_after_s)
            if parse_time(self._newest_at) < oldest:
                return f"the source answers, and its newest reading is of {self._newest_at}"
        return ""

    def _ended_useless(self) -> str:
        """Return the reason where a source has ended and nothing of it could be used, else ''."""
        ended = self._rest is FeedState.ENDED and self._used_at is None and self._useless is not None
        return self._useless[1] if ended and self._useless else ""

    def _was_used_lately(self) -> bool:
        return self._used_at is not None and self._monotonic() - self._used_at < self._patience_s

    def _long_ago(self, moment: float) -> bool:
        return self._monotonic() - moment > self._silent_after_s
