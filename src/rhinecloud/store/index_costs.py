"""Which attribute indexes are worth their cost: the documents that queries read without one, and the writes of one.

Pure arithmetic; `now` is seconds of any monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rhinecloud.kernel.cache import BoundedCache

HALF_LIFE_S = 3_600.0
"""After this time, documents that were read count half."""

SCANS = 10
"""An index is built when queries have read this many times all entities."""

LEAST_DOCUMENTS = 200_000
"""Fewer documents, about a second of reading, are not worth an index."""

MOST_LEARNT = 16
"""Most indexes that are built because of queries."""

PERIOD_S = 86_400.0
"""After each such period, an index that was built because of queries is dropped if it cost more than it saved."""


@dataclass(slots=True)
class AttributeIndex:
    """One attribute's index: `asked` by an operator, else learnt; `built` up to which row, None when complete.

    `upkeep` counts the rows that writes changed in it, `spared` the documents that queries did not have to read.
    """

    number: int
    name: str
    asked: bool
    built: int | None
    upkeep: int = 0
    spared: int = 0

    @property
    def ready(self) -> bool:
        """Whether queries may use it."""
        return self.built is None


COUNTED = 1_000
"""Attributes for which documents are counted; clients choose their names."""


class IndexCosts:
    """Counts for each attribute the documents that queries read because it has no index."""

    def __init__(self) -> None:
        self._missed: BoundedCache[str, tuple[float, float]] = BoundedCache(most=COUNTED, longest=2_048)

    def miss(self, name: str, documents: int, entities: int, now: float) -> bool:
        """Count documents that an index would have spared. Return whether an index is worth building."""
        amount, at = self._missed.find(name) or (0.0, now)
        amount = amount * 0.5 ** ((now - at) / HALF_LIFE_S) + documents
        self._missed.keep(name, (amount, now))
        if amount < max(LEAST_DOCUMENTS, SCANS * entities):
            return False
        self._missed.drop(name)
        return True


def idle_of(indexes: Iterable[AttributeIndex]) -> list[AttributeIndex]:
    """Return the learnt indexes that cost more than they saved in the period that ends, and start a new one.

    Changing a row of an index costs about as much as reading two documents.
    """
    idle = [each for each in indexes if each.ready and not each.asked and each.spared < 2 * each.upkeep]
    for each in indexes:
        each.upkeep = each.spared = 0
    return idle
