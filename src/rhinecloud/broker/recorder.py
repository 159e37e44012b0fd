"""Carries the stream into the history, many changes in one transaction.

The history itself remembers how far it came, in the same transaction as the samples; so nothing is lost and nothing
is there twice, whatever ends this process, and each frame does not cost a wait for the disk of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from rhinecloud.history.port import History
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.port import ConsumerCounters, Frame, Gone, Stream

GATHER_S = 0.05
"""Frames are gathered for so long before they are written, and again and again as long as more come."""
MOST_GATHERINGS, ENOUGH_CHANGES = 5, 1_000
"""Each wait for the disk costs as much as some hundred changes; the past is a quarter of a second behind at most."""
FRAMES_AT_HAND = 64
RETRY_S = 1.0

logger = logging.getLogger(__name__)


class Recorder:
    """Runs until cancelled; `counters` tell how far it is, `lost` how many changes were gone before it heard them."""

    def __init__(self, history: History, stream: Stream) -> None:
        self.counters = ConsumerCounters()
        self.lost = 0
        self._history = history
        self._stream = stream
        self._frames: asyncio.Queue[Frame] = asyncio.Queue(FRAMES_AT_HAND)

    async def run(self) -> None:
        """Follow the stream from where the history ends."""
        self.counters.position = await self._history.position()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(self.counters.position))
            tasks.create_task(self._write())

    async def _follow(self, after: int) -> None:
        while True:
            try:
                async for frame in self._stream.tail(after):
                    after = frame.last
                    await self._frames.put(frame)
            except Gone:
                after = await self._skip(after)
            except Unavailable as error:
                self.counters.error = str(error)
                await asyncio.sleep(RETRY_S)

    async def _skip(self, after: int) -> int:
        """Go on with the oldest change that the stream still holds; give the one before it."""
        oldest = await self._stream.first()
        missed = max(0, oldest - after - 1)
        self.lost += missed
        logger.error("%d changes after %d were gone before the history heard them", missed, after)
        return max(after, oldest - 1)

    async def _write(self) -> None:
        while True:
            await self._append(await self._gather())

    async def _gather(self) -> list[Frame]:
        frames = [await self._frames.get()]
        for _ in range(MOST_GATHERINGS):
            before = len(frames)
            await asyncio.sleep(GATHER_S)
            while not self._frames.empty():
                frames.append(self._frames.get_nowait())
            if len(frames) == before or frames[-1].last - frames[0].first >= ENOUGH_CHANGES:
                break
        return frames

    async def _append(self, frames: Sequence[Frame]) -> None:
        changes = [change for frame in frames for change in frame.changes()]
        while True:
            try:
                await self._history.append(changes)
            except Unavailable as error:
                self.counters.failures += 1
                self.counters.error = str(error)
                await asyncio.sleep(RETRY_S)
            else:
                self.counters.frames += len(frames)
                self.counters.position = frames[-1].last
                self.counters.error = ""
                return
