"""`/jsonldContexts`: adding, listing, serving, deleting and reloading @contexts (clauses 5.13 and 6.29 to 6.30)."""

from __future__ import annotations

import orjson

from rhinecloud.broker.contexts import ContextKind, StoredContext
from rhinecloud.broker.http.body import read_json
from rhinecloud.broker.http.media import DOCUMENT
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response, created, nothing, plain
from rhinecloud.broker.http.route import CREATED, DONE, HandlerContext, Route
from rhinecloud.kernel.errors import Invalid
from rhinecloud.policy import CoreAction

PATH = "/jsonldContexts"


async def add(parts: HandlerContext, request: Request) -> Response:
    """Add @context (clause 6.29.3.1)."""
    parts.broker.allow(request.actor, CoreAction.HOST_CONTEXT, request.tenant)
    entry = await parts.contexts.add(request.tenant, await read_json(parts, request))
    return created("jsonldContexts", entry.local_id)


async def list_all(parts: HandlerContext, request: Request) -> Response:
    """List @contexts (clause 6.29.3.2)."""
    parts.broker.allow(request.actor, CoreAction.READ, request.tenant)
    details = _flag(request, "details")
    kind = _kind(request.query.get("kind"))
    entries = parts.contexts.list(request.tenant, kind)
    if details:
        return plain(200, [_describe(parts, entry) for entry in entries])
    return plain(200, [parts.contexts.url(entry) for entry in entries])


async def serve(parts: HandlerContext, request: Request) -> Response:
    """Serve @context (clause 6.30.3.1); everyone may read what a Link header links to."""
    name = request.variables["contextId"]
    if _flag(request, "details"):
        entry = parts.contexts.get(request.tenant, name)
        reply = plain(200, _describe(parts, entry))
    else:
        content = parts.contexts.content(request.tenant, name)
        entry = parts.contexts.get(request.tenant, name)
        reply = Response(200, [(b"content-type", request.media.value.encode())], orjson.dumps(content))
    entry.touch(parts.clock())
    return reply


async def delete(parts: HandlerContext, request: Request) -> Response:
    """Delete and Reload @context (clause 6.30.3.2)."""
    parts.broker.allow(request.actor, CoreAction.HOST_CONTEXT, request.tenant)
    name = request.variables["contextId"]
    if _flag(request, "reload"):
        await parts.contexts.reload(request.tenant, name)
    else:
        await parts.contexts.delete(request.tenant, name)
    return nothing()


def _describe(parts: HandlerContext, entry: StoredContext) -> dict[str, object]:
    return entry.describe(parts.contexts.url(entry))


def _flag(request: Request, name: str) -> bool:
    text = request.query.get(name, "false")
    if text not in ("true", "false", ""):
        raise Invalid(f"must be true or false, not {text!r}", field=name)
    return text == "true"


def _kind(text: str | None) -> ContextKind | None:
    if not text:
        return None
    try:
        return ContextKind(text)
    except ValueError:
        raise Invalid(f"must be one of {', '.join(ContextKind)}, not {text!r}", field="kind") from None


ROUTES = (
    Route("POST", PATH, add, "addContext", offers=(), body="ContextDocument", answers=CREATED),
    Route(
        "GET", PATH, list_all, "listContexts", frozenset({"details", "kind"}), answers=((200, "ContextList"),)
    ),
    Route(
        "GET",
        f"{PATH}/{{contextId}}",
        serve,
        "serveContext",
        frozenset({"details"}),
        DOCUMENT,
        anonymous=True,
        answers=((200, "ContextOrDetails"),),
    ),
    Route(
        "DELETE", f"{PATH}/{{contextId}}", delete, "deleteContext", frozenset({"reload"}), (), answers=DONE
    ),
)
