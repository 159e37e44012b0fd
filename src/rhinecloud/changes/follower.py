"""The one way to consume the stream of changes: position, gap policy, counters, pause.

    marks = Marks(store)
    follower = Follower("lock-keeper", stream, marks, select=Selection(types=frozenset({LOCK})))
    async for batch in follower.batches():  # or: await follower.run(handle)
        for change in batch.changes():
            ...

A batch is done when the next one is asked for, and only then the mark moves: whatever ends the process, a restart goes
on at or before the place where it stopped. So a consumer may get the last batches again and must be idempotent. One
that keeps its results in the store's records writes them in one transaction with `Marks.record`: then each counts once.

Work that several processes may share is done by `changes.shared.SharedFollower`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from enum import StrEnum

from rhinecloud.changes.batch import EVERYTHING, Batch, FollowerCounters, Selection
from rhinecloud.changes.marks import Marks, SavedMark
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.port import Gone, Stream

RETRY_S = 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0

_log = logging.getLogger(__name__)

HandleBatch = Callable[[Batch], Awaitable[None]]
"""Does the work of a consumer for one batch. It must be idempotent: after a crash it gets the last batches again."""


class Gap(StrEnum):
    """Where a follower goes on when the stream no longer holds the changes that follow its position."""

    OLDEST = "oldest"
    """With the oldest change that is still held: nothing that can be had is left out."""
    NEWEST = "newest"
    """After the newest change: for consumers that show the present and read it anew."""


class Follower:
    """A consumer of all changes in their order. `counters` say how far it is and what it missed.

    With `marks` the position is kept in the store; without, the consumer keeps it, calls `start_after` before and
    `done` while it runs. The first time it begins after the newest change; with `from_start`, with the oldest that the
    stream holds. `select` leaves out other tenants' and types' changes. An `urgent` follower is served before others.
    """

    def __init__(
        self,
        name: str,
        stream: Stream,
        marks: Marks | None = None,
        *,
        gap: Gap = Gap.OLDEST,
        select: Selection = EVERYTHING,
        urgent: bool = False,
        from_start: bool = False,
    ) -> None:
        self.name = name
        self.counters = FollowerCounters()
        self._stream = stream
        self._mark = SavedMark(marks, name) if marks is not None else None
        self._gap = gap
        self._select = select
        self._urgent = urgent
        self._from_start = from_start
        self._read = 0
        self._resumed = asyncio.Event()
        self._resumed.set()

    @property
    def is_paused(self) -> bool:
        """Return whether the follower waits for `resume`."""
        return not self._resumed.is_set()

    def pause(self) -> None:
        """Yield no further batch until `resume`; the position stays."""
        self._resumed.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._resumed.set()

    def start_after(self, position: int) -> None:
        """Set the last change that was handled; the next batch begins after it."""
        self._read = position
        self.counters.position = position

    def done(self, position: int) -> None:
        """Note that everything up to `position` is done."""
        self.counters.position = position
        self.counters.error = ""
        if self._mark is not None:
            self._mark.move(position)

    def lag(self, newest: int) -> int:
        """Return how many of the changes up to `newest` are not done."""
        return max(0, newest - self.counters.position)

    async def run(self, handle: HandleBatch) -> None:
        """Call `handle` for each batch until cancelled. One that fails is handled again, after a pause that grows:
        no later batch overtakes it."""
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                await self._insist(handle, batch)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Yield batches for ever, in order; while stream or store are away, wait."""
        await self._start()
        try:
            while True:
                await self._resumed.wait()
                async with aclosing(self._read_on()) as batches:
                    async for batch in batches:
                        if self.is_paused:
                            break
                        if batch.is_wanted:
                            yield batch
                        self._finish(batch)
        finally:
            await self.close()

    async def close(self) -> None:
        """Write the position durably and keep it no longer: for who cannot wait until `batches` is closed."""
        if self._mark is not None:
            await self._mark.close()

    async def _start(self) -> None:
        """Take the position from the mark; the first one is written at once, so that a crash cannot move it."""
        while self._mark is not None:
            try:
                position = await self._load(self._mark)
            except Unavailable as error:
                await self._wait(error)
            else:
                self.counters.error = ""
                self.start_after(position)
                return

    async def _load(self, mark: SavedMark) -> int:
        position = await mark.load()
        if position is None:
            position = await (self._oldest() if self._from_start else self._stream.last())
            mark.move(position)
            await mark.save()
        return position

    async def _oldest(self) -> int:
        return max(0, await self._stream.first() - 1)

    async def _read_on(self) -> AsyncGenerator[Batch, None]:
        """Yield what follows the position until the stream fails or has a gap, which is a batch without changes."""
        try:
            async with aclosing(self._stream.tail(self._read, urgent=self._urgent)) as frames:
                async for frame in frames:
                    if frame.last > self._read:
                        yield Batch(frame, self._read, self._select)
        except Gone as gone:
            try:
                held = gone.first - 1 if self._gap is Gap.OLDEST else await self._stream.last()
            except Unavailable as error:
                await self._wait_until_back(error)
                return
            if held <= self._read:  # the stream is just being emptied, or says nothing of what it holds
                await asyncio.sleep(RETRY_S)
            else:
                _log.error(
                    "%s: changes %d to %d are not in the stream any more", self.name, self._read + 1, held
                )
                yield Batch.of_gap(self._read, held)
        except Unavailable as error:
            await self._wait_until_back(error)

    def _finish(self, batch: Batch) -> None:
        self._read = batch.last
        self.counters.batches += 1
        self.counters.missed += batch.missed
        if self._mark is not None:
            self.done(batch.last)

    async def _insist(self, handle: HandleBatch, batch: Batch) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await handle(batch)
            except Exception as error:  # noqa: BLE001 - a consumer's loop: the batch is handled again
                self.counters.fail(error)
                _log.warning(
                    "%s failed at changes %d to %d",
                    self.name,
                    batch.after + 1,
                    batch.last,
                    exc_info=self.counters.failures == 1,
                )
            else:
                self.counters.error = ""
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _wait(self, error: Unavailable) -> None:
        self.counters.error = str(error)
        await asyncio.sleep(RETRY_S)

    async def _wait_until_back(self, error: Unavailable) -> None:
        """Wait until the stream answers, and show the error for so long: no change may come for hours."""
        while True:
            await self._wait(error)
            try:
                await self._stream.last()
            except Unavailable as again:
                error = again
            else:
                self.counters.error = ""
                return
