"""Counts what a feed ignores by reason, with the newest sample of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rhinecloud.kernel.time import format_time
from rhinecloud.pack.codec import Ignored

MOST_REASONS = 20
"""The most reasons that are told apart; what has a further one is counted together."""
OTHER_REASONS = "other reasons"
LONGEST_REASON = 200
LONGEST_SAMPLE = 300


@dataclass(frozen=True, slots=True)
class IgnoredReason:
    """How often something was ignored for one reason, the newest sample, and its moment (ISO 8601, UTC)."""

    reason: str
    count: int
    sample: str
    last_at: str


class IgnoredCounter:
    """The reasons of one feed since its start, with a bounded number of them."""

    def __init__(self) -> None:
        self._reasons: dict[str, tuple[int, str, datetime]] = {}

    def add(self, ignored: Ignored, at: datetime) -> None:
        """Count one message or part."""
        reason = ignored.reason[:LONGEST_REASON]
        if reason not in self._reasons and len(self._reasons) >= MOST_REASONS:
            reason = OTHER_REASONS
        count = self._reasons[reason][0] if reason in self._reasons else 0
        self._reasons[reason] = (count + 1, ignored.sample[:LONGEST_SAMPLE], at)

    def reasons(self) -> tuple[IgnoredReason, ...]:
        """Return the reasons, the most frequent first."""
        counted = sorted(self._reasons.items(), key=lambda each: (-each[1][0], each[0]))
        return tuple(
            IgnoredReason(reason, count, sample, format_time(at)) for reason, (count, sample, at) in counted
        )
