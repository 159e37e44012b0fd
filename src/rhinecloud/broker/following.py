"""Answers the parts of a query that follow relationships, before the query itself is asked.

The entities of which the inner term holds are searched first, with the same eyes as the rest; then the relationship has
only to lead to one of them. Source: ETSI GS CIM 009 v1.9.1, clause 4.9, examples 13 and 14.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.expression import Expression, links, resolve
from rhinecloud.ngsild.linked import Linked
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Stored

MAX_FOUND = 10_000
"""How many linked entities a term may lead to."""

Ask = Callable[[EntityQuery], Awaitable[Page[Stored]]]


async def follow(expression: Expression, ask: Ask) -> Expression:
    """Give an expression that an entity can answer alone; raises Invalid where a term leads to too many entities."""
    return resolve(expression, {linked: await _find(linked, ask) for linked in links(expression)})


async def _find(linked: Linked, ask: Ask) -> frozenset[str]:
    inner = await follow(linked.term, ask)
    page = await ask(EntityQuery(types=tuple((iri,) for iri in linked.types), q=inner, limit=MAX_FOUND))
    if page.more:
        raise Invalid(f"{linked.subject} leads to more than {MAX_FOUND} entities", field="q")
    return frozenset(stored.id for stored in page.items)
