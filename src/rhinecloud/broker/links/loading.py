"""Entities for pure code that finds out on its way which ones it needs: it runs, names them, and runs again.

What is linked, and what that is linked with in turn, so costs one look-up a level, however many entities there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from rhinecloud.ngsild.entity import Entity

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class EntityLoader(Generic[K]):
    """Looks entities up by key for one act at a time; `find` may be called within an act only.

    `find_many` gives those of the keys that there are.
    """

    def __init__(self, find_many: Callable[[Collection[K]], Awaitable[Mapping[K, Entity]]]) -> None:
        self._find_many = find_many
        self._found: dict[K, Entity | None] = {}
        self._wanted: set[K] = set()
        self._turn = asyncio.Lock()

    def find(self, key: K) -> Entity | None:
        """Give an entity as far as it is known here; what is not known is noted, and the act will be done again."""
        if key not in self._found:
            self._wanted.add(key)
        return self._found.get(key)

    async def look(self, act: Callable[[], T]) -> T:
        """Do `act`, which does nothing but look, with every entity that it asks for."""
        if not self._turn.locked():  # most acts ask for nothing
            result = act()
            if not self._wanted:
                return result
        async with self._turn:
            while True:
                result = act()
                if not self._wanted:
                    self._found.clear()
                    return result
                wanted, self._wanted = self._wanted, set()
                found = await self._find_many(wanted)
                self._found.update((key, found.get(key)) for key in wanted)
