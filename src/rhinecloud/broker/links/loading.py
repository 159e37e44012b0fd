"""Loads entities for a pure function that finds out while it runs which ones it needs: it is called until it has all.

So linked entities cost one look-up per level of relationships, however many entities there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from rhinecloud.ngsild.entity import Entity

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class EntityLoader(Generic[K]):
    """Looks up entities by key for one call of `run` at a time; `find` may be called by that function only.

    `find_many` returns the entities that exist.
    """

    def __init__(self, find_many: Callable[[Collection[K]], Awaitable[Mapping[K, Entity]]]) -> None:
        self._find_many = find_many
        self._found: dict[K, Entity | None] = {}
        self._wanted: set[K] = set()
        self._lock = asyncio.Lock()

    def find(self, key: K) -> Entity | None:
        """Return an entity if it is loaded, else None, and let `run` load it and call its function again."""
        if key not in self._found:
            self._wanted.add(key)
        return self._found.get(key)

    async def run(self, function: Callable[[], T]) -> T:
        """Return the result of `function`, which must be pure, with every entity that it asks for."""
        if not self._lock.locked():  # most functions ask for no entity
            result = function()
            if not self._wanted:
                return result
        async with self._lock:
            while True:
                result = function()
                if not self._wanted:
                    self._found.clear()
                    return result
                wanted, self._wanted = self._wanted, set()
                found = await self._find_many(wanted)
                self._found.update((key, found.get(key)) for key in wanted)
