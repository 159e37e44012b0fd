"""The present moment as it is printed, once a millisecond: in one, a hundred notifications may leave."""

from __future__ import annotations

import asyncio

from rhinecloud.kernel.time import Clock, format_time


class CachedClock:
    """Prints what `clock` says, anew whenever the loop's own time goes on, which uvloop counts in milliseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tick = -1.0
        self._printed = ""

    def now(self) -> str:
        """Give the present moment, at most a millisecond old; within one it is the very same text."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        tick = self._loop.time()
        if tick != self._tick:
            self._tick, self._printed = tick, format_time(self._clock())
        return self._printed
