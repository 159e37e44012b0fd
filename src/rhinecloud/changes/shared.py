"""Work on changes that is shared out among processes: each frame is handled by one of those who follow under a name.

JetStream keeps the position of such a group of consumers: frames come one after the other, and one whose process died
is given to another. Order holds, so two processes are no faster than one; but when one ends, the other goes on.
"""

from __future__ import annotations

import asyncio
import logging

from rhinecloud.changes.batch import EVERYTHING, Batch, FollowerCounters, Selection
from rhinecloud.changes.follower import HandleBatch
from rhinecloud.stream.port import Frame, Stream

_log = logging.getLogger(__name__)


class SharedFollower:
    """One member of the group of consumers called `name`; its first member begins with the oldest change held.

    `counters` count what this process did. `handle` must be idempotent: a frame may be handled again.
    """

    def __init__(self, name: str, stream: Stream, *, select: Selection = EVERYTHING) -> None:
        self.name = name
        self.counters = FollowerCounters()
        self._stream = stream
        self._select = select
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._consuming: asyncio.Task[None] | None = None

    @property
    def is_paused(self) -> bool:
        """Return whether the follower waits for `resume`."""
        return not self._resumed.is_set()

    def pause(self) -> None:
        """Leave the work to the other members until `resume`; a frame in hand is given back."""
        self._resumed.clear()
        if self._consuming is not None:
            self._consuming.cancel()

    def resume(self) -> None:
        """Take part again after `pause`."""
        self._resumed.set()

    def lag(self, newest: int) -> int:
        """Return how far the last change that was done here lies behind `newest`; 0 before there was one."""
        return max(0, newest - self.counters.position) if self.counters.position else 0

    async def run(self, handle: HandleBatch) -> None:
        """Call `handle` for each frame that falls to this process, until cancelled. One that fails is given out again,
        here or elsewhere, after a pause that grows."""

        async def work(frame: Frame) -> None:
            batch = Batch(frame, frame.first - 1, self._select)
            try:
                if batch.is_wanted:
                    await handle(batch)
            except Exception as error:
                self.counters.fail(error)
                first = self.counters.failures == 1
                _log.warning(
                    "%s failed at changes %d to %d", self.name, frame.first, frame.last, exc_info=first
                )
                raise
            self.counters.batches += 1
            self.counters.position = frame.last
            self.counters.error = ""

        while True:
            await self._resumed.wait()
            consuming = self._consuming = asyncio.create_task(
                self._stream.consume(self.name, work), name=self.name
            )
            try:
                await asyncio.wait({consuming})
            finally:
                consuming.cancel()
                await asyncio.gather(consuming, return_exceptions=True)
            if not consuming.cancelled():
                consuming.result()
