"""Which attribute indexes pay: what queries looked through for want of one, against what writes spend on one.

Pure arithmetic over what it is told; `now` is seconds on any clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rhinecloud.kernel.cache import BoundedCache

HALF_LIFE_S = 3_600.0
"""Documents that were looked through count half after an hour."""

SCANS = 10
"""An index is worth its building once queries looked through so many times what there is."""

LEAST_DOCUMENTS = 200_000
"""So many documents, about a second of looking, are not worth an index."""

MOST_LEARNT = 16
"""So many indexes are built unasked."""

SEASON_S = 86_400.0
"""So long an index that was built unasked has time to prove its worth, again and again."""


@dataclass(slots=True)
class AttributeIndex:
    """One attribute's index: `asked` by an operator, else learnt; `built` up to which row, None when it is whole.

    `upkeep` counts the rows that writes changed in it, `spared` the documents that no query had to look into.
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
    """Adds up, attribute by attribute, the documents that queries looked through in vain."""

    def __init__(self) -> None:
        self._missed: BoundedCache[str, tuple[float, float]] = BoundedCache(most=COUNTED, longest=2_048)

    def miss(self, name: str, documents: int, entities: int, now: float) -> bool:
        """Count documents that an index would have spared. Return whether there have been enough to build one."""
        amount, at = self._missed.find(name) or (0.0, now)
        amount = amount * 0.5 ** ((now - at) / HALF_LIFE_S) + documents
        self._missed.keep(name, (amount, now))
        if amount < max(LEAST_DOCUMENTS, SCANS * entities):
            return False
        self._missed.drop(name)
        return True


def idle_of(indexes: Iterable[AttributeIndex]) -> list[AttributeIndex]:
    """Return the learnt indexes that cost more than they spared in the season that ends, and let a new one begin.

    Changing a row of an index costs about as much as looking into two documents.
    """
    idle = [each for each in indexes if each.ready and not each.asked and each.spared < 2 * each.upkeep]
    for each in indexes:
        each.upkeep = each.spared = 0
    return idle
