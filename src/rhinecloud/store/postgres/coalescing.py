"""Shares a round trip among callers with the same query: it serves all that called before it began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class CoalescedQueries(Generic[T]):
    """Queries by key: one of each runs at a time, and callers that arrive meanwhile share the next one."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, asyncio.Task[T]] = {}
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, which began after this call."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = asyncio.create_task(self._run(key, work))
            waiting.add_done_callback(_retrieve_error)
        return await asyncio.shield(waiting)

    async def _run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        before = self._running.get(key)
        if before is not None:
            await asyncio.wait([before])
        task = self._waiting.pop(key)
        self._running[key] = task
        try:
            return await work()
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _retrieve_error(task: asyncio.Task[Any]) -> None:
    """Retrieve the error of a task without callers, which asyncio would log."""
    if not task.cancelled():
        task.exception()
