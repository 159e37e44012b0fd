"""What a change adds to the past: pure, so that the same change always gives the same samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import parse_time
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Instance

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Label = int | str
"""What stands for an attribute's IRI in the table: its number, or itself."""

Said = tuple[Label, Any] | tuple[Label, Any, str, str]
"""One sample: attribute and value, and where there is one of them datasetId and unitCode; None as value: it is gone."""

Row = tuple[str, str, int, int, int, bytes]
"""All that one change says of one moment: tenant, entity, observed, change, recorded, and the samples as JSON.

Moments are microseconds since 1970. Most attributes of a reading were true at the same moment: they share a row.
"""

_encode = msgspec.json.Encoder().encode


def rows_of(change: Change, label: Callable[[str], Label]) -> list[Row]:
    """Give a sample for each attribute instance that the change brought, an empty one for each that it took away."""
    recorded = microseconds(change.at)
    entity, previous = change.entity, change.previous
    moments: dict[int, list[Said]] = {}
    if change.kind is ChangeKind.DELETED:
        moments[recorded] = [
            _gone(label(name), instance) for name, instances in entity.attrs.items() for instance in instances
        ]
    else:
        attrs = entity.attrs
        for name in change.changed:
            now, before = attrs.get(name, ()), previous.get(name, ())
            for instance in now:
                if before and not _is_new(instance, before):
                    continue
                at = instance.observed_at
                observed = microseconds(at) if at else recorded
                if instance.unit_code or instance.dataset_id:
                    said: Said = (label(name), instance.value, instance.dataset_id, instance.unit_code)
                else:
                    said = (label(name), instance.value)
                if observed in moments:
                    moments[observed].append(said)
                else:
                    moments[observed] = [said]
            if before and not (len(before) == len(now) == 1 and before[0].dataset_id == now[0].dataset_id):
                kept = {instance.dataset_id for instance in now}
                gone = [_gone(label(name), each) for each in before if each.dataset_id not in kept]
                if gone:
                    moments.setdefault(recorded, []).extend(gone)
    return [
        (change.tenant, entity.id, observed, change.seq, recorded, _encode(said))
        for observed, said in moments.items()
        if said
    ]


def _is_new(instance: Instance, before: Sequence[Instance]) -> bool:
    if len(before) == 1 and instance.modified_at != before[0].modified_at:
        return True  # nearly always, and told sooner than by comparing all
    return instance not in before


def _gone(label: Label, instance: Instance) -> Said:
    return (label, None, instance.dataset_id, "") if instance.dataset_id else (label, None)


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
