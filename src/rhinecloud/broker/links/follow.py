"""Evaluates the terms of an expression that follow relationships, before the expression itself is evaluated.

For a query, the entities for which the inner term holds are searched first, with the same read rights; the term then
holds for each entity whose relationship leads to one of them. For one entity (of a change that a subscription is
matched with), its own relationships are followed. Source: ETSI GS CIM 009 v1.9.1, clause 4.9, examples 13 and 14.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rhinecloud.broker.links.join import Find
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.entity import RELATIONSHIPS, Entity
from rhinecloud.ngsild.expression import Expression, links, resolve
from rhinecloud.ngsild.linked import Linked, Reaches
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Stored

MAX_FOUND = 10_000
"""Most linked entities of one term."""

Ask = Callable[[EntityQuery], Awaitable[Page[Stored]]]


async def follow(expression: Expression, ask: Ask) -> Expression:
    """Return an expression that needs only one entity. Raise Invalid if a term leads to too many entities."""
    return resolve(expression, {linked: await _find(linked, ask) for linked in links(expression)})


def follow_from(expression: Expression, entity: Entity, find: Find) -> Expression:
    """Return an expression that needs only `entity`: its relationships are followed."""
    return resolve(expression, {linked: _reached(linked, entity, find) for linked in links(expression)})


async def _find(linked: Linked, ask: Ask) -> frozenset[str]:
    inner = await follow(linked.term, ask)
    page = await ask(EntityQuery(types=tuple((iri,) for iri in linked.types), q=inner, limit=MAX_FOUND))
    if page.more:
        raise Invalid(f"{linked.subject} must lead to at most {MAX_FOUND} entities", field="q")
    return frozenset(stored.id for stored in page.items)


def _reached(term: Linked, entity: Entity, find: Find) -> frozenset[str]:
    """Return the entities to which a term's relationship leads from `entity` and for which its inner term holds."""
    found = set()
    for kind, value in term.path.targets(entity):
        names = (value if isinstance(value, list) else [value]) if kind in RELATIONSHIPS else []
        for name in names:
            linked = find(name) if isinstance(name, str) else None
            if linked is not None and _holds(term, linked, find):
                found.add(linked.id)
    return frozenset(found)


def _holds(term: Linked, linked: Entity, find: Find) -> bool:
    if term.types and not any(each in linked.type for each in term.types):
        return False
    inner = term.term
    if isinstance(inner, Linked):
        return Reaches(inner.path, _reached(inner, linked, find)).holds(linked)
    return inner.holds(linked)
