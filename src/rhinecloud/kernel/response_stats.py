"""Counts responses and their durations at little cost: durations are buffered and sorted into a histogram in batches.

A buffer is sorted when it is full, or when the counts are read.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the histogram's classes, in seconds; one more class holds what took longer."""

BUFFER_SIZE = 4_096
"""Durations in a buffer before it is sorted, which takes a third of a millisecond."""

_BOUNDS = np.array(BOUNDS)


class ResponseStats:
    """Counts and durations by outcome, such as an HTTP status."""

    __slots__ = ("_buffers", "_classes", "_sums")

    def __init__(self) -> None:
        self._buffers: defaultdict[int, list[float]] = defaultdict(list)
        self._classes: dict[int, list[int]] = {}
        self._sums: dict[int, float] = {}

    def add(self, outcome: int, took_s: float) -> None:
        """Count one response."""
        buffer = self._buffers[outcome]
        buffer.append(took_s)
        if len(buffer) >= BUFFER_SIZE:
            self._sort()

    def counts(self) -> dict[int, int]:
        """Return the number of responses of each outcome."""
        self._sort()
        return {outcome: sum(classes) for outcome, classes in self._classes.items()}

    def classes(self) -> list[int]:
        """Return the number of responses in each class of durations, over all outcomes."""
        self._sort()
        return [sum(column) for column in zip(*self._classes.values(), strict=True)] or [0] * (
            len(BOUNDS) + 1
        )

    def total_s(self) -> float:
        """Return the sum of all durations in seconds."""
        self._sort()
        return sum(self._sums.values())

    def _sort(self) -> None:
        for outcome, buffer in self._buffers.items():
            places = np.searchsorted(_BOUNDS, buffer)
            found = np.bincount(places, minlength=len(BOUNDS) + 1).tolist()
            known = self._classes.get(outcome, [0] * len(found))
            self._classes[outcome] = [old + new for old, new in zip(known, found, strict=True)]
            self._sums[outcome] = self._sums.get(outcome, 0.0) + sum(buffer)
            buffer.clear()
