"""Timeouts of requests: one timer for all, because one timer per request would cost more than reading the answer.

Nearly all answers come in time, so adding and removing must be cheap; a timeout may be a twentieth of a second late.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

TICK_S = 0.05


class DeadlineListener(Protocol):
    """Something with a deadline."""

    def time_out(self) -> None:
        """React: the deadline has passed."""
        ...


class Deadlines:
    """Listeners by the length of their timeout: among those of equal length, the first added is the first due."""

    def __init__(self) -> None:
        self._waiting: dict[float, dict[DeadlineListener, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, listener: DeadlineListener, timeout_s: float) -> None:
        """Call `listener.time_out` after `timeout_s`, unless it is removed before."""
        if self._timer is None:
            self._loop = asyncio.get_running_loop()
            self._timer = self._loop.call_later(TICK_S, self._tick)
        assert self._loop is not None
        waiting = self._waiting.get(timeout_s)
        if waiting is None:
            waiting = self._waiting[timeout_s] = {}
        waiting[listener] = self._loop.time() + timeout_s

    def remove(self, listener: DeadlineListener, timeout_s: float) -> None:
        """Remove a listener that was added with this timeout; one that is not there is ignored."""
        waiting = self._waiting.get(timeout_s)
        if waiting is not None:
            waiting.pop(listener, None)

    def close(self) -> None:
        """Remove all listeners."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.clear()

    def _tick(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        due: list[DeadlineListener] = []
        for waiting in self._waiting.values():
            for listener, deadline in waiting.items():
                if deadline > now:
                    break
                due.append(listener)
        self._waiting = {timeout_s: waiting for timeout_s, waiting in self._waiting.items() if waiting}
        self._timer = self._loop.call_later(TICK_S, self._tick) if self._waiting else None
        for listener in due:
            listener.time_out()
