"""Pages of a longer list: `limit`, `offset` and `count`, and the links to the pages before and after.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.9, 6.3.10 and 6.3.13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rhinecloud.broker.http.link import page_link
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import HeaderList
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.page import Page

PAGING = frozenset({"limit", "offset", "count"})
"""The parameters of every list."""

SAFE = ":/?@!$'()*,;=|~[]{}^-._"
"""Characters that are not escaped in a link: clients compare links, and none of these ends one."""


@dataclass(frozen=True, slots=True)
class Paging:
    """The part of a list that a request asks for."""

    limit: int
    offset: int
    count: bool


def parse_paging(parameters: QueryParameters, settings: BrokerSettings) -> Paging:
    """Return the paging parameters. Raise Invalid for a page of 0 without a count, or one above the limit."""
    limit = parameters.number("limit", settings.default_limit)
    count = parameters.flag("count")
    if limit == 0 and not count:
        raise Invalid("must be 1 or more without count=true", field="limit")
    if limit > settings.max_limit:
        raise Invalid(f"must be at most {settings.max_limit}", field="limit")
    return Paging(limit, parameters.number("offset", 0), count)


def paging_headers(request: Request, path: str, paging: Paging, page: Page[Any]) -> HeaderList:
    """Return the header fields of a page: links to the pages before and after, and the count if requested."""
    headers: HeaderList = []
    if paging.offset > 0 and paging.limit:
        target = _target(request, path, paging.limit, max(0, paging.offset - paging.limit))
        headers.append((b"link", page_link(target, "prev", request.media)))
    if page.more and paging.limit:
        target = _target(request, path, paging.limit, paging.offset + paging.limit)
        headers.append((b"link", page_link(target, "next", request.media)))
    if page.total is not None:
        headers.append((b"ngsild-results-count", str(page.total).encode()))
    return headers


def _target(request: Request, path: str, limit: int, offset: int) -> str:
    parameters = {**request.query, "limit": str(limit), "offset": str(offset)}
    query = "&".join(f"{name}={quote(parameters[name], safe=SAFE)}" for name in sorted(parameters))
    return f"/ngsi-ld/v1{path}?{query}"
