"""Many vessels under way at once: what a busy river, a bus fleet and a thousand trams together would send."""

from __future__ import annotations

import math
import threading
import time
from types import TracebackType

from journeys.town import Town

BATCH = 250


class Fleet:
    """Sails `count` vessels and reports `rate` of their places a second, from a thread of its own, until it is left."""

    def __init__(self, town: Town, count: int, rate: float) -> None:
        self._town = town
        self._count = count
        self._rate = rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sail, daemon=True)
        self.reported = 0

    def __enter__(self) -> Fleet:
        for first in range(0, self._count, BATCH):
            self._report(range(first, min(self._count, first + BATCH)))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(30)

    def _sail(self) -> None:
        began, sent, each = time.monotonic(), 0, round(self._rate / 10)
        while not self._stopped.wait(max(0.0, began + sent / self._rate - time.monotonic())):
            self._report([(sent + i) % self._count for i in range(each)])
            sent += each

    def _report(self, numbers: range | list[int]) -> None:
        self._town.upsert([vessel(number, time.monotonic()) for number in numbers])
        self.reported += len(numbers)


def vessel(number: int, moment: float) -> dict[str, object]:
    """Return a vessel as it is at a moment in seconds: each circles around a place of its own in and about the city."""
    angle, distance = number * 2.399963, 0.1 * math.sqrt(number / 5_000)
    course = moment / 20 + number
    place = [
        round(6.745 + distance * math.cos(angle) + 0.004 * math.sin(course), 6),
        round(51.447 + 0.6 * distance * math.sin(angle) + 0.0025 * math.cos(course), 6),
    ]
    return {
        "id": f"urn:ngsi-ld:Vessel:mmsi:{211_000_000 + number}",
        "type": "Vessel",
        "name": f"MS {number}",
        "location": {"type": "Point", "coordinates": place},
        "heading": {"value": round(math.degrees(course + math.pi / 2) % 360, 1), "unitCode": "DD"},
    }
