"""Responses to earlier GETs, sent again as long as they are valid.

`BrokerApplication` checks each one before it is sent: the caller must be the same, and the data and the @context must
not have changed. In return the most frequent requests, which ask again and again for the same entity or page, are
answered without routing, parsing or rendering.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rhinecloud.broker.contexts import CompiledContext
from rhinecloud.broker.http.response import CacheValidator, Response
from rhinecloud.broker.http.route import Route
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.cache import BoundedCache

CACHE_BYTES = 16 * 1024 * 1024
"""Memory for all responses."""

OVERHEAD_BYTES = 640
"""Memory that keeping a response takes beside its own bytes and those of its key."""

RequestKey = tuple[bytes | None, ...]
"""All that the response to a GET may depend on: path, query string, and header fields."""


def request_key(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> RequestKey:
    """Return the key of a request, without the header fields that only add fields to each response."""
    field = headers.get
    return (
        scope["raw_path"],
        scope["query_string"],
        field(b"authorization"),
        field(b"cookie"),
        field(b"accept"),
        field(b"link"),
        field(b"ngsild-tenant"),
        field(b"prefer"),
        field(b"ngsild-entitymap"),
        field(b"data-purpose"),
    )


class CachedResponse(msgspec.Struct, frozen=True, gc=False):
    """A response and what it depends on: its validator, who asked, and the generation of the @contexts."""

    response: Response
    validator: CacheValidator
    route: Route
    actor: Actor
    tenant: str
    compiled: CompiledContext
    generation: int


class ResponseCache:
    """Keeps responses within `most_bytes`; `hits` and `misses` count the GETs that could be answered from it."""

    def __init__(self, most_bytes: int) -> None:
        self._responses: BoundedCache[RequestKey, CachedResponse] = BoundedCache(
            most=most_bytes, weigh=_weigh
        )
        self.find = self._responses.find
        """Return the response to a request, valid or not; None where there is none."""
        self.keep = self._responses.keep
        """Keep a response, unless it is large."""
        self.hits = 0
        self.misses = 0

    @property
    def held(self) -> int:
        """How many responses are kept."""
        return self._responses.held


def _weigh(key: RequestKey, cached: CachedResponse) -> int:
    response = cached.response
    key_bytes = sum([len(each) for each in key if each])
    header_bytes = sum([len(name) + len(value) for name, value in response.headers])
    return OVERHEAD_BYTES + key_bytes + header_bytes + len(response.body)
