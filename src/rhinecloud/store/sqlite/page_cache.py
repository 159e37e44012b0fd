"""Recently read pages, as ids: which entities are on a page changes far less often than the entities do.

A page that is selected by types alone is the same until an entity is created, deleted or changes its types, however
many are updated. Its entities are usually in the entity cache, so that no statement is run for it.
"""

from __future__ import annotations

from collections.abc import Callable

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Stored

PAGES = 512
LARGEST = 100
"""Larger pages, and those at larger offsets, are rarely requested again."""

PageKey = tuple[str, EntityQuery]
"""A tenant and a query."""


def is_cacheable(query: EntityQuery) -> bool:
    """Return whether the page of a query is worth keeping: selected by types alone, small, with a small offset."""
    if query.limit > LARGEST or query.offset > 10 * LARGEST or query.order or query.count:
        return False
    return not query.remaining(("types",))


class PageCache:
    """Keeps pages of one generation of the population, which changes when any entity is created, deleted or changes its
    types.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._pages: BoundedCache[PageKey, tuple[tuple[str, ...], bool]] = BoundedCache(most=PAGES)

    def find(
        self, key: PageKey, generation: int, recent: Callable[[str, str], Stored | None]
    ) -> Page[Stored] | None:
        """Return a page from recent entities; None if it is not kept, or one of its entities is not in memory."""
        if generation != self._generation:
            return None
        kept = self._pages.find(key)
        if kept is None:
            return None
        tenant, items = key[0], []
        for entity_id in kept[0]:
            stored = recent(tenant, entity_id)
            if stored is None:
                return None
            items.append(stored)
        return Page(items, key[1].offset, kept[1])

    def keep(self, key: PageKey, generation: int, page: Page[Stored]) -> None:
        """Keep a page that was read in the given generation."""
        if generation != self._generation:
            self._pages.clear()
            self._generation = generation
        self._pages.keep(key, (tuple(stored.id for stored in page.items), page.more))
