"""`/openapi.json`: the OpenAPI document of the API, made at the first request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import orjson

from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.broker.openapi import describe


def route_of(table: Sequence[Route]) -> Route:
    """Return the route of the document that describes a table of routes, and itself."""

    @cache
    def written(max_limit: int) -> bytes:
        return orjson.dumps(describe((*table, own), max_limit=max_limit))

    async def serve(parts: HandlerContext, request: Request) -> Response:
        """Retrieve this document, which is not part of the standard."""
        return Response(200, [(b"content-type", b"application/json")], written(parts.settings.max_limit))

    own = Route(
        "GET",
        "/openapi.json",
        serve,
        "describe",
        offers=(Media.JSON,),
        anonymous=True,
        answers=((200, "Description"),),
    )
    return own
