"""Finds the time of a recorded document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

USUAL_TIME_MEMBERS = frozenset({"time", "timestamp", "observedAt", "dateObserved"})

EARLIEST_S = 0
LATEST_S = 4_102_444_800
"""2100."""


def read_moment(value: Any) -> datetime | None:
    """Return the time of ISO 8601 text with a zone, of POSIX seconds or milliseconds; None for anything else."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value > LATEST_S else value
        if EARLIEST_S < seconds <= LATEST_S:
            return datetime.fromtimestamp(seconds, UTC)
    return None


def find_moment(document: Any, members: frozenset[str]) -> datetime | None:
    """Return the latest time under one of `members`, at any depth of a JSON document."""
    latest: datetime | None = None
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            found = [moment for name in members & value.keys() if (moment := read_moment(value[name]))]
            latest = max([*found, *([latest] if latest else [])], default=None)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return latest
