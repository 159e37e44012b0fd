"""Reads a request's body: JSON within the limits, and the @context that belongs to it.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.4, 6.3.4 and 6.3.5.
"""

from __future__ import annotations

from typing import Any

import orjson

from rhinecloud.broker.contexts import CompiledContext
from rhinecloud.broker.errors import InvalidRequest, LoopDetected, UnsupportedMediaType
from rhinecloud.broker.http.body_admission import SMALL_BYTES
from rhinecloud.broker.http.limits import check_body, check_members
from rhinecloud.broker.http.link import context_link, context_url
from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.route import HandlerContext
from rhinecloud.kernel.errors import Invalid, RhineCloudError, TooLarge
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.documents import CORE_URL, is_core_url
from rhinecloud.ngsild.fast_parsing import PlainAttribute, decode_item, decode_items

JSON_TYPE = "application/json"
PATCH_TYPE = "application/merge-patch+json"
LD_TYPE = "application/ld+json"
CONTEXT = "@context"
TWICE = "must not be combined with application/ld+json, which has its @context in the body"


async def read_json(parts: HandlerContext, request: Request) -> Any:
    """Return the body as JSON, without its @context being read.

    Raise LengthRequired, TooLarge, UnsupportedMediaType, and InvalidRequest if it is not JSON.
    """
    return _parse(await _read(parts, request), parts)


async def read_object(parts: HandlerContext, request: Request) -> dict[str, Any]:
    """Return the body as one object without its @context; set the request's @context from body or Link."""
    return await _take_object(parts, request, await read_json(parts, request))


async def read_entity(parts: HandlerContext, request: Request) -> dict[str, Any]:
    """Return the body as `read_object` does, but attributes of the usual shapes as
    `ngsild.fast_parsing.PlainAttribute`.
    """
    body = await _read(parts, request)
    return await _take_object(parts, request, decode_item(body) or _parse(body, parts))


async def read_objects(
    parts: HandlerContext, request: Request
) -> list[tuple[Any, Context | RhineCloudError]]:
    """Return the items of a JSON array, each with its @context: its own (JSON-LD) or the one that Link names (JSON).

    An item whose @context is not available is returned with the error instead, so that it fails alone. Attributes of
    the usual shapes are `ngsild.fast_parsing.PlainAttribute`. Raise Invalid if the array is empty or
    contains null, TooLarge if it is too long.
    """
    body = await _read(parts, request)
    content: Any = decode_items(body) or _parse(body, parts)
    if not isinstance(content, list) or not content:
        raise Invalid("the body must be a JSON array with at least one item")
    if len(content) > parts.settings.max_batch:
        raise TooLarge(f"the batch has {len(content)} items; at most {parts.settings.max_batch} are accepted")
    if any(item is None for item in content):
        raise Invalid("the array must not contain null")
    link = context_url(request.header(b"link"))
    is_plain = media_of(request) != LD_TYPE
    if is_plain:
        await set_context(parts, request, link)
    elif link is not None:
        raise Invalid(TWICE, field="Link")
    context = request.context
    return [
        (item, context)
        if not isinstance(item, dict) or (is_plain and CONTEXT not in item)
        else await _with_context(parts, request, item)
        for item in content
    ]


async def adopt_context(parts: HandlerContext, request: Request, content: dict[str, Any]) -> None:
    """Set the @context of a body: JSON-LD has it inside, JSON names it in a Link; raise Invalid for both."""
    link = context_url(request.header(b"link"))
    if media_of(request) == LD_TYPE:
        if link is not None:
            raise Invalid(TWICE, field="Link")
        if CONTEXT not in content:
            raise Invalid("must be in an application/ld+json body", field=CONTEXT)
        source = content[CONTEXT]
        await set_context(parts, request, source.members() if type(source) is PlainAttribute else source)
    elif CONTEXT in content:
        raise Invalid("must not be in an application/json body; name it in a Link header", field=CONTEXT)
    elif link is not None:  # without one it is the default, which the application has set
        await set_context(parts, request, link)


async def link_context(parts: HandlerContext, request: Request) -> None:
    """Host the @context of a body where a response in plain JSON must name it in a Link (clauses 5.13.1 and 6.3.6)."""
    if request.media is Media.JSON and not request.link:
        urls = request.source if isinstance(request.source, list) else [request.source]
        further = [url for url in urls if not (isinstance(url, str) and is_core_url(url))]
        alone = (further or [CORE_URL])[0] if len(further) < 2 else further
        request.link = context_link(await parts.contexts.host(request.tenant, alone))


async def set_context(parts: HandlerContext, request: Request, source: Any) -> None:
    """Set the request's @context to `source`, or to the default one if that is None."""
    if source is None:
        source = parts.settings.default_context or None
    compiled = await _compiled(parts, request, source)
    compiled.touch(parts.clock())
    request.context = compiled.context
    if source is not None:
        request.source = source
        request.link = context_link(source) if isinstance(source, str) else b""


async def _compiled(parts: HandlerContext, request: Request, source: Any) -> CompiledContext:
    """Compile an @context; other requests are processed while this one waits for a remote one."""
    if request.admitted is None or parts.contexts.is_compiled(request.tenant, source):
        return await parts.contexts.compiled(request.tenant, source)
    request.admitted.pause()
    try:
        return await parts.contexts.compiled(request.tenant, source)
    finally:
        await request.admitted.resume()


def media_of(request: Request) -> str:
    """Return the media type of the body without its parameters, the last of several (RFC 9110, 8.3)."""
    if request.headers.get(b"content-type") == b"application/json":
        return JSON_TYPE
    return request.header(b"content-type").rpartition(",")[2].partition(";")[0].strip().lower()


async def _read(parts: HandlerContext, request: Request) -> bytes:
    if parts.pseudonym.is_in(request.header(b"via")):
        raise LoopDetected("this is a notification of this city, which must not be its receiver")
    media = media_of(request)
    if media not in (JSON_TYPE, LD_TYPE) and not (media == PATCH_TYPE and request.verb == "PATCH"):
        raise UnsupportedMediaType(media)
    encoding = request.header(b"content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(f"{media} with the Content-Encoding {encoding}")
    length = request.length(parts.settings.max_body_bytes)
    return await (request.body(length) if length <= SMALL_BYTES else parts.admission.read(request, length))


def _parse(body: bytes, parts: HandlerContext) -> Any:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body must be JSON: {error}") from None
    check_body(body, content, parts.settings)
    return content


async def _take_object(parts: HandlerContext, request: Request, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InvalidRequest("the body must be a JSON object")
    check_members(content, parts.settings)
    await adopt_context(parts, request, content)
    if CONTEXT not in content:
        return content
    return {name: value for name, value in content.items() if name != CONTEXT}


async def _with_context(
    parts: HandlerContext, request: Request, item: dict[str, Any]
) -> tuple[Any, Context | RhineCloudError]:
    try:
        await adopt_context(parts, request, item)
    except RhineCloudError as error:
        return item, error
    return {name: value for name, value in item.items() if name != CONTEXT}, request.context
