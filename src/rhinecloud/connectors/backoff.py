"""Pauses between attempts: they double up to a limit, with jitter, so that many clients do not reconnect together."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """`random` returns numbers from 0 to below 1."""

    def __init__(self, first_s: float, longest_s: float, random: Callable[[], float]) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._random = random
        self._tries = 0

    def reset(self) -> None:
        """Start again with the shortest pause, after a success."""
        self._tries = 0

    def next(self, at_least_s: float = 0.0) -> float:
        """Return the next pause in seconds: 50 to 100 per cent of the doubled one, and at least `at_least_s`."""
        pause_s = min(self._longest_s, self._first_s * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return max(pause_s * (0.5 + 0.5 * self._random()), at_least_s)
