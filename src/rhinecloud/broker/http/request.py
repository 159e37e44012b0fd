"""One call of the door, read only as far as its route needs."""

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
"""Methods that bring a body, and with it an @context."""

READ_AWAY_DIGITS, READ_AWAY_S = 7, 1.0
"""A body that was refused unread is taken in nevertheless, where it is not larger and does not take longer."""


class Request:
    """What a handler sees: `variables` of the path, `query` parameters (decoded, each once), the actor and tenant, the
    representation to answer in, and the @context that the call works with.

    `newest` is the newest change's number where the door has just asked for it.
    `context` is compiled; `source` is the same @context as the client named it (a URL, or the object or list of its
    body); `link` is the header field that names it in answers of plain JSON, empty when it has no URL.
    `is_read` says whether the body was asked for.
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
        """Take what comes with the call; the door sets the rest before a handler sees it."""
        self.verb = verb
        self.headers = headers
        self.query_string = query_string
        self.receive = receive
        self.variables = variables
        self.newest = newest
        self.is_read = False
        self.admitted = None

    def header(self, name: bytes) -> str:
        """Give a header field as text, '' when it is absent."""
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
        """Give the bytes of the body, at most `limit`; raises LengthRequired when its length was not announced."""
        announced = self.headers.get(b"content-length")
        if announced is None:
            raise LengthRequired
        if not announced.isdigit() or len(announced) > 18:
            raise InvalidRequest("is not a number of bytes", field="Content-Length")
        length = int(announced)
        if length > limit:
            raise TooLarge(f"the body has {length} bytes; at most {limit} are read")
        return length

    async def body(self, length: int) -> bytes:
        """Read the body of so many bytes, or less where it ends before."""
        self.is_read = True
        left = length
        parts: list[bytes] = []
        while left > 0:  # to hear that nothing follows would take one more turn of the server's threads
            message = await self.receive()
            parts.append(message.get("body", b""))
            left -= len(parts[-1])
            if not message.get("more_body"):
                break
        return b"".join(parts)


async def read_away(request: Request | None, headers: Headers, receive: Receive) -> None:
    """Take in a body that was refused unread, unless it is large or slow, and answer only then.

    Who still sends when the connection is closed may never read the answer (RFC 9112, section 9.6).
    """
    announced = headers.get(b"content-length", b"0")
    if request is not None and request.is_read:
        return
    if not announced.isdigit() or len(announced) > READ_AWAY_DIGITS or b"expect" in headers:
        return
    left = int(announced)
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_AWAY_S):
            while left > 0:
                message = await receive()
                left = left - len(message.get("body", b"")) if message.get("more_body") else 0
