"""A short cut for followers in the process that writes the stream.

Committed frames are in memory already: a follower that has read up to the last frame gets the next one immediately,
instead of after a round trip to the server's disk. The changes and their order are the same, and a follower that
falls behind, or starts later, reads from the server.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from rhinecloud.stream.port import Frame

MOST_FRAMES = 4_096
MOST_BYTES = 8 << 20
"""The frames in memory; a follower that is further behind reads from the server."""
DECODED_FRAMES, DECODED_CHANGES = 16, 2_000
"""The newest frames that stay decoded. Followers have read older ones, whose thousands of objects would cost memory and
time of the garbage collector; freeing them while they are in the processor's cache takes half the time."""


class LocalFollowers:
    """The newest frames, and the followers that wait for the next one."""

    def __init__(self) -> None:
        self._recent: deque[Frame] = deque()
        self._bytes = 0
        self._decoded: deque[Frame] = deque()
        self._changes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._urgent: set[asyncio.Future[None]] = set()

    def offer(self, frame: Frame) -> None:
        """Pass a committed frame to the followers; skip one that was passed before."""
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

    def has_after(self, after: int) -> bool:
        """Return whether every frame after the change `after` is in memory."""
        return bool(self._recent) and self._recent[0].first <= after + 1 <= self._recent[-1].last + 1

    async def follow(self, after: int, *, urgent: bool = False) -> AsyncIterator[Frame]:
        """Yield the frames after the change `after` until they are not in memory; urgent followers are served first."""
        while self.has_after(after):
            for frame in self._newer(after):
                after = frame.last
                yield frame
            if self._recent and self._recent[-1].last <= after:
                await self._next(self._urgent if urgent else self._waiting)

    def _newer(self, after: int) -> list[Frame]:
        """Return the frames after a change, searched from the end, where nearly all followers are."""
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
