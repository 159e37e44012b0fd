"""The present time as text, printed once a millisecond: a hundred notifications may be sent within one."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from rhinecloud.kernel.time import Clock, format_time


class Instant(NamedTuple):
    """A time as text; each that a clock prints has another `number`, also where the clock stands still."""

    text: str
    number: int


class CachedClock:
    """Prints the time of `clock` again whenever the loop's time has moved, which uvloop counts in milliseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tick = -1.0
        self._instant = Instant("", 0)

    def now(self) -> Instant:
        """Return the present time, at most a millisecond old."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        tick = self._loop.time()
        if tick != self._tick:
            self._tick = tick
            self._instant = Instant(format_time(self._clock()), self._instant.number + 1)
        return self._instant
