"""What there is in the city: which types and attributes the entities of a tenant have, counted by looking.

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
"""From so many entities on, a count may be `STALE_S` old: looking at all of them takes its time."""

STALE_S = 60.0

REMEMBERED = 100
"""Counts kept: one for each tenant and each set of types that somebody may not see."""


@dataclass(slots=True)
class AttributeCount:
    """One attribute: how many instances there are, of which kinds, on entities of which types."""

    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class TypeCounts:
    """A tenant's types and attributes, all names being IRIs; `seq` is the change up to which it counts."""

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
            tally = self.attributes.get(iri)
            if tally is None:
                tally = self.attributes[iri] = AttributeCount()
            kinds = [instance.type for instance in instances]
            tally.count += len(kinds)
            tally.kinds.update(kinds)
            tally.types.update(entity.type)
            for each in entity.type:
                by_type = self.attributes_by_type.setdefault(each, {})
                by_type.setdefault(iri, Counter()).update(kinds)


TallyKey = tuple[str, frozenset[str], RowCondition | None]
"""A tenant, the types that are not counted, and the condition that each counted entity meets."""


class Discovery:
    """Counts on demand and remembers the last counts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tallies: BoundedCache[TallyKey, TypeCounts] = BoundedCache(most=REMEMBERED)

    async def tally(
        self, tenant: str, may_see: Callable[[str], bool], rows: RowCondition | None = None
    ) -> TypeCounts:
        """Count the entities whose types `may_see` allows and that `rows` admits.

        In a large city the count may be a minute old.
        """
        hidden = frozenset(name for name in await self._store.types(tenant) if not may_see(name))
        key = (tenant, hidden, rows)
        known = self._tallies.find(key)
        now = self._clock().timestamp()
        if known is not None and (
            known.seq == self._store.last_change() or (known.entities >= LARGE and now - known.at < STALE_S)
        ):
            return known
        tally = TypeCounts(self._store.last_change(), now)
        offset, more = 0, True
        while more:
            page = await self._store.query(
                tenant, EntityQuery(hidden=hidden, rows=rows, limit=PAGE, offset=offset)
            )
            for stored in page.items:
                tally.add(stored.entity())
            offset += PAGE
            more = page.more
        if rows is None or rows.is_steady:
            self._tallies.keep(key, tally)
        return tally
