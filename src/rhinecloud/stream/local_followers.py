"""A short cut for those who follow the stream in the very process that writes it.

What is committed is at hand already: whoever follows from where the last frame ended hears the next one at once,
instead of after the way to the server's disk and back. It is no other road: the changes are the same, in the same
order, and who falls behind or comes later reads them from the server.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from rhinecloud.stream.port import Frame

MOST_FRAMES = 4_096
MOST_BYTES = 8 << 20
"""So much is at hand; a follower that is further behind goes back to the server."""
DECODED_FRAMES, DECODED_CHANGES = 16, 2_000
"""So many of the newest stay decoded: those who follow are done with them by then, and objects by the thousand would
burden memory and the garbage collector. What goes while the processor has it at hand goes in half the time."""


class LocalFollowers:
    """The newest frames, and those who wait for the next one."""

    def __init__(self) -> None:
        self._recent: deque[Frame] = deque()
        self._bytes = 0
        self._decoded: deque[Frame] = deque()
        self._changes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._urgent: set[asyncio.Future[None]] = set()

    def offer(self, frame: Frame) -> None:
        """Hand out a frame that is committed; one that was handed out before is passed over."""
        if self._recent and frame.last <= self._recent[-1].last:
            return
        if self._recent and frame.first > self._recent[-1].last + 1:
            self._recent.clear()
            self._bytes = 0
        self._keep(frame)
        waiting = [*self._urgent, *self._waiting]
        self._urgent, self._waiting = set(), set()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def reach(self, after: int) -> bool:
        """Tell whether everything after the change `after` is at hand here."""
        return bool(self._recent) and self._recent[0].first <= after + 1 <= self._recent[-1].last + 1

    async def follow(self, after: int, *, urgent: bool = False) -> AsyncIterator[Frame]:
        """Give the frames after the change `after` as they come, until they are out of reach; the urgent go first."""
        while self.reach(after):
            for frame in self._newer(after):
                after = frame.last
                yield frame
            if self._recent and self._recent[-1].last <= after:
                await self._next(self._urgent if urgent else self._waiting)

    def _newer(self, after: int) -> list[Frame]:
        """Look from the newest frame backwards, because nearly all followers stand near the end."""
        found = []
        for frame in reversed(self._recent):
            if frame.last <= after:
                break
            found.append(frame)
        found.reverse()
        return found

    def _keep(self, frame: Frame) -> None:
        self._recent.append(frame)
        self._bytes += frame.size
        self._decoded.append(frame)
        self._changes += frame.last - frame.first + 1
        while len(self._decoded) > 1 and (
            len(self._decoded) > DECODED_FRAMES or self._changes > DECODED_CHANGES
        ):
            old = self._decoded.popleft()
            self._changes -= old.last - old.first + 1
            old.forget()
        while len(self._recent) > MOST_FRAMES or (self._bytes > MOST_BYTES and len(self._recent) > 1):
            self._bytes -= self._recent.popleft().size

    async def _next(self, waiting: set[asyncio.Future[None]]) -> None:
        coming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.add(coming)
        try:
            await coming
        finally:
            waiting.discard(coming)
