"""`/openapi.json`: the door described for machines, made when somebody asks for it first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import orjson

from rhinecloud.broker.description import describe
from rhinecloud.broker.door.media import Media
from rhinecloud.broker.door.reply import Reply
from rhinecloud.broker.door.request import Request
from rhinecloud.broker.door.route import Parts, Route


def route_of(table: Sequence[Route]) -> Route:
    """Make the route that describes a table, and itself."""

    @lru_cache(1)
    def written(max_limit: int) -> bytes:
        return orjson.dumps(describe((*table, own), max_limit=max_limit))

    async def serve(parts: Parts, request: Request) -> Reply:
        """Retrieve this document; it is no part of the standard."""
        return Reply(200, [(b"content-type", b"application/json")], written(parts.settings.max_limit))

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
