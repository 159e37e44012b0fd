"""The recently used entities, as bytes: most edits change an entity that was changed a moment ago.

They are kept as bytes because decoding takes 2 µs, but the garbage collector would visit ten thousand decoded entities
again and again, which cost more than 10 µs an edit. Only the newest are also kept decoded: the consumers of their
changes hold these objects anyway.
"""

from __future__ import annotations

import msgspec

from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Stored

Key = tuple[str, str]
"""Tenant and entity id."""


class CachedEntity(msgspec.Struct, frozen=True, gc=False):
    """A committed entity: its row and its bytes."""

    row: int
    stored: Stored


LARGEST_BYTES, CACHE_BYTES = 16 << 10, 16 << 20
"""The largest entity that is kept, and the memory for all, except those of the last transaction."""
OVERHEAD_BYTES = 400
"""Memory that keeping an entity takes beside its bytes."""
DECODED, DECODED_LARGEST_BYTES, DECODED_BYTES = 1_000, 4 << 10, 2 << 20
"""How many entities are kept decoded (up to twice as many), the largest of these, and the bytes of all. Decoded they
take eight times as much memory."""


class EntityCache:
    """A cache of two generations: when the young one is full it becomes the old one, and the old one is dropped."""

    def __init__(self, size: int, most_bytes: int = CACHE_BYTES) -> None:
        """A generation is full when it holds `size` entities or half of the bytes."""
        self._size = size
        self._most_bytes = most_bytes // 2
        self._young: dict[Key, CachedEntity] = {}
        self._old: dict[Key, CachedEntity] = {}
        self._bytes = 0
        """The memory of the young generation."""
        self._decoded: dict[Key, tuple[int, Entity]] = {}
        self._decoded_old: dict[Key, tuple[int, Entity]] = {}
        self._decoded_bytes = 0

    def entity(self, key: Key, stored: Stored) -> Entity:
        """Return a stored entity, which must not be changed."""
        known = self._decoded.get(key) or self._decoded_old.get(key)
        return known[1] if known is not None and known[0] == stored.version else stored.entity()

    def get(self, key: Key) -> CachedEntity | None:
        """Return the entity of a key, None if it is not kept."""
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.pop(key, None)
            if kept is not None:
                self.put(key, kept)
                self.trim()
        return kept

    def put(self, key: Key, kept: CachedEntity, entity: Entity | None = None) -> None:
        """Keep a committed entity unless it is large; call `trim` afterwards."""
        size = len(kept.stored.body)
        self.drop(key)
        if size > LARGEST_BYTES:
            return
        self._young[key] = kept
        self._bytes += size + OVERHEAD_BYTES
        if entity is not None and size <= DECODED_LARGEST_BYTES:
            self._decoded[key] = (kept.stored.version, entity)
            self._decoded_bytes += size

    def trim(self) -> None:
        """Drop the old generation if the young one is full: 3 µs an entity, so callers are answered before this."""
        if len(self._young) > self._size or self._bytes > self._most_bytes:
            self._old, self._young, self._bytes = self._young, {}, 0
        if len(self._decoded) > DECODED or self._decoded_bytes > DECODED_BYTES:
            self._decoded_old, self._decoded, self._decoded_bytes = self._decoded, {}, 0

    def drop(self, key: Key) -> None:
        """Forget the entity of a key."""
        gone = self._young.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.stored.body) + OVERHEAD_BYTES
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        for each in (self._young, self._old, self._decoded, self._decoded_old):
            each.clear()
        self._bytes = self._decoded_bytes = 0
