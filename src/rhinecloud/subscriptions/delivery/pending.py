"""What waits to be delivered: entities as JSON for one subscription, in memory, and in the store when it takes long.

Changes are kept in chunks, one record each, because one record a change would cost a write a change.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from rhinecloud.policy import NO_FACTS, Facts
from rhinecloud.store.port import Record, Store

KIND = "pending-notification"

SEPARATOR = "\x1f"
"""Stands between tenant, subscription and number in the names of records, and in no tenant or URI."""


class CompletionListener(Protocol):
    """Waits until nothing more needs to be done about its items: delivered, given up or written down."""

    open: int
    """How many items it still waits for."""


class PendingItem:
    """One entity for one subscription: `body` is its JSON, `seq` the change that made it (0: no change did).

    `types` are the entity's IRIs and `facts` what else the policies look at: by them it is decided again, when it is
    sent, whether its receiver may have it.
    """

    __slots__ = ("awaited", "body", "chunk", "entity_id", "facts", "seq", "types")

    def __init__(
        self, seq: int, entity_id: str, body: bytes, types: tuple[str, ...], facts: Facts | None = None
    ) -> None:
        self.seq = seq
        self.entity_id = entity_id
        self.body = body
        self.types = types
        self.facts = facts
        self.awaited: CompletionListener | None = None
        self.chunk: PendingChunk | None = None

    def settle(self) -> None:
        """Release the frame that waits for this item; nothing happens the second time."""
        if self.awaited is not None:
            self.awaited.open -= 1
            self.awaited = None


class PendingChunk:
    """Items that lie in one record, called after the first of them.

    `items` are at hand until they are written; `left` of `count` are not done with. The first `skip` were given up
    before they were read back.
    """

    __slots__ = ("count", "first", "items", "left", "skip")

    def __init__(self, first: int, count: int, items: list[PendingItem] | None = None) -> None:
        self.first = first
        self.count = count
        self.left = count
        self.skip = 0
        self.items = items


def chunk_of(items: list[PendingItem]) -> PendingChunk:
    """Put items together that are still to be written."""
    chunk = PendingChunk(items[0].seq, len(items), items)
    for item in items:
        item.chunk = chunk
    return chunk


class _Kept(msgspec.Struct, array_like=True):
    seq: int
    entity_id: str
    body: msgspec.Raw
    types: tuple[str, ...] = ()
    facts: Facts | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_Kept])


def record_of(lane_key: str, chunk: PendingChunk) -> Record:
    """Write a chunk as the record that keeps it."""
    kept = [_keep(item) for item in chunk.items or ()]
    return Record(KIND, "", record_id(lane_key, chunk.first), _encoder.encode(kept))


def _keep(item: PendingItem) -> _Kept:
    facts = item.facts if item.facts is not NO_FACTS else None
    return _Kept(item.seq, item.entity_id, msgspec.Raw(item.body), item.types, facts)


def record_id(lane_key: str, first: int) -> str:
    """Name the record of a chunk, so that text order is the order of delivery."""
    return f"{lane_key}{SEPARATOR}{first:016d}"


async def read_back(store: Store, lane_key: str, chunk: PendingChunk) -> list[PendingItem]:
    """Read the items of a chunk from the store."""
    record = await store.get_record(KIND, "", record_id(lane_key, chunk.first))
    items = _items(record.body) if record is not None else []
    for item in items:
        item.chunk = chunk
    chunk.left = len(items)
    return items


def recover(record: Record, position: int) -> tuple[str, PendingChunk]:
    """Read a record of an earlier run: the key of its lane and its chunk, without the items after `position`.

    Those come again from the stream. Where any were left out the chunk has its items at hand, to be written anew.
    """
    lane_key, _, first = record.id.rpartition(SEPARATOR)
    items = _items(record.body)
    kept = [item for item in items if item.seq <= position]
    chunk = PendingChunk(int(first), len(kept), kept if len(kept) < len(items) else None)
    for item in kept:
        item.chunk = chunk
    return lane_key, chunk


def _items(body: bytes) -> list[PendingItem]:
    return [
        PendingItem(each.seq, each.entity_id, bytes(each.body), each.types, each.facts)
        for each in _decoder.decode(body)
    ]
