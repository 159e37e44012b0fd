"""Writes, a few times a second and in one transaction, what must survive a crash.

That is: items that have waited long or have no space in memory, counters that changed, and the mark. A frame is done
only when this has been committed, so a crash repeats notifications and loses none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

import msgspec

from rhinecloud.changes.marks import Marks
from rhinecloud.store.port import Record, Store
from rhinecloud.subscriptions.delivery.items import (
    KIND,
    FrameInProgress,
    PendingChunk,
    PendingItem,
    record_id,
    record_of,
    recover,
)
from rhinecloud.subscriptions.delivery.progress import DeliveryProgress
from rhinecloud.subscriptions.delivery.queue import DeliveryQueue
from rhinecloud.subscriptions.model import DeliveryCounters

NAME = "notifier"
COUNTERS = "subscription-counters"
COUNTERS_EVERY_S = 1.0

T = TypeVar("T")

log = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class DeliveryStore:
    """Writes and reads what deliveries keep in the store; `unreadable` counts records that were skipped."""

    def __init__(self, store: Store) -> None:
        self.unreadable = 0
        self._store = store
        self._marks = Marks(store)
        self._dirty: set[DeliveryQueue] = set()
        self._position = -1
        self._counters_due = 0.0
        self._unwritten: list[tuple[str, PendingChunk]] = []

    def mark_dirty(self, queue: DeliveryQueue) -> None:
        """Note a queue that has something to write."""
        self._dirty.add(queue)

    async def position(self) -> int | None:
        """Return where the last run stopped; None where there was none or its mark cannot be read."""
        try:
            return await self._marks.load(NAME)
        except ValueError:
            self.unreadable += 1
            log.exception("the mark of the notifier cannot be read")
            return None

    async def counters(self) -> dict[str, DeliveryCounters]:
        """Return the counters of all subscriptions by the key of their queue."""
        found = {
            record.id: self._read(record, lambda it: msgspec.json.decode(it.body, type=DeliveryCounters))
            async for record in read_all(self._store, COUNTERS)
        }
        return {key: counters for key, counters in found.items() if counters is not None}

    async def recover(self, position: int) -> dict[str, list[PendingChunk]]:
        """Return what waited at the end of the last run, by queue, without what the stream will repeat."""
        found: dict[str, list[PendingChunk]] = {}
        async for record in read_all(self._store, KIND):
            read = self._read(record, lambda it: recover(it, position))
            if read is None:
                continue
            queue_key, chunk = read
            if chunk.items:
                await self._store.put_records([record_of(queue_key, chunk)])
                chunk.items = None
            if chunk.count:
                found.setdefault(queue_key, []).append(chunk)
            else:
                await self._store.delete_record(KIND, "", record.id)
        return found

    async def save(self, progress: DeliveryProgress, overdue_s: float) -> None:
        """Write what is due. Raise Unavailable: then nothing is lost, and the next call tries again."""
        now = time.monotonic()
        queues = list(self._dirty)
        overdue = progress.overdue(now - overdue_s)
        tails = [(queue.key, chunk) for queue in queues if (chunk := queue.backlog.cut_tail()) is not None]
        self._unwritten += [*tails, *_chunks_of(overdue)]
        chunks = self._unwritten = [(key, chunk) for key, chunk in self._unwritten if chunk.left]
        changed = [queue for queue in queues if queue.is_unsaved] if now >= self._counters_due else []
        await self._write(chunks, changed, progress.position_without(overdue))
        if changed:
            self._counters_due = now + COUNTERS_EVERY_S
        self._unwritten = []
        for _, chunk in chunks:
            chunk.written()
        for queue in queues:
            await self._delete(queue.key, queue.backlog.take_emptied())
        self._dirty.difference_update([queue for queue in queues if not queue.is_dirty])

    async def save_all(self, progress: DeliveryProgress) -> None:
        """Write everything now. Raise Unavailable."""
        self._counters_due = 0.0
        await self.save(progress, 0.0)

    async def forget(self, key: str, chunks: Iterable[PendingChunk]) -> None:
        """Delete what is kept about the subscription with this key."""
        await self._delete(key, chunks)
        await self._store.delete_record(COUNTERS, "", key)
        self._dirty = {queue for queue in self._dirty if queue.key != key}

    def _read(self, record: Record, read: Callable[[Record], T]) -> T | None:
        found = read_or_skip(record, read)
        self.unreadable += found is None
        return found

    async def _write(
        self, chunks: Iterable[tuple[str, PendingChunk]], changed: Iterable[DeliveryQueue], position: int
    ) -> None:
        records = [record_of(key, chunk) for key, chunk in chunks]
        for queue in changed:
            records.append(Record(COUNTERS, "", queue.key, _encoder.encode(queue.counters)))
            queue.is_unsaved = False
        if position != self._position:
            records.append(Marks.record(NAME, position))
        if not records:
            return
        try:
            await self._store.put_records(records)
        except BaseException:
            for queue in changed:
                queue.is_unsaved = True
            raise
        self._position = position

    async def _delete(self, key: str, chunks: Iterable[PendingChunk]) -> None:
        for chunk in chunks:
            await self._store.delete_record(KIND, "", record_id(key, chunk.first))


async def read_all(store: Store, kind: str) -> AsyncIterator[Record]:
    """Yield every record of a kind under the default tenant."""
    after = ""
    while page := await store.list_records(kind, "", after=after):
        for record in page:
            yield record
        after = page[-1].id


def read_or_skip(record: Record, read: Callable[[Record], T]) -> T | None:
    """Return what `read` returns; where the record is broken, log it and return None: it must not stop the others."""
    try:
        return read(record)
    except ValueError as error:  # of JSON, of UTF-8, of a value in it
        log.error("the record %s %r cannot be read and is skipped: %s", record.kind, record.id, error)  # noqa: TRY400
        return None


def _chunks_of(frames: Iterable[FrameInProgress]) -> list[tuple[str, PendingChunk]]:
    """Return one chunk for each queue with the items that are neither settled nor in a chunk."""
    found: dict[str, list[PendingItem]] = {}
    for frame in frames:
        for key, item in frame.items:
            if item.frame is not None and item.chunk is None:
                found.setdefault(key, []).append(item)
    return [(key, PendingChunk.of(items)) for key, items in found.items()]
