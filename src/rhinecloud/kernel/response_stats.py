"""Counting how often something happened and how long it took, for next to nothing: durations are put on a pile.

A pile is sorted into classes when it is high, or when somebody asks for figures, all of it at once.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the classes of durations, in seconds; one more class holds what took longer."""

HIGH = 4_096
"""Durations on a pile before it is sorted: a third of a millisecond's work."""

_BOUNDS = np.array(BOUNDS)


class ResponseStats:
    """Counts by outcome, such as an HTTP status."""

    __slots__ = ("_classes", "_piles", "_sums")

    def __init__(self) -> None:
        self._piles: defaultdict[int, list[float]] = defaultdict(list)
        self._classes: dict[int, list[int]] = {}
        self._sums: dict[int, float] = {}

    def add(self, outcome: int, took_s: float) -> None:
        """Count one."""
        pile = self._piles[outcome]
        pile.append(took_s)
        if len(pile) >= HIGH:
            self._sort()

    def counts(self) -> dict[int, int]:
        """Tell how many there were of each outcome."""
        self._sort()
        return {outcome: sum(classes) for outcome, classes in self._classes.items()}

    def classes(self) -> list[int]:
        """Tell how many there were in each class of durations, whatever the outcome."""
        self._sort()
        return [sum(column) for column in zip(*self._classes.values(), strict=True)] or [0] * (
            len(BOUNDS) + 1
        )

    def total_s(self) -> float:
        """Add up all durations."""
        self._sort()
        return sum(self._sums.values())

    def _sort(self) -> None:
        for outcome, pile in self._piles.items():
            places = np.searchsorted(_BOUNDS, pile)
            found = np.bincount(places, minlength=len(BOUNDS) + 1).tolist()
            known = self._classes.get(outcome, [0] * len(found))
            self._classes[outcome] = [old + new for old, new in zip(known, found, strict=True)]
            self._sums[outcome] = self._sums.get(outcome, 0.0) + sum(pile)
            pile.clear()
