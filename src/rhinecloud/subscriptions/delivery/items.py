"""What waits to be delivered: entities as JSON for one subscription, in memory, and in the store when it takes long.

Items are written in chunks, one record each, because one record per item would cost a write per change.
"""

from __future__ import annotations

import msgspec

from rhinecloud.policy import NO_FACTS, Facts
from rhinecloud.store.port import Record, Store
from rhinecloud.subscriptions.model import SEPARATOR

KIND = "pending-notification"


class PendingItem:
    """One entity for one subscription: `body` is its JSON, `seq` the change that made it (0: no change did).

    `types` are the entity's IRIs and `facts` what else policies look at: when the item is sent, they decide again
    whether the owner may read the entity.
    """

    __slots__ = ("body", "chunk", "entity_id", "facts", "frame", "seq", "types")

    def __init__(
        self, seq: int, entity_id: str, body: bytes, types: tuple[str, ...], facts: Facts | None = None
    ) -> None:
        self.seq = seq
        self.entity_id = entity_id
        self.body = body
        self.types = types
        self.facts = facts
        self.frame: FrameInProgress | None = None
        self.chunk: PendingChunk | None = None

    def settle(self) -> None:
        """Release the frame that waits for this item; a second call does nothing."""
        if self.frame is not None:
            self.frame.unsettled -= 1
            self.frame = None


class PendingChunk:
    """Items in one record, which is named after the first of them.

    `items` are in memory until they are written; `left` of `count` are not done. The first `skip` were dropped before
    they were read back.
    """

    __slots__ = ("count", "first", "items", "left", "skip")

    def __init__(self, first: int, count: int, items: list[PendingItem] | None = None) -> None:
        self.first = first
        self.count = count
        self.left = count
        self.skip = 0
        self.items = items

    @classmethod
    def of(cls, items: list[PendingItem]) -> PendingChunk:
        """Return the chunk of items that are to be written."""
        chunk = cls(items[0].seq, len(items), items)
        for item in items:
            item.chunk = chunk
        return chunk

    def written(self) -> None:
        """Settle the items, which are in the store now."""
        for item in self.items or ():
            item.settle()
        self.items = None


class FrameInProgress:
    """The items of one batch of the stream: done when all are queued (`is_queued`) and none is unsettled.

    `items` are paired with the key of their queue.
    """

    __slots__ = ("is_queued", "items", "last", "since", "unsettled")

    def __init__(self, last: int, since: float) -> None:
        self.last = last
        self.since = since
        self.unsettled = 0
        self.is_queued = False
        self.items: list[tuple[str, PendingItem]] = []

    @property
    def is_done(self) -> bool:
        """Return whether the mark may pass this frame."""
        return self.is_queued and not self.unsettled

    def add(self, queue_key: str, item: PendingItem) -> None:
        """Wait for an item."""
        item.frame = self
        self.unsettled += 1
        self.items.append((queue_key, item))


class _StoredItem(msgspec.Struct, array_like=True):
    seq: int
    entity_id: str
    body: msgspec.Raw
    types: tuple[str, ...] = ()
    facts: Facts | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_StoredItem])


def record_of(queue_key: str, chunk: PendingChunk) -> Record:
    """Return the record of a chunk."""
    stored = [_stored(item) for item in chunk.items or ()]
    return Record(KIND, "", record_id(queue_key, chunk.first), _encoder.encode(stored))


def _stored(item: PendingItem) -> _StoredItem:
    facts = item.facts if item.facts is not NO_FACTS else None
    return _StoredItem(item.seq, item.entity_id, msgspec.Raw(item.body), item.types, facts)


def record_id(queue_key: str, first: int) -> str:
    """Return the id of a chunk's record; the order of ids is the order of delivery."""
    return f"{queue_key}{SEPARATOR}{first:016d}"


async def read_back(store: Store, queue_key: str, chunk: PendingChunk) -> list[PendingItem]:
    """Return the items of a chunk from the store."""
    record = await store.get_record(KIND, "", record_id(queue_key, chunk.first))
    items = _items(record.body) if record is not None else []
    for item in items:
        item.chunk = chunk
    chunk.left = len(items)
    return items


def recover(record: Record, position: int) -> tuple[str, PendingChunk]:
    """Return the key of the queue and the chunk of an earlier run's record, without the items after `position`.

    Those come again from the stream. If any were left out, the chunk has its items in memory, to be written anew.
    """
    queue_key, _, first = record.id.rpartition(SEPARATOR)
    items = _items(record.body)
    kept = [item for item in items if item.seq <= position]
    chunk = PendingChunk(int(first), len(kept), kept if len(kept) < len(items) else None)
    for item in kept:
        item.chunk = chunk
    return queue_key, chunk


def _items(body: bytes) -> list[PendingItem]:
    return [
        PendingItem(each.seq, each.entity_id, bytes(each.body), each.types, each.facts)
        for each in _decoder.decode(body)
    ]
