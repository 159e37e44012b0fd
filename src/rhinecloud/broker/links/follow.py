"""Answers the parts of an expression that follow relationships, before the expression itself is asked.

For a query, the entities of which the inner term holds are searched first, with the same eyes as the rest; then the
relationship has only to lead to one of them. For one entity (a subscription judges a change), its own relationships are
followed. Source: ETSI GS CIM 009 v1.9.1, clause 4.9, examples 13 and 14.
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
"""How many linked entities a term may lead to."""

Ask = Callable[[EntityQuery], Awaitable[Page[Stored]]]


async def follow(expression: Expression, ask: Ask) -> Expression:
    """Give an expression that an entity can answer alone; raises Invalid where a term leads to too many entities."""
    return resolve(expression, {linked: await _find(linked, ask) for linked in links(expression)})


def follow_from(expression: Expression, entity: Entity, find: Find) -> Expression:
    """Give an expression that `entity` can answer alone, its relationships followed."""
    return resolve(expression, {linked: _reached(linked, entity, find) for linked in links(expression)})


async def _find(linked: Linked, ask: Ask) -> frozenset[str]:
    inner = await follow(linked.term, ask)
    page = await ask(EntityQuery(types=tuple((iri,) for iri in linked.types), q=inner, limit=MAX_FOUND))
    if page.more:
        raise Invalid(f"{linked.subject} leads to more than {MAX_FOUND} entities", field="q")
    return frozenset(stored.id for stored in page.items)


def _reached(term: Linked, entity: Entity, find: Find) -> frozenset[str]:
    """List the entities to which a term's relationship leads from `entity` and of which its inner term holds."""
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
