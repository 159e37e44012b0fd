"""The samples of a change: a pure function, so that the same change always gives the same samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import parse_time
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Instance

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Label = int | str
"""An attribute's IRI in the table: its number, or itself."""

SampleValue = tuple[Label, Any] | tuple[Label, Any, str, str]
"""One sample: attribute and value, and datasetId and unitCode if there is one; the value None: it was deleted."""

Row = tuple[str, str, int, int, int, bytes]
"""All samples of one change with one time: tenant, entity, observed, change, recorded, and the samples as JSON.

Times are microseconds since 1970. Most attributes of a reading have the same time and share a row.
"""

_encode = msgspec.json.Encoder().encode


def rows_of(change: Change, label: Callable[[str], Label]) -> list[Row]:
    """Return a sample for each attribute instance that the change set or that came late, an empty one for each that
    it deleted.
    """
    recorded = microseconds(change.at)
    entity, previous = change.entity, change.previous
    by_time: dict[int, list[SampleValue]] = {}
    if change.kind is ChangeKind.DELETED:
        by_time[recorded] = [
            _deleted(label(name), instance)
            for name, instances in entity.attrs.items()
            for instance in instances
        ]
    else:
        attrs = entity.attrs
        for name in change.changed:
            now, before = attrs.get(name, ()), previous.get(name, ())
            for instance in now:
                if before and not _is_new(instance, before):
                    continue
                _add(by_time, label(name), instance, recorded)
            if before and not (len(before) == len(now) == 1 and before[0].dataset_id == now[0].dataset_id):
                kept = {instance.dataset_id for instance in now}
                deleted = [_deleted(label(name), each) for each in before if each.dataset_id not in kept]
                if deleted:
                    by_time.setdefault(recorded, []).extend(deleted)
        for name, instances in change.late.items():
            for instance in instances:
                _add(by_time, label(name), instance, recorded)
    return [
        (change.tenant, entity.id, observed, change.seq, recorded, _encode(sample))
        for observed, sample in by_time.items()
        if sample
    ]


def _add(by_time: dict[int, list[SampleValue]], label: Label, instance: Instance, recorded: int) -> None:
    at = instance.observed_at
    observed = microseconds(at) if at else recorded
    sample: SampleValue
    if instance.unit_code or instance.dataset_id:
        sample = (label, instance.value, instance.dataset_id, instance.unit_code)
    else:
        sample = (label, instance.value)
    if observed in by_time:
        by_time[observed].append(sample)
    else:
        by_time[observed] = [sample]


def _is_new(instance: Instance, before: Sequence[Instance]) -> bool:
    if len(before) == 1 and instance.modified_at != before[0].modified_at:
        return True  # the usual case, and quicker than comparing all
    return instance not in before


def _deleted(label: Label, instance: Instance) -> SampleValue:
    return (label, None, instance.dataset_id, "") if instance.dataset_id else (label, None)


def _microseconds(text: str) -> int:
    return (parse_time(text) - EPOCH) // MICROSECOND


microseconds = BoundedCache(
    _microseconds, longest=64
).__getitem__  # the attributes of a reading share their time
"""Return the microseconds since 1970 of an ISO 8601 time. Raise Invalid."""


def time_of(count: int) -> datetime:
    """Return the time of microseconds since 1970. Raise Invalid beyond the calendar."""
    try:
        return EPOCH + count * MICROSECOND
    except OverflowError:
        raise Invalid(f"{count} µs must lie within the calendar") from None
