"""A city that notes when each change passes the stations between its commit and its notification.

Run like `python -m rhinecloud`; the environment's BENCH_STAGES names the file to which, at its end, it writes the
medians of the times between the stations, in microseconds, as JSON. The city itself measures nothing of this.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rhinecloud.changes.relay import Relay
from rhinecloud.cli.program import run
from rhinecloud.store.sqlite.writer import SqliteWriter
from rhinecloud.subscriptions.clock import Instant
from rhinecloud.subscriptions.delivery.queue import DeliveryQueue
from rhinecloud.subscriptions.notifier import Notifier

STAGES = ("answered and handed over", "its turn", "matched and rendered", "composed and sent")

_clock = time.perf_counter
_moments: dict[int, list[float]] = defaultdict(list)


def _record(numbers: Iterable[int]) -> None:
    now = _clock()
    for each in numbers:
        _moments[each].append(now)


def _before(owner: type, name: str, numbers: Callable[[Any], Iterable[int]]) -> None:
    """Record the time before a method for the changes of its first argument, whose `numbers` are read."""
    method = getattr(owner, name)

    def traced(self: Any, first: Any, *rest: Any) -> Any:
        _record(numbers(first))
        return method(self, first, *rest)

    setattr(owner, name, traced)


def _trace() -> None:
    _before(SqliteWriter, "_notify", lambda commit: [each.seq for each in commit.changes])
    _before(Relay, "_hand_over", lambda commit: [each.seq for each in commit.changes])
    _before(Notifier, "_queue_change", lambda change: [change.seq])
    _before(DeliveryQueue, "put", lambda item: [item.seq])
    attempt = DeliveryQueue._try_to_send

    def traced(self: DeliveryQueue, now: Instant) -> bool:
        is_sent = attempt(self, now)
        _record(item.seq for item in self._current)
        return is_sent

    setattr(DeliveryQueue, "_try_to_send", traced)  # noqa: B010 - a method cannot be assigned to


def _report() -> dict[str, float]:
    whole = [each for each in _moments.values() if len(each) == len(STAGES) + 1]
    if not whole:
        return {}
    return {
        name: statistics.median(each[at + 1] - each[at] for each in whole) * 1e6
        for at, name in enumerate(STAGES)
    }


if __name__ == "__main__":
    _trace()
    try:
        run(sys.argv[1:])
    finally:
        Path(os.environ["BENCH_STAGES"]).write_text(json.dumps(_report()), encoding="utf-8")
