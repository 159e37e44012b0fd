"""Memory reserved for the body of one request: shared byte budgets, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class ByteSemaphore:
    """A budget of bytes that callers acquire and release, first come, first served."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def is_full(self, wanted: int) -> bool:
        """Return whether a caller that acquires `wanted` bytes would have to wait."""
        return self.has_waiters or min(wanted, self._size) > self._left

    @property
    def has_waiters(self) -> bool:
        """Return whether any caller waits."""
        return bool(self._waiting)

    async def acquire(self, wanted: int) -> int:
        """Wait for `wanted` bytes, at most for the whole budget; return how many to release."""
        taken = min(wanted, self._size)
        if not self.is_full(wanted):
            self._left -= taken
            return taken
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((taken, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self.release(taken if not turn.cancelled() else 0)
            raise
        return taken

    def release(self, taken: int) -> None:
        """Return bytes to the budget and wake the waiting callers that now fit."""
        self._left += taken
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.cancelled():
                if wanted > self._left:
                    return
                self._left -= wanted
                turn.set_result(None)
            self._waiting.popleft()


class AdmittedRequest:
    """The memory that one request holds, from the first byte of its body until its response is sent."""

    def __init__(self, bodies: ByteSemaphore, work: ByteSemaphore, size: int) -> None:
        """Hold nothing yet; `bodies` bounds bodies in memory, `work` those that are processed."""
        self._bodies = bodies
        self._work_budget = work
        self._size = size
        self._body = self._work = 0

    async def enter(self) -> None:
        """Wait until the body may be read."""
        self._body = await self._bodies.acquire(self._size)

    async def resume(self) -> None:
        """Wait until the body may be processed."""
        self._work = await self._work_budget.acquire(self._size)

    def pause(self) -> None:
        """Let other requests be processed while this one waits for something else."""
        taken, self._work = self._work, 0
        self._work_budget.release(taken)

    def release(self) -> None:
        """Release everything that this request holds."""
        self.pause()
        taken, self._body = self._body, 0
        self._bodies.release(taken)
