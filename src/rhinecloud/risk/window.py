"""Statistics of the recent past of one attribute, such as its change and rate."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

import msgspec

MOST_SAMPLES = 512
"""Samples kept for one window; beyond that, every other one of the older half is dropped."""


class WindowSamples(msgspec.Struct):
    """Times (seconds since 1970) and values of one attribute, in order of time."""

    points: list[tuple[float, float]] = msgspec.field(default_factory=list)

    def add(self, moment: float, value: float, span_s: float) -> None:
        """Insert a sample by its time, also a late one, and drop those older than the span."""
        index = bisect_left(self.points, (moment,))
        if index < len(self.points) and self.points[index][0] == moment:
            self.points[index] = (moment, value)
        else:
            insort(self.points, (moment, value))
        oldest = self.points[-1][0] - span_s
        del self.points[: bisect_left(self.points, (oldest,))]
        if len(self.points) > MOST_SAMPLES:
            del self.points[1 : MOST_SAMPLES // 2 : 2]

    def figures(self) -> dict[str, Any]:
        """Return count, min, max, mean, first, last and, from two samples on, change, span_s and rate_per_h."""
        values = [value for _, value in self.points]
        if not values:
            return {"count": 0.0}
        found = {
            "count": float(len(values)),
            "min": min(values),
            "max": max(values),
            "mean": sum(values) / len(values),
            "first": values[0],
            "last": values[-1],
        }
        span_s = self.points[-1][0] - self.points[0][0]
        if span_s > 0:
            change = values[-1] - values[0]
            found |= {"change": change, "span_s": span_s, "rate_per_h": change / span_s * 3600}
        return found


FIGURES = frozenset({"count", "min", "max", "mean", "first", "last", "change", "span_s", "rate_per_h"})
"""The valid names of `window.<name>`."""
