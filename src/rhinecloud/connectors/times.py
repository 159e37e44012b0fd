"""Finds the time of a recorded document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rhinecloud.kernel.moments import find_moment

USUAL_TIME_MEMBERS = frozenset({"time", "timestamp", "observedAt", "dateObserved"})


def find_latest_moment(document: Any, members: frozenset[str]) -> datetime | None:
    """Return the latest time under one of `members`, at any depth of a JSON document."""
    latest: datetime | None = None
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            found = [moment for name in members & value.keys() if (moment := find_moment(value[name]))]
            latest = max([*found, *([latest] if latest else [])], default=None)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return latest
