"""The notifier's book-keeper: a few times a second it writes down, in one transaction, what must not be forgotten.

That is: items that have waited long or have no room in memory, counters that moved, and the place in the stream. A
frame is done with only when this has been committed, so a crash repeats notifications and loses none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

import msgspec

from rhinecloud.store.port import Record, Store
from rhinecloud.subscriptions.delivery.pending import (
    KIND,
    PendingChunk,
    PendingItem,
    chunk_of,
    record_id,
    record_of,
    recover,
)
from rhinecloud.subscriptions.delivery.progress import DeliveryProgress, FrameInProgress
from rhinecloud.subscriptions.delivery.queue import DeliveryQueue
from rhinecloud.subscriptions.model.subscription import DeliveryCounters

MARK = "consumer-mark"
NAME = "notifier"
COUNTERS = "subscription-counters"
COUNTERS_EVERY_S = 1.0

T = TypeVar("T")

log = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class DeliveryStore:
    """Writes and reads what the notifier keeps in the store.

    `dirty` are the lanes that have something to write, `unreadable` counts the records that were passed over.
    """

    def __init__(self, store: Store) -> None:
        self.unreadable = 0
        self.dirty: set[DeliveryQueue] = set()
        self._store = store
        self._position = -1
        self._counters_due = 0.0
        self._unwritten: list[tuple[DeliveryQueue, PendingChunk]] = []

    async def position(self) -> int | None:
        """Read where the last run stopped, None when there was none or its mark cannot be read."""
        record = await self._store.get_record(MARK, "", NAME)
        return self._read(record, lambda it: msgspec.json.decode(it.body, type=int)) if record else None

    async def counters(self) -> dict[str, DeliveryCounters]:
        """Read the counters of all subscriptions by the key of their lane."""
        found = {
            record.id: self._read(record, lambda it: msgspec.json.decode(it.body, type=DeliveryCounters))
            async for record in read_all(self._store, COUNTERS)
        }
        return {key: counters for key, counters in found.items() if counters is not None}

    async def recover(self, position: int) -> dict[str, list[PendingChunk]]:
        """Read what waited at the end of the last run, by lane, without what the stream will repeat."""
        found: dict[str, list[PendingChunk]] = {}
        async for record in read_all(self._store, KIND):
            read = self._read(record, lambda it: recover(it, position))
            if read is None:
                continue
            lane_key, chunk = read
            if chunk.items:
                await self._store.put_records([record_of(lane_key, chunk)])
                chunk.items = None
            if chunk.count:
                found.setdefault(lane_key, []).append(chunk)
            else:
                await self._store.delete_record(KIND, "", record.id)
        return found

    async def keep(self, progress: DeliveryProgress, overdue_s: float) -> None:
        """Write what is due; may raise Unavailable: then nothing was forgotten, and the next call tries again."""
        now = time.monotonic()
        lanes = list(self.dirty)
        overdue = progress.overdue(now - overdue_s)
        self._unwritten += [(lane, chunk) for lane in lanes if (chunk := lane.backlog.cut_tail()) is not None]
        self._unwritten += _gather(overdue)
        chunks = self._unwritten = [(lane, chunk) for lane, chunk in self._unwritten if chunk.left]
        moved = [lane for lane in lanes if lane.unsaved] if now >= self._counters_due else []
        await self._write(chunks, moved, progress.position_without(overdue))
        if moved:
            self._counters_due = now + COUNTERS_EVERY_S
        self._unwritten = []
        for _, chunk in chunks:
            _release(chunk)
        await self._forget_emptied(lanes)
        self.dirty.difference_update(
            [lane for lane in lanes if not lane.unsaved and not lane.backlog.is_dirty]
        )

    async def close(self, progress: DeliveryProgress) -> None:
        """Write everything down, now."""
        self._counters_due = 0.0
        await self.keep(progress, 0.0)

    async def forget(self, lane: DeliveryQueue) -> None:
        """Delete everything that is kept about a lane that was cleared."""
        await self._forget_emptied([lane])
        await self._store.delete_record(COUNTERS, "", lane.key)
        self.dirty.discard(lane)

    def _read(self, record: Record, read: Callable[[Record], T]) -> T | None:
        found = read_or_skip(record, read)
        self.unreadable += found is None
        return found

    async def _write(
        self,
        chunks: Iterable[tuple[DeliveryQueue, PendingChunk]],
        moved: Iterable[DeliveryQueue],
        position: int,
    ) -> None:
        records = [record_of(lane.key, chunk) for lane, chunk in chunks]
        for lane in moved:
            records.append(Record(COUNTERS, "", lane.key, _encoder.encode(lane.counters)))
            lane.unsaved = False
        if position != self._position:
            records.append(Record(MARK, "", NAME, _encoder.encode(position)))
        if not records:
            return
        try:
            await self._store.put_records(records)
        except BaseException:
            for lane in moved:
                lane.unsaved = True
            raise
        self._position = position

    async def _forget_emptied(self, lanes: Iterable[DeliveryQueue]) -> None:
        for lane in lanes:
            emptied, lane.backlog.emptied = lane.backlog.emptied, []
            for chunk in emptied:
                await self._store.delete_record(KIND, "", record_id(lane.key, chunk.first))


async def read_all(store: Store, kind: str) -> AsyncIterator[Record]:
    """Read every record of a kind that is kept under the default tenant, in pages."""
    after = ""
    while page := await store.list_records(kind, "", after=after):
        for record in page:
            yield record
        after = page[-1].id


def read_or_skip(record: Record, read: Callable[[Record], T]) -> T | None:
    """Read a record, or give None and say so: one that is broken stays where it is and must not stop the others."""
    try:
        return read(record)
    except ValueError as error:  # of JSON, of UTF-8, of what stands in it
        log.error("the record %s %r cannot be read and is passed over: %s", record.kind, record.id, error)  # noqa: TRY400
        return None


def _gather(holds: Iterable[FrameInProgress]) -> list[tuple[DeliveryQueue, PendingChunk]]:
    """Make a chunk a lane of the items that nothing has settled and no record holds yet."""
    found: dict[DeliveryQueue, list[PendingItem]] = {}
    for hold in holds:
        for lane, item in hold.items:
            if item.awaited is not None and item.chunk is None:
                found.setdefault(lane, []).append(item)
    return [(lane, chunk_of(items)) for lane, items in found.items()]


def _release(chunk: PendingChunk) -> None:
    for item in chunk.items or ():
        item.settle()
    chunk.items = None
