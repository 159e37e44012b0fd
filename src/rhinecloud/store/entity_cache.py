"""The entities that were written or read lately, as bytes: most edits hit a thing that was edited a moment ago.

Bytes and not objects: decoding takes 2 µs, but ten thousand decoded entities would be walked through again and again
by the garbage collector, which cost more than 10 µs an edit. Only the last few stay decoded, as they are held by those
who hear of the change anyway.
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


LARGEST_BYTES, ROOM_BYTES = 16 << 10, 16 << 20
"""No entity is held that is larger; all together take no more, the last transaction apart."""
BESIDE_BYTES = 400
"""What holding an entity takes beside its bytes."""
WARM, WARM_LARGEST_BYTES, WARM_ROOM_BYTES = 1_000, 4 << 10, 2 << 20
"""So many entities, up to twice as many, stay decoded, unless they are larger or all together are; decoded they take
eight times as much."""


class EntityCache:
    """A cache of two generations: when the young one is full it becomes the old one, and the old one is dropped."""

    def __init__(self, size: int, room_bytes: int = ROOM_BYTES) -> None:
        """A generation is full when it holds `size` entities or takes half of the room."""
        self._size = size
        self._room = room_bytes // 2
        self._young: dict[Key, CachedEntity] = {}
        self._old: dict[Key, CachedEntity] = {}
        self._bytes = 0
        """What the young generation takes."""
        self._warm: dict[Key, tuple[int, Entity]] = {}
        self._cooling: dict[Key, tuple[int, Entity]] = {}
        self._warm_bytes = 0

    def entity(self, key: Key, stored: Stored) -> Entity:
        """Return the entity that is stored, which is to be read and not changed."""
        known = self._warm.get(key) or self._cooling.get(key)
        return known[1] if known is not None and known[0] == stored.version else stored.entity()

    def get(self, key: Key) -> CachedEntity | None:
        """Return what is held under `key`."""
        held = self._young.get(key)
        if held is None:
            held = self._old.pop(key, None)
            if held is not None:
                self.put(key, held)
                self.trim()
        return held

    def put(self, key: Key, held: CachedEntity, entity: Entity | None = None) -> None:
        """Hold a committed entity, unless it is so large that a few would fill the memory; then call `trim`."""
        size = len(held.stored.body)
        self.drop(key)
        if size > LARGEST_BYTES:
            return
        self._young[key] = held
        self._bytes += size + BESIDE_BYTES
        if entity is not None and size <= WARM_LARGEST_BYTES:
            self._warm[key] = (held.stored.version, entity)
            self._warm_bytes += size

    def trim(self) -> None:
        """Let an old generation go where the young one is full: 3 µs an entity, so who waits is answered first."""
        if len(self._young) > self._size or self._bytes > self._room:
            self._old, self._young, self._bytes = self._young, {}, 0
        if len(self._warm) > WARM or self._warm_bytes > WARM_ROOM_BYTES:
            self._cooling, self._warm, self._warm_bytes = self._warm, {}, 0

    def drop(self, key: Key) -> None:
        """Forget what is held under `key`."""
        gone = self._young.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.stored.body) + BESIDE_BYTES
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        for each in (self._young, self._old, self._warm, self._cooling):
            each.clear()
        self._bytes = self._warm_bytes = 0
