"""The entities that were written or read lately, decoded at most once: most edits hit a thing edited a moment ago."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Stored

Key = tuple[str, str]
"""Tenant and entity id."""


@dataclass(slots=True)
class Held:
    """A committed entity: its row, its bytes, and its decoded form once somebody needed it."""

    row: int
    stored: Stored
    decoded: Entity | None = None

    def entity(self) -> Entity:
        """Give the decoded entity, which nobody may change."""
        if self.decoded is None:
            self.decoded = self.stored.entity()
        return self.decoded


class Recent:
    """A cache of two generations: when the young one is full it becomes the old one, and the old one is dropped."""

    def __init__(self, size: int, largest_bytes: int = 16_384) -> None:
        self._size = size
        self._largest_bytes = largest_bytes
        self._young: dict[Key, Held] = {}
        self._old: dict[Key, Held] = {}

    def get(self, key: Key) -> Held | None:
        """Give what is held under `key`."""
        held = self._young.get(key)
        if held is None:
            held = self._old.pop(key, None)
            if held is not None:
                self.put(key, held)
        return held

    def put(self, key: Key, held: Held) -> None:
        """Hold a committed entity, unless it is so large that a few of them would fill the memory."""
        if len(held.stored.body) > self._largest_bytes:
            self.drop(key)
            return
        self._young[key] = held
        if len(self._young) > self._size:
            self._old, self._young = self._young, {}

    def drop(self, key: Key) -> None:
        """Forget what is held under `key`."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young.clear()
        self._old.clear()
