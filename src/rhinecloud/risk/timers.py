"""Deadlines at which the engine acts without a further reading, in a deterministic order."""

from __future__ import annotations

import heapq
from typing import NamedTuple

from rhinecloud.risk.state import RiskState


class Timer(NamedTuple):
    """A deadline of a watch (rule, entity), or with `expiry` of an alert (rule, fingerprint)."""

    due: float
    expiry: bool
    rule: str
    key: str


class Timers:
    """A heap of the state's deadlines. One that was moved or cleared stays in the heap and is skipped."""

    def __init__(self, state: RiskState) -> None:
        self._state = state
        self._heap: list[Timer] = []
        self.rebuild()

    def rebuild(self) -> None:
        """Build the heap from the state."""
        self._heap = [
            Timer(watch.due, False, rule, entity)
            for rule, watches in self._state.watches.items()
            for entity, watch in watches.items()
            if watch.due is not None
        ]
        self._heap += [
            Timer(alert.due, True, rule, fingerprint)
            for rule, alerts in self._state.alerts.items()
            for fingerprint, alert in alerts.items()
            if alert.due is not None
        ]
        heapq.heapify(self._heap)

    def set(self, timer: Timer) -> None:
        """Add a deadline that is set in the state."""
        heapq.heappush(self._heap, timer)
        if len(self._heap) > 1000 and len(self._heap) > 4 * self._live():
            self.rebuild()

    def pop_due(self, now: float) -> Timer | None:
        """Remove and return the next timer that is due by `now` and still set in the state, None for none."""
        while self._heap and self._heap[0].due <= now:
            timer = heapq.heappop(self._heap)
            if self._is_current(timer):
                return timer
        return None

    def _live(self) -> int:
        return sum(map(len, self._state.watches.values())) + sum(map(len, self._state.alerts.values()))

    def _is_current(self, timer: Timer) -> bool:
        if timer.expiry:
            alert = self._state.alerts.get(timer.rule, {}).get(timer.key)
            return alert is not None and alert.due == timer.due
        watch = self._state.watches.get(timer.rule, {}).get(timer.key)
        return watch is not None and watch.due == timer.due
