"""Which published changes the store's log may forget: those that are old, and in a flood those that are too many.

The stream acknowledges before it flushes to disk, so the newest changes stay in the log in any case: after a loss of
power the relay repeats them from there. Nobody else reads the log; consumers read the stream.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

HELD_S = 30.0
"""After so long the stream has flushed what it acknowledged (`stream.sync_seconds` is a second), with much to spare."""


@dataclass(frozen=True, slots=True)
class _Mark:
    moment: float
    position: int
    size: int


class Published:
    """Marks of how far the relay was and when. `held_s` is the age from which size alone may forget."""

    def __init__(self, keep_s: float, keep_bytes: int, held_s: float = HELD_S) -> None:
        self._keep_s = keep_s
        self._keep_bytes = keep_bytes
        self._held_s = min(held_s, keep_s)
        self._marks: deque[_Mark] = deque()
        self._safe = 0

    def note(self, now: float, position: int, size: int) -> None:
        """Note where the relay is now: its position, and the bytes that it published in all."""
        self._marks.append(_Mark(now, position, size))

    def safe(self, now: float) -> int:
        """Give the newest change that may go."""
        newest = self._marks[-1].size if self._marks else 0
        while self._marks:
            mark = self._marks[0]
            age_s, younger = now - mark.moment, newest - mark.size
            if age_s < self._held_s or (age_s < self._keep_s and younger < self._keep_bytes):
                break
            self._safe = self._marks.popleft().position
        return self._safe
