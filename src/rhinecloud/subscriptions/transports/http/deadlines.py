"""Until when each answer is waited for: one timer for all, because one each would cost more than reading the answer.

Nearly all answers come in time, so that to note and to forget one must be cheap; a deadline may be some hundredths of a
second late.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

TICK_S = 0.05


class DeadlinePassed(Protocol):
    """Somebody who waits no longer than until a deadline."""

    def late(self) -> None:
        """Learn that the time is over."""
        ...


class Deadlines:
    """Those who wait, by how long they do: of each kind the first to come is the first whose time is over."""

    def __init__(self) -> None:
        self._waiting: dict[float, dict[DeadlinePassed, float]] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, who: DeadlinePassed, timeout_s: float) -> None:
        """Call `who.late` after so long, unless it is removed before."""
        if self._ticking is None:
            self._loop = asyncio.get_running_loop()
            self._ticking = self._loop.call_later(TICK_S, self._tick)
        assert self._loop is not None
        waiting = self._waiting.get(timeout_s)
        if waiting is None:
            waiting = self._waiting[timeout_s] = {}
        waiting[who] = self._loop.time() + timeout_s

    def remove(self, who: DeadlinePassed, timeout_s: float) -> None:
        """Forget somebody, who may be forgotten already; `timeout_s` is what was said before."""
        waiting = self._waiting.get(timeout_s)
        if waiting is not None:
            waiting.pop(who, None)

    def close(self) -> None:
        """Call nobody any more."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        self._waiting.clear()

    def _tick(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        over: list[DeadlinePassed] = []
        for waiting in self._waiting.values():
            for who, until in waiting.items():
                if until > now:
                    break
                over.append(who)
        self._waiting = {timeout_s: waiting for timeout_s, waiting in self._waiting.items() if waiting}
        self._ticking = self._loop.call_later(TICK_S, self._tick) if self._waiting else None
        for who in over:
            who.late()
