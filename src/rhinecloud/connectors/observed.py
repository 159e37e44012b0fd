"""Refuses what a feed says of the future, and of times that no reading has, whatever its mapping is written in.

Only `observedAt` is bounded: warnings and timetables rightly name times to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from rhinecloud.kernel.moments import FIRST_MOMENT
from rhinecloud.kernel.time import format_time
from rhinecloud.pack.mapping import EntityFragment, Rejected

OBSERVED_AT = "observedAt"
_SECONDS = len("2026-03-01T12:00:00")
_FIRST = format_time(FIRST_MOMENT)[:_SECONDS]


def refuse_times(
    fragment: EntityFragment, received: datetime, skew_s: float
) -> tuple[EntityFragment | None, list[Rejected]]:
    """Return a fragment without the attributes whose `observedAt` cannot be, and those with the reasons.

    None instead of the fragment where it has no other attribute with a time: the rest of it says nothing new.
    """
    latest = format_time(received + timedelta(seconds=skew_s))[:_SECONDS]
    refused = [(name, at) for name, at in _times(fragment) if not _FIRST <= at[:_SECONDS] <= latest]
    if not refused:
        return fragment, []
    wrong = {name for name, _ in refused}
    rejected = [
        Rejected(f"{fragment.get('id')}.{name}.{OBSERVED_AT}", _reason(at, received, skew_s))
        for name, at in refused
    ]
    kept = {name: value for name, value in fragment.items() if name not in wrong}
    return (kept if any(True for _ in _times(kept)) else None), rejected


def newest_time(fragments: Iterable[EntityFragment]) -> str:
    """Return the newest `observedAt` of some fragments, '' where there is none."""
    return max((at for fragment in fragments for _, at in _times(fragment)), default="")


def _times(fragment: EntityFragment) -> Iterator[tuple[str, str]]:
    """Yield the name of each attribute, or instance of one, that has a time, with the time."""
    for name, value in fragment.items():
        for instance in value if isinstance(value, list) else (value,):
            at = _time_of(instance)
            if at:
                yield name, at


def _time_of(instance: Any) -> str:
    at = instance.get(OBSERVED_AT) if isinstance(instance, dict) else None
    return at if isinstance(at, str) else ""


def _reason(at: str, received: datetime, skew_s: float) -> str:
    if at[:_SECONDS] < _FIRST:
        return f"must be a time from {FIRST_MOMENT.year} on, not {at}"
    return f"must not be in the future: {at} is more than {skew_s:g} s after {format_time(received)}, its receipt"
