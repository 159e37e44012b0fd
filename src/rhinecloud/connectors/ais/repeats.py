"""Finds what several stations heard of one transmission, so that it counts once."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

LONGEST_DELAY = timedelta(seconds=10)
"""How much later another station may report the same. A ship repeats itself with another second, or minutes later."""
MOST_REMEMBERED = 8192


class RepeatFilter:
    """The payloads of the last seconds, and the names of the stations that reported each."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[bytes, int], tuple[datetime, set[str]]] = OrderedDict()

    def is_repeat(self, payload: bytes, fill_bits: int, station: str, received: datetime) -> bool:
        """Return whether another station has reported the same transmission; what one repeats is news of its sender.

        What stations without a name report counts each time.
        """
        if not station:
            return False
        key = (payload, fill_bits)
        since, stations = self._seen.pop(key, (received, {station}))
        repeats = abs(received - since) <= LONGEST_DELAY and station not in stations
        if repeats:
            stations.add(station)
        self._seen[key] = (since, stations) if repeats else (received, {station})
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return repeats
