"""What the HTTP layer answers: status, header fields, bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.prefer import preferred_version, version_text
from rhinecloud.broker.http.request import Request

HeaderList = list[tuple[bytes, bytes]]


class CacheValidator(NamedTuple):
    """What a response depends on: an entity's `version` or, where `entity_id` is empty, the newest change of all."""

    entity_id: str
    version: int


class Response:
    """A response ready to be sent; `headers` are not changed after it is made, so lists of them may be shared.

    One with a `validator` may be sent again to the same actor for the same request until what that names has changed.
    """

    __slots__ = ("body", "headers", "status", "validator")

    def __init__(
        self,
        status: int,
        headers: HeaderList | None = None,
        body: bytes = b"",
        validator: CacheValidator | None = None,
    ) -> None:
        self.status = status
        self.headers = headers if headers is not None else []
        self.body = body
        self.validator = validator


def nothing() -> Response:
    """Return 204: done, no content."""
    return Response(204)


def created(collection: str, name: str) -> Response:
    """Return 201 with the path of what was created in a collection of the API.

    The slashes of a name that is a URI are not escaped, unless it ends in one, or the router would read one as that
    before an attribute.
    """
    path = quote(name, safe=":" if "/attrs" in name or name.endswith("/") else ":/")
    return Response(201, [(b"location", f"/ngsi-ld/v1/{collection}/{path}".encode())])


def plain(status: int, document: Any) -> Response:
    """Return JSON that has no @context: errors and partial successes (clause 6.3.6)."""
    return Response(status, [(b"content-type", b"application/json")], orjson.dumps(document))


def document_headers(request: Request, extra: Sequence[tuple[bytes, bytes]] = ()) -> HeaderList:
    """Return the header fields of a document in the request's representation: JSON names its @context in a Link."""
    headers: HeaderList = [(b"content-type", request.media.value.encode())]
    if request.media is Media.JSON and request.link:
        headers.append((b"link", request.link))
    version = preferred_version(request.header(b"prefer"))
    if version is not None:
        headers.append((b"preference-applied", version_text(version).encode()))
    headers.extend(extra)
    return headers


def document(request: Request, content: Any, extra: Sequence[tuple[bytes, bytes]] = ()) -> Response:
    """Return 200 with an object or a list of objects of compact names; JSON-LD has the @context inside."""
    if request.media is Media.LD:
        content = (
            [_with_context(each, request) for each in content]
            if isinstance(content, list)
            else _with_context(content, request)
        )
    return Response(200, document_headers(request, extra), orjson.dumps(content))


def _with_context(content: Any, request: Request) -> Any:
    return {**content, "@context": request.source} if isinstance(content, dict) else content
