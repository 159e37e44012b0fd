"""Querying and purging `/entities`, and the query by POST (clauses 5.6.21, 5.7.2, 6.4.3.2, 6.4.3.3, 6.23)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from rhinecloud.broker.errors import TooComplexQuery
from rhinecloud.broker.http.batch_result import MIXED, batch_result
from rhinecloud.broker.http.body import link_context, read_object
from rhinecloud.broker.http.limits import check_query, check_selectors
from rhinecloud.broker.http.media import SPATIAL
from rhinecloud.broker.http.paging import PAGING, Paging, paging_headers, parse_paging
from rhinecloud.broker.http.parameters import JOIN, SHAPE, UNBUILT, parse_join, parse_options, refuse_unbuilt
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.http.rendering import View, linked, listing, view_of
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import CacheValidator, HeaderList, Response
from rhinecloud.broker.http.route import DONE, HandlerContext, Route
from rhinecloud.broker.http.selection import (
    ORDER,
    SELECTION,
    member_of,
    parse_query,
    parse_selectors,
    query_parameters,
)
from rhinecloud.broker.links.join import Join, LinkedEntities
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.representation import parse_names
from rhinecloud.store.port import Stored


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """The parsed parameters of a query; `headers` are those of its pages with and without a next page.

    Compared by identity: one is used for many requests.
    """

    view: View
    query: EntityQuery
    paging: Paging
    join: Join | None
    headers: dict[bool, HeaderList] = field(default_factory=dict)


async def query_entities(parts: HandlerContext, request: Request) -> Response:
    """Query Entities (clause 6.4.3.2)."""
    search = parts.parameters.parse(request, _parse_search, parts.settings)
    newest = await parts.broker.newest_change() if request.newest is None else request.newest
    return await _answer(parts, request, search, "/entities", CacheValidator("", newest))


async def query_by_post(parts: HandlerContext, request: Request) -> Response:
    """Query Entities by POST (clause 6.23.3.1)."""
    content = await read_object(parts, request)
    await link_context(parts, request)
    asked = {**request.query, **query_parameters(content)}
    if "entities" in content:
        asked["entities"] = ""
    try:
        search = _parse_search(replace(request.parameters(), values=asked), parts.settings)
    except Invalid as error:
        raise type(error)(error.reason, field=member_of(error.field)) from None
    if "entities" in content:
        check_selectors(content["entities"], parts.settings)
        selectors = parse_selectors(content["entities"], request.context)
        search = replace(search, query=replace(search.query, selectors=selectors))
        check_query(search.query, parts.settings)
    if request.admitted is not None:  # the rest of the body is small
        del content
        request.admitted.release()
    return await _answer(parts, request, search, "/entityOperations/query")


async def purge(parts: HandlerContext, request: Request) -> Response:
    """Purge Entities: delete those that match, or of their attributes those to `drop`, or all but those to `keep`
    (clause 6.4.3.3)."""
    query = parse_query(request.parameters(), parts.settings, deletes=True)
    names = {name: _names(request, name) for name in ("drop", "keep")}
    if names["drop"] and names["keep"]:
        raise Invalid("must not be combined with keep", field="drop")
    actor, tenant = request.actor, request.tenant
    results = await parts.broker.purge(actor, tenant, query, drop=names["drop"], keep=names["keep"])
    return batch_result(results)


async def _answer(
    parts: HandlerContext,
    request: Request,
    search: Search,
    path: str,
    validator: CacheValidator | None = None,
) -> Response:
    """Answer a query; `validator` is what the response depends on, unless a part of it expires or is linked."""
    page = await _find(parts, request, search.query)
    if search.join is None:
        body = parts.renderer.listed(request.tenant, page.items, search.view)
    else:
        body = await _joined(parts, request, page.items, search.view, search.join)
    headers = None if page.total is not None else search.headers.get(page.more)
    if headers is None:
        headers = [*search.view.headers, *paging_headers(request, path, search.paging, page)]
        if page.total is None:
            search.headers[page.more] = headers
    lasts = search.join is None and parts.broker.never_expires(page.items)
    return Response(search.view.status(page.items), headers, body, validator if lasts else None)


async def _find(parts: HandlerContext, request: Request, query: EntityQuery) -> Page[Stored]:
    """Return the page. Raise TooComplexQuery if documents must be read for longer than the settings allow."""
    if not query.remaining(("types", "ids")) and not query.order:
        return await parts.broker.query(request.actor, request.tenant, query)
    most_s = parts.settings.max_query_s
    try:
        async with asyncio.timeout(most_s):
            return await parts.broker.query(request.actor, request.tenant, query)
    except TimeoutError:
        raise TooComplexQuery(f"the query took longer than {most_s:g} s") from None


def _parse_search(parameters: QueryParameters, settings: BrokerSettings) -> Search:
    refuse_unbuilt(parameters)
    paging = parse_paging(parameters, settings)
    query = replace(
        parse_query(parameters, settings), limit=paging.limit, offset=paging.offset, count=paging.count
    )
    options = parse_options(parameters)
    view = view_of(parameters, options, collected=True)
    return Search(view, query, paging, parse_join(parameters, options))


async def _joined(
    parts: HandlerContext, request: Request, items: list[Stored], view: View, join: Join
) -> bytes:
    """Return entities with their linked entities (clause 4.5.23)."""
    entities = [stored.entity() for stored in items]

    def show(linker: LinkedEntities) -> list[dict[str, Any]]:
        return [linker.inline(entity) for entity in entities] if join.inline else linker.flat(entities)

    return listing(await linked(parts.broker, request, join, show), view)


def _names(request: Request, name: str) -> frozenset[str]:
    text = request.query.get(name)
    if text is None:
        return frozenset()
    if not text:
        raise Invalid("must not be empty", field=name)
    if "{" in text:
        raise Invalid("must not name members of linked entities", field=name)
    return parse_names(text, request.context, field=name)


_QUERY = SELECTION | ORDER | SHAPE | JOIN | PAGING | UNBUILT
_PURGE = SELECTION | {"attrs", "drop", "keep", "local", "csf", "geometryProperty"}
FOUND = ((200, "EntityList"), (203, "EntityList"))

ROUTES = (
    Route("GET", "/entities", query_entities, "queryEntity", _QUERY, SPATIAL, answers=FOUND),
    Route("DELETE", "/entities", purge, "purgeEntity", _PURGE, (), answers=(*DONE, MIXED)),
    Route(
        "POST",
        "/entityOperations/query",
        query_by_post,
        "queryBatch",
        PAGING | SHAPE,
        SPATIAL,
        body="Query",
        answers=FOUND,
    ),
)
