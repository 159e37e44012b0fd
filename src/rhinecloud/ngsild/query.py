"""What a query asks for, parsed: type selection, ids, `q`, geometry, scope, order. Pure; engines turn it into their own terms.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9 (q), 4.10 (geoQ), 4.17 (type selection), 4.19 (scopeQ), 4.23 (ordering).
"""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.ngsild.entity import Entity


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """A query over the entities of one tenant; every part that is given must hold.

    `types` is a disjunction of conjunctions of type IRIs (clause 4.17); `attrs` are IRIs of which an entity has one.
    """

    types: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ()
    id_pattern: str = ""
    attrs: tuple[str, ...] = ()
    limit: int = 20
    offset: int = 0
    count: bool = False


def matches(query: EntityQuery, entity: Entity) -> bool:
    """Tell whether an entity is among what the query asks for (paging and order apart)."""
    raise NotImplementedError
