"""What waits for one subscription, in order: first in memory, then in the store, last what is still to be written.

It waits for nothing but the store, and does not know how notifications are sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from rhinecloud.store.port import Store
from rhinecloud.subscriptions.delivery.items import PendingChunk, PendingItem, read_back
from rhinecloud.subscriptions.settings import NotificationSettings


class Backlog:
    """The items of one queue that are not in a notification yet; `in_memory` are the next ones."""

    def __init__(self, key: str, store: Store, settings: NotificationSettings) -> None:
        self.in_memory: deque[PendingItem] = deque()
        self._key = key
        self._store = store
        self._settings = settings
        self._chunks: deque[PendingChunk] = deque()
        self._tail: list[PendingItem] = []
        self._in_chunks = 0
        self._emptied: list[PendingChunk] = []
        """Chunks whose records are to be deleted."""

    def __len__(self) -> int:
        return len(self.in_memory) + self._in_chunks + len(self._tail)

    @property
    def is_dirty(self) -> bool:
        """Return whether something must be written to the store or deleted from it."""
        return bool(self._tail or self._emptied)

    def put(self, item: PendingItem) -> bool:
        """Add an item at the end; return whether it is in memory, and not in the tail that must be written."""
        has_space = not self._tail and not self._chunks and len(self.in_memory) < self._settings.queue
        (self.in_memory if has_space else self._tail).append(item)
        return has_space

    def restore(self, chunks: Sequence[PendingChunk]) -> None:
        """Add the chunks of an earlier run, before anything new."""
        self._chunks.extend(chunks)
        self._in_chunks += sum(chunk.count for chunk in chunks)

    def cut_tail(self) -> PendingChunk | None:
        """Return the tail as a chunk, which must then be written; None where there is no tail."""
        if not self._tail:
            return None
        items, self._tail = self._tail, []
        chunk = PendingChunk.of(items)
        self._chunks.append(chunk)
        self._in_chunks += len(items)
        return chunk

    def take_emptied(self) -> list[PendingChunk]:
        """Return the chunks whose records are to be deleted, once."""
        emptied, self._emptied = self._emptied, []
        return emptied

    def take(self, may_send: Callable[[PendingItem], bool]) -> list[PendingItem]:
        """Take the items of the next notification: each entity once, so that no state hides another.

        Items that may not be sent are left out.
        """
        taken: dict[str, PendingItem] = {}
        waiting, most = self.in_memory, self._settings.entities
        while waiting and len(taken) < most and waiting[0].entity_id not in taken:
            item = waiting.popleft()
            if may_send(item):
                taken[item.entity_id] = item
            else:
                self.finish(item)
        return list(taken.values())

    async def refill(self) -> None:
        """Bring the next items into memory: a chunk of the store, or else the tail. Raise Unavailable."""
        if not self._chunks:
            self.in_memory.extend(self._tail)
            self._tail = []
            return
        chunk = self._chunks[0]
        items = chunk.items or await read_back(self._store, self._key, chunk)
        if self._chunks and self._chunks[0] is chunk:  # it was not dropped meanwhile
            self._chunks.popleft()
            self._in_chunks -= chunk.count - chunk.skip
            kept = items[chunk.skip :]
            chunk.left = len(kept)
            self.in_memory.extend(kept)
            if not kept:
                self._emptied.append(chunk)

    def drop_oldest(self) -> int:
        """Drop the oldest item; return how many were dropped, 0 where nothing waits."""
        if self.in_memory:
            self.finish(self.in_memory.popleft())
        elif self._chunks:
            self._skip_in(self._chunks[0])
        elif self._tail:
            self.finish(self._tail.pop(0))
        else:
            return 0
        return 1

    def drop_chunk(self) -> int:
        """Drop the oldest chunk, which cannot be read; return how many items that were."""
        chunk = self._chunks.popleft()
        left, chunk.left = chunk.left, 0
        self._in_chunks -= left
        self._emptied.append(chunk)
        for item in chunk.items or ():
            item.settle()
        return left

    def _skip_in(self, chunk: PendingChunk) -> None:
        """Drop the first item of a chunk without reading it."""
        if chunk.items:
            chunk.items[chunk.skip].settle()
        chunk.skip += 1
        chunk.left -= 1
        self._in_chunks -= 1
        if chunk.left == 0:
            self._chunks.popleft()
            self._emptied.append(chunk)

    def finish(self, item: PendingItem) -> None:
        """Note that an item is done."""
        item.settle()
        if item.chunk is not None:
            item.chunk.left -= 1
            if item.chunk.left == 0:
                self._emptied.append(item.chunk)

    def clear(self, current: Sequence[PendingItem]) -> None:
        """Drop everything, also the items of the notification that is being sent."""
        items = [*current, *self.in_memory, *self._tail]
        for chunk in self._chunks:
            items.extend(chunk.items or ())
        chunks = {id(chunk): chunk for chunk in self._chunks}
        for item in items:
            item.settle()
            if item.chunk is not None:
                chunks[id(item.chunk)] = item.chunk
        for chunk in chunks.values():
            chunk.left = 0
        self._emptied.extend(chunks.values())
        self._in_chunks, self._tail = 0, []
        self.in_memory.clear()
        self._chunks.clear()
