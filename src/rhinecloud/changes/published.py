"""Which published changes may be deleted from the store's log: old ones, and under load those that are too many.

The stream acknowledges before it flushes to disk, so the newest changes always stay in the log: after a loss of power
the relay publishes them again. Consumers read the stream and not the log.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

HELD_S = 30.0
"""The stream has flushed what it acknowledged well before this time (`stream.sync_seconds` is one second)."""


@dataclass(frozen=True, slots=True)
class _Mark:
    time: float
    position: int
    size: int


class Published:
    """Marks of the relay's position over time. Changes younger than `held_s` stay, whatever their size."""

    def __init__(self, keep_s: float, keep_bytes: int, held_s: float = HELD_S) -> None:
        self._keep_s = keep_s
        self._keep_bytes = keep_bytes
        self._held_s = min(held_s, keep_s)
        self._marks: deque[_Mark] = deque()
        self._safe = 0

    def note(self, now: float, position: int, size: int) -> None:
        """Note the relay's position, and the bytes that it has published in all."""
        self._marks.append(_Mark(now, position, size))

    def safe(self, now: float) -> int:
        """Return the newest change that may be deleted."""
        newest = self._marks[-1].size if self._marks else 0
        while self._marks:
            mark = self._marks[0]
            age_s, younger = now - mark.time, newest - mark.size
            if age_s < self._held_s or (age_s < self._keep_s and younger < self._keep_bytes):
                break
            self._safe = self._marks.popleft().position
        return self._safe
