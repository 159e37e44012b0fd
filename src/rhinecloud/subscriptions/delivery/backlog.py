"""What waits for one subscription, in order: in memory while there is room, then in the store, then to be written.

Nothing here waits for anything but the store, and nothing knows how a notification is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from rhinecloud.store.port import Store
from rhinecloud.subscriptions.delivery.pending import PendingChunk, PendingItem, chunk_of, read_back
from rhinecloud.subscriptions.settings import NotificationSettings


class Backlog:
    """The items of one lane that are not on their way yet.

    `at_hand` are the next ones, in memory; `emptied` are chunks whose records are to be deleted.
    """

    def __init__(self, key: str, store: Store, settings: NotificationSettings) -> None:
        self.at_hand: deque[PendingItem] = deque()
        self.emptied: list[PendingChunk] = []
        self._key = key
        self._store = store
        self._settings = settings
        self._spilt: deque[PendingChunk] = deque()
        self._tail: list[PendingItem] = []
        self._on_disk = 0

    def __len__(self) -> int:
        return len(self.at_hand) + self._on_disk + len(self._tail)

    @property
    def is_dirty(self) -> bool:
        """Tell whether something must be written or deleted."""
        return bool(self._tail or self.emptied)

    def put(self, item: PendingItem) -> bool:
        """Add an item at the end; tells whether there was room in memory, or it must be written."""
        has_room = not self._tail and not self._spilt and len(self.at_hand) < self._settings.queue
        (self.at_hand if has_room else self._tail).append(item)
        return has_room

    def restore(self, chunks: Sequence[PendingChunk]) -> None:
        """Take over what an earlier run left in the store, before anything new comes."""
        self._spilt.extend(chunks)
        self._on_disk += sum(chunk.count for chunk in chunks)

    def cut_tail(self) -> PendingChunk | None:
        """Make the items that have no room in memory into a chunk, which must then be written."""
        if not self._tail:
            return None
        items, self._tail = self._tail, []
        chunk = chunk_of(items)
        self._spilt.append(chunk)
        self._on_disk += len(items)
        return chunk

    def take(self, may_send: Callable[[PendingItem], bool]) -> list[PendingItem]:
        """Take the items of the next notification: each entity once, so that no state hides another.

        What may not be sent is left out.
        """
        taken: dict[str, PendingItem] = {}
        waiting, most = self.at_hand, self._settings.entities
        while waiting and len(taken) < most and waiting[0].entity_id not in taken:
            item = waiting.popleft()
            if may_send(item):
                taken[item.entity_id] = item
            else:
                self.finish(item)
        return list(taken.values())

    async def refill(self) -> None:
        """Bring the next items into memory: a chunk of the store, or else what came since the last one was cut."""
        if not self._spilt:
            self.at_hand.extend(self._tail)
            self._tail = []
            return
        chunk = self._spilt[0]
        items = chunk.items or await read_back(self._store, self._key, chunk)
        if self._spilt and self._spilt[0] is chunk:  # nobody dropped it meanwhile
            self._spilt.popleft()
            self._on_disk -= chunk.count - chunk.skip
            kept = items[chunk.skip :]
            chunk.left = len(kept)
            self.at_hand.extend(kept)
            if not kept:
                self.emptied.append(chunk)

    def drop_oldest(self) -> int:
        """Give up the oldest item; gives how many that were, 0 where nothing waits."""
        if self.at_hand:
            self.finish(self.at_hand.popleft())
        elif self._spilt:
            self._skip_in(self._spilt[0])
        elif self._tail:
            self.finish(self._tail.pop(0))
        else:
            return 0
        return 1

    def drop_chunk(self) -> int:
        """Give up the oldest chunk, which cannot be read; gives how many items that were."""
        chunk = self._spilt.popleft()
        left, chunk.left = chunk.left, 0
        self._on_disk -= left
        self.emptied.append(chunk)
        for item in chunk.items or ():
            item.settle()
        return left

    def _skip_in(self, chunk: PendingChunk) -> None:
        """Give up the first item of a chunk without reading it."""
        if chunk.items:
            chunk.items[chunk.skip].settle()
        chunk.skip += 1
        chunk.left -= 1
        self._on_disk -= 1
        if chunk.left == 0:
            self._spilt.popleft()
            self.emptied.append(chunk)

    def finish(self, item: PendingItem) -> None:
        """Be done with an item that was taken."""
        item.settle()
        if item.chunk is not None:
            item.chunk.left -= 1
            if item.chunk.left == 0:
                self.emptied.append(item.chunk)

    def clear(self, current: Sequence[PendingItem]) -> None:
        """Forget everything that waits, and `current`, which is on its way."""
        items = [*current, *self.at_hand, *self._tail]
        for chunk in self._spilt:
            items.extend(chunk.items or ())
        chunks = {id(chunk): chunk for chunk in self._spilt}
        for item in items:
            item.settle()
            if item.chunk is not None:
                chunks[id(item.chunk)] = item.chunk
        for chunk in chunks.values():
            chunk.left = 0
        self.emptied.extend(chunks.values())
        self._on_disk, self._tail = 0, []
        self.at_hand.clear()
        self._spilt.clear()
