"""One HTTP request, read only as far as its route needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rhinecloud.broker.errors import InvalidRequest, LengthRequired
from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.query_parameters import ParameterKey, QueryParameters
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import TooLarge
from rhinecloud.ngsild.context import Context

if TYPE_CHECKING:
    from rhinecloud.broker.http.admission import AdmittedRequest

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Mapping[bytes, bytes]


BODIED = frozenset({"POST", "PATCH", "PUT"})
"""Methods of requests that have a body, which may contain an @context."""

DISCARD_DIGITS, DISCARD_S = 7, 1.0
"""The body of a refused request is received and discarded if its length has no more digits and it takes no longer."""


class Request:
    """What a handler is given: `variables` of the path, `query` parameters (decoded, each once), the actor and tenant,
    the representation of the response, and the @context.

    `newest` is the number of the newest change if it was just looked up.
    `context` is compiled; `source` is the same @context as the client named it (a URL, or the object or list of its
    body); `link` is the header field that names it in responses of plain JSON, empty when it has no URL.
    `is_read` says whether the body was read.
    `admitted` is the memory reserved for a larger body, None where the body is small.
    """

    __slots__ = (
        "actor",
        "admitted",
        "context",
        "headers",
        "is_read",
        "link",
        "media",
        "newest",
        "query",
        "query_string",
        "receive",
        "source",
        "tenant",
        "variables",
        "verb",
    )

    actor: Actor
    context: Context
    is_read: bool
    link: bytes
    media: Media
    query: Mapping[str, str]
    source: Any
    admitted: AdmittedRequest | None
    tenant: str

    def __init__(
        self,
        verb: str,
        headers: Headers,
        query_string: bytes,
        receive: Receive,
        variables: Mapping[str, str],
        newest: int | None = None,
    ) -> None:
        """Keep what was received; the application sets the other attributes before it calls a handler."""
        self.verb = verb
        self.headers = headers
        self.query_string = query_string
        self.receive = receive
        self.variables = variables
        self.newest = newest
        self.is_read = False
        self.admitted = None

    def header(self, name: bytes) -> str:
        """Return a header field as text, '' where it is absent."""
        return self.headers.get(name, b"").decode("latin-1")

    def parameters(self) -> QueryParameters:
        """Return the query parameters with what their meaning depends on; `parameter_key` changes whenever they do."""
        entity_map = b"ngsild-entitymap" in self.headers
        prefer = self.header(b"prefer")
        return QueryParameters(
            self.query, self.context, self.media, self.link, self.source, prefer, entity_map
        )

    def parameter_key(self) -> ParameterKey:
        """Return the key of `parameters` of a request without a body, where `link` stands for `source`."""
        headers = self.headers
        return ParameterKey(
            self.query_string,
            self.context.key,
            self.link,
            self.media,
            headers.get(b"prefer", b""),
            b"ngsild-entitymap" in headers,
        )

    def length(self, limit: int) -> int:
        """Return the announced bytes of the body. Raise LengthRequired, InvalidRequest, or TooLarge above `limit`."""
        announced = self.headers.get(b"content-length")
        if announced is None:
            raise LengthRequired
        if not announced.isdigit() or len(announced) > 18:
            raise InvalidRequest("must be a number of bytes", field="Content-Length")
        length = int(announced)
        if length > limit:
            raise TooLarge(f"the body has {length} bytes; at most {limit} are accepted")
        return length

    async def body(self, length: int) -> bytes:
        """Return the body, `length` bytes or fewer if it ends before."""
        self.is_read = True
        left = length
        parts: list[bytes] = []
        while (
            left > 0
        ):  # one more message, to learn that nothing follows, would cost a switch of the server's threads
            message = await self.receive()
            parts.append(message.get("body", b""))
            left -= len(parts[-1])
            if not message.get("more_body"):
                break
        return b"".join(parts)


async def discard_body(request: Request | None, headers: Headers, receive: Receive) -> None:
    """Receive the body of a refused request before it is answered, unless it is large or slow.

    A client that is still sending when the connection is closed may never read the response (RFC 9112, section 9.6).
    """
    announced = headers.get(b"content-length", b"0")
    if request is not None and request.is_read:
        return
    if not announced.isdigit() or len(announced) > DISCARD_DIGITS or b"expect" in headers:
        return
    left = int(announced)
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_S):
            while left > 0:
                message = await receive()
                left = left - len(message.get("body", b"")) if message.get("more_body") else 0
