"""Which types and attributes the entities of a tenant have, counted on demand.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.7.5 to 5.7.11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import EntityQuery, RowCondition
from rhinecloud.store.port import Store

PAGE = 1_000
LARGE = 20_000
"""With this many entities a count may be `STALE_S` old: reading all of them takes long."""

STALE_S = 60.0

COUNTS_KEPT = 100
"""Counts kept: one for each tenant and each set of types that an actor may not read."""


@dataclass(slots=True)
class AttributeCount:
    """One attribute: how many instances exist, of which types, on entities of which types."""

    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class TypeCounts:
    """A tenant's types and attributes by IRI; `seq` is the newest change that is counted."""

    seq: int
    at: float
    entities: int = 0
    types: Counter[str] = field(default_factory=Counter)
    attributes: dict[str, AttributeCount] = field(default_factory=dict)
    attributes_by_type: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)

    def add(self, entity: Entity) -> None:
        """Count one entity."""
        self.entities += 1
        self.types.update(entity.type)
        for iri, instances in entity.attrs.items():
            count = self.attributes.get(iri)
            if count is None:
                count = self.attributes[iri] = AttributeCount()
            kinds = [instance.type for instance in instances]
            count.count += len(kinds)
            count.kinds.update(kinds)
            count.types.update(entity.type)
            for each in entity.type:
                by_type = self.attributes_by_type.setdefault(each, {})
                by_type.setdefault(iri, Counter()).update(kinds)


CountsKey = tuple[str, frozenset[str], RowCondition | None]
"""A tenant, the types that are not counted, and the condition that each counted entity meets."""


class Discovery:
    """Counts on demand and keeps the last counts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: BoundedCache[CountsKey, TypeCounts] = BoundedCache(most=COUNTS_KEPT)

    async def count(
        self, tenant: str, may_see: Callable[[str], bool], rows: RowCondition | None = None
    ) -> TypeCounts:
        """Count the entities whose types `may_see` allows and that `rows` admits.

        In a large city the count may be a minute old.
        """
        hidden = frozenset(name for name in await self._store.types(tenant) if not may_see(name))
        key = (tenant, hidden, rows)
        known = self._counts.find(key)
        now = self._clock().timestamp()
        if known is not None and (
            known.seq == self._store.last_change() or (known.entities >= LARGE and now - known.at < STALE_S)
        ):
            return known
        counts = TypeCounts(self._store.last_change(), now)
        offset, more = 0, True
        while more:
            page = await self._store.query(
                tenant, EntityQuery(hidden=hidden, rows=rows, limit=PAGE, offset=offset)
            )
            for stored in page.items:
                counts.add(stored.entity())
            offset += PAGE
            more = page.more
        if rows is None or rows.is_steady:
            self._counts.keep(key, counts)
        return counts
