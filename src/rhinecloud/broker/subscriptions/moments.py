"""The present moment as it is printed, once a turn of the loop: a turn may send a hundred notifications."""

from __future__ import annotations

import asyncio

from rhinecloud.kernel.time import Clock, format_time


class Moments:
    """Prints what `clock` says; within a turn of a loop that keeps its time by turns, as uvloop does, only once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = -1.0
        self._printed = ""

    def now(self) -> str:
        """Give the present moment, at most a turn old."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        turn = self._loop.time()
        if turn != self._turn:
            self._turn, self._printed = turn, format_time(self._clock())
        return self._printed
