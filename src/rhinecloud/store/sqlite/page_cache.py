"""Pages that were read lately, as ids: which entities stand on a page changes far less often than the entities do.

A page that types alone decide stays the same until an entity comes, goes or changes its types, however many are updated
meanwhile. Its entities are then among the recent ones, so that it is put together without asking the database.
"""

from __future__ import annotations

from collections.abc import Callable

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Stored

REMEMBERED = 512
LARGEST = 100
"""Larger pages, and those further behind, are rarely asked for again."""

Question = tuple[str, EntityQuery]
"""Tenant and query."""


def is_lasting(query: EntityQuery) -> bool:
    """Return whether a query is one whose page is worth keeping: decided by types alone, small, and near the front."""
    if query.limit > LARGEST or query.offset > 10 * LARGEST or query.order or query.count:
        return False
    return not query.remaining(("types",))


class PageCache:
    """Remembers pages of one generation of the population: `generation` moves when any entity comes, goes or changes
    its types.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._pages: BoundedCache[Question, tuple[tuple[str, ...], bool]] = BoundedCache(most=REMEMBERED)

    def find(
        self, question: Question, generation: int, recent: Callable[[str, str], Stored | None]
    ) -> Page[Stored] | None:
        """Put a page together from recent entities; None where it is not known, or one of them is not at hand."""
        if generation != self._generation:
            return None
        kept = self._pages.find(question)
        if kept is None:
            return None
        tenant, items = question[0], []
        for entity_id in kept[0]:
            stored = recent(tenant, entity_id)
            if stored is None:
                return None
            items.append(stored)
        return Page(items, question[1].offset, kept[1])

    def keep(self, question: Question, generation: int, page: Page[Stored]) -> None:
        """Remember a page that was read when `generation` was the present one."""
        if generation != self._generation:
            self._pages.clear()
            self._generation = generation
        self._pages.keep(question, (tuple(stored.id for stored in page.items), page.more))
