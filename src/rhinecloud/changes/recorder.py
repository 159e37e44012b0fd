"""Carries the stream into the history, many changes in one transaction.

The history keeps its own position, in the same transaction as the samples: so nothing is lost and nothing is there
twice, whatever ends this process, and not each batch waits for the disk. Samples are made as soon as a change is read:
a thousand changes later its objects would have to be fetched from memory again, and freed there.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from rhinecloud.changes.batch import Batch, FollowerCounters
from rhinecloud.changes.follower import Follower
from rhinecloud.history.port import History
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.port import Stream

GATHER_S = 0.05
"""Batches are gathered for this time before they are written, and again as long as more arrive."""
MOST_GATHERINGS, ENOUGH_CHANGES = 5, 1_000
"""Each wait for the disk costs as much as some hundred changes; the history is a quarter of a second behind at most."""
MOST_CHANGES, MOST_BYTES = 10_000, 16 << 20
"""Most that is taken and not written; the rest waits in the stream."""
SLICE = 200
"""Changes that are made into samples in one turn of the loop."""
RETRY_S = 1.0


class Recorder:
    """Writes the history until cancelled; `follower` says how far it is and what it missed."""

    def __init__(self, history: History, stream: Stream) -> None:
        self.follower = Follower("history", stream)
        self._history = history
        self._taken = 0
        """The newest change that was taken."""
        self._waiting = 0
        """Changes that were taken and not written."""
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()

    @property
    def counters(self) -> FollowerCounters:
        """How far the history is."""
        return self.follower.counters

    async def run(self) -> None:
        """Follow the stream from where the history ends."""
        self._taken = await self._history.position()
        self.follower.start_after(self._taken)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_all(), name="history: read")
            tasks.create_task(self._write_all(), name="history: write")

    async def _take_all(self) -> None:
        async with aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                await self._take(batch)

    async def _take(self, batch: Batch) -> None:
        while self._waiting >= MOST_CHANGES or self._waiting_bytes >= MOST_BYTES:
            self._written.clear()
            await self._written.wait()
        changes = batch.changes()
        for start in range(0, len(changes), SLICE):
            if start:
                await asyncio.sleep(0)
            self._history.take(changes[start : start + SLICE])
        self._taken = batch.last
        self._waiting += len(changes)
        self._waiting_bytes += batch.frame.size
        self._arrived.set()

    async def _write_all(self) -> None:
        while True:
            await self._arrived.wait()
            await self._gather()
            await self._write()

    async def _gather(self) -> None:
        for _ in range(MOST_GATHERINGS):
            before = self._waiting
            await asyncio.sleep(GATHER_S)
            if self._waiting == before or self._waiting >= ENOUGH_CHANGES:
                break

    async def _write(self) -> None:
        self._arrived.clear()
        taken, self._waiting, self._waiting_bytes = self._taken, 0, 0
        while True:
            try:
                await self._history.keep()
            except Unavailable as error:
                self.counters.fail(error)
                await asyncio.sleep(RETRY_S)
            else:
                self.follower.done(taken)
                self._written.set()
                return
