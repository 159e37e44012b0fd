"""Carries the stream into the history, many changes in one transaction.

The history itself remembers how far it came, in the same transaction as the samples; so nothing is lost and nothing
is there twice, whatever ends this process, and each frame does not cost a wait for the disk of its own. What a change
adds to the past is made ready the moment it is heard: a thousand changes later its objects would have to be fetched
from memory again, and freed there.
"""

from __future__ import annotations

import asyncio
import logging

from rhinecloud.history.port import History
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.port import ConsumerCounters, Frame, Gone, Stream

GATHER_S = 0.05
"""Frames are gathered for so long before they are written, and again and again as long as more come."""
MOST_GATHERINGS, ENOUGH_CHANGES = 5, 1_000
"""Each wait for the disk costs as much as some hundred changes; the past is a quarter of a second behind at most."""
MOST_CHANGES, MOST_BYTES = 10_000, 16 << 20
"""So much is taken and not written; the rest waits in the stream."""
SLICE = 200
"""Changes that are made ready in one turn of the loop."""
RETRY_S = 1.0

logger = logging.getLogger(__name__)


class Recorder:
    """Runs until cancelled; `counters` tell how far it is, `lost` how many changes were gone before it heard them."""

    def __init__(self, history: History, stream: Stream) -> None:
        self.counters = ConsumerCounters()
        self.lost = 0
        self._history = history
        self._stream = stream
        self._taken = 0
        """The newest change that was taken."""
        self._frames = 0
        self._waiting = 0
        """Frames and changes that were taken and not written."""
        self._waiting_bytes = 0
        self._came = asyncio.Event()
        self._went = asyncio.Event()

    async def run(self) -> None:
        """Follow the stream from where the history ends."""
        self.counters.position = self._taken = await self._history.position()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(self._taken))
            tasks.create_task(self._write())

    async def _follow(self, after: int) -> None:
        while True:
            try:
                async for frame in self._stream.tail(after):
                    await self._take(frame)
                    after = frame.last
            except Gone:
                after = await self._skip(after)
            except Unavailable as error:
                self.counters.error = str(error)
                await asyncio.sleep(RETRY_S)

    async def _take(self, frame: Frame) -> None:
        while self._waiting >= MOST_CHANGES or self._waiting_bytes >= MOST_BYTES:
            self._went.clear()
            await self._went.wait()
        changes = frame.changes()
        for start in range(0, len(changes), SLICE):
            if start:
                await asyncio.sleep(0)
            self._history.take(changes[start : start + SLICE])
        self._taken = frame.last
        self._frames += 1
        self._waiting += len(changes)
        self._waiting_bytes += frame.size
        self._came.set()

    async def _skip(self, after: int) -> int:
        """Go on with the oldest change that the stream still holds; give the one before it."""
        oldest = await self._stream.first()
        missed = max(0, oldest - after - 1)
        self.lost += missed
        logger.error("%d changes after %d were gone before the history heard them", missed, after)
        return max(after, oldest - 1)

    async def _write(self) -> None:
        while True:
            await self._came.wait()
            await self._gather()
            await self._keep()

    async def _gather(self) -> None:
        for _ in range(MOST_GATHERINGS):
            before = self._waiting
            await asyncio.sleep(GATHER_S)
            if self._waiting == before or self._waiting >= ENOUGH_CHANGES:
                break

    async def _keep(self) -> None:
        self._came.clear()
        taken, frames, self._frames, self._waiting = self._taken, self._frames, 0, 0
        self._waiting_bytes = 0
        while True:
            try:
                await self._history.keep()
            except Unavailable as error:
                self.counters.failures += 1
                self.counters.error = str(error)
                await asyncio.sleep(RETRY_S)
            else:
                self.counters.frames += frames
                self.counters.position = taken
                self.counters.error = ""
                self._went.set()
                return
