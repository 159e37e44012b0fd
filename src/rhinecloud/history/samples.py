"""What a change adds to the past: pure, so that the same change always gives the same samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import parse_time
from rhinecloud.ngsild.change import Change, Kind
from rhinecloud.ngsild.entity import Instance

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One sample of one series as the table keeps it: moments in microseconds since 1970, `value` as JSON."""

    attribute: str
    dataset_id: str
    observed: int
    recorded: int
    value: str | None
    unit_code: str


def rows_of(change: Change) -> Iterator[Row]:
    """Give a row for each attribute instance that the change brought, and an empty one for each that it took away."""
    recorded = microseconds(change.at)
    gone = change.kind is Kind.DELETED
    names = change.entity.attrs.keys() if gone else change.changed
    for name in names:
        now = [] if gone else change.entity.attrs.get(name, [])
        before = change.entity.attrs[name] if gone else change.previous.get(name, [])
        for instance in now:
            if instance not in before:
                yield _row(name, instance, recorded)
        kept = {instance.dataset_id for instance in now}
        for instance in before:
            if instance.dataset_id not in kept:
                yield Row(name, instance.dataset_id, recorded, recorded, None, "")


def _row(name: str, instance: Instance, recorded: int) -> Row:
    value = msgspec.json.encode(instance.value).decode()
    observed = microseconds(instance.observed_at) if instance.observed_at else recorded
    return Row(name, instance.dataset_id, observed, recorded, value, instance.unit_code)


@lru_cache(1_024)  # the attributes of a reading share their moment
def microseconds(text: str) -> int:
    """Turn an ISO 8601 moment into microseconds since 1970; raises Invalid."""
    return (parse_time(text) - EPOCH) // MICROSECOND


def moment(count: int) -> datetime:
    """Turn microseconds since 1970 into an aware moment; raises Invalid beyond the calendar."""
    try:
        return EPOCH + count * MICROSECOND
    except OverflowError:
        raise Invalid(f"{count} µs lies beyond the calendar") from None
