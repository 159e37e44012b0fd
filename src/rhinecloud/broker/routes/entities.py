"""`/entities/{id}` and creating in `/entities`: one entity at a time (clauses 5.6.1, 5.6.6, 5.6.17, 5.6.18, 5.7.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson

from rhinecloud.broker.entities.edits import Change, TypeSelection, is_of, whole
from rhinecloud.broker.errors import InvalidRequest
from rhinecloud.broker.http.body import read_entity
from rhinecloud.broker.http.media import SPATIAL
from rhinecloud.broker.http.parameters import (
    JOIN,
    SHAPE,
    UNBUILT,
    entity_id,
    listed_options,
    parse_join,
    parse_options,
    refuse_unbuilt,
    type_selection,
)
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.http.rendering import EMPTY, View, linked, listing, view_of, with_context
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import CacheValidator, Response, created, nothing
from rhinecloud.broker.http.route import CREATED, DONE, HandlerContext, Route
from rhinecloud.broker.links.join import Join
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.parsing import parse_entity, parse_fragment
from rhinecloud.ngsild.patch import Patched
from rhinecloud.ngsild.values import check_moment
from rhinecloud.store.port import Stored


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The parsed parameters of a retrieval."""

    view: View
    types: TypeSelection
    join: Join | None

    @property
    def plain(self) -> bool:
        """Whether the entity is shown whatever its types and attributes are."""
        return not self.types and not self.view.options.attrs


async def create(parts: HandlerContext, request: Request) -> Response:
    """Create Entity (clause 6.4.3.1)."""
    now = parts.broker.moment()
    entity = parse_entity(await read_entity(parts, request), request.context, now=now)
    await parts.broker.write(
        request.actor, request.tenant, entity.id, lambda writer: writer.create(entity), now=now
    )
    return created("entities", entity.id)


async def retrieve(parts: HandlerContext, request: Request) -> Response:
    """Retrieve Entity (clause 6.5.3.1)."""
    retrieval = parts.parameters.parse(request, _parse_retrieval)
    stored = await parts.broker.find(request.actor, request.tenant, request.variables["entityId"])
    if stored is None:  # the reason may be that the id is not a URI, or the tenant unknown
        stored = await parts.broker.get(request.actor, request.tenant, entity_id(request))
    if not retrieval.plain:
        _check(stored, retrieval)
    if retrieval.join is not None:
        return await _joined(parts, request, stored.entity(), retrieval.view, retrieval.join)
    body = parts.renderer.document(request.tenant, stored, retrieval.view)
    if body == EMPTY:
        raise NotFound(f"{stored.id} has none of the requested members")
    return Response(
        retrieval.view.status([stored]), retrieval.view.headers, body, _validator(parts, request, stored)
    )


async def replace(parts: HandlerContext, request: Request) -> Response:
    """Replace Entity (clause 6.5.3.3)."""
    fragment = await _read(parts, request, partial(parse_fragment, nulls=False))
    entity = whole(fragment) if fragment.type else fragment
    return await _change(parts, request, lambda present, now: patch.replace(present, entity, now))


async def merge(parts: HandlerContext, request: Request) -> Response:
    """Merge Entity (clause 6.5.3.4)."""
    form = request.query.get("format", "normalized")
    if form not in ("simplified", "keyValues", "normalized", "concise"):
        raise InvalidRequest("must be one of simplified, keyValues, normalized, concise", field="format")
    simplified = bool(listed_options(request.parameters(), "simplified", "keyValues")) or form in (
        "simplified",
        "keyValues",
    )
    lang = request.query.get("lang", "")
    observed_at = check_moment(request.query["observedAt"]) if "observedAt" in request.query else ""
    fragment = await _read(parts, request, partial(parse_fragment, partial=True, simplified=simplified))
    expand = request.context.expand

    def change(present: Entity, now: str) -> Patched:
        return patch.merge(present, fragment, now, lang=lang, observed_at=observed_at, expand=expand)

    return await _change(parts, request, change)


async def delete(parts: HandlerContext, request: Request) -> Response:
    """Delete Entity (clause 6.5.3.2)."""
    await parts.broker.delete(
        request.actor, request.tenant, entity_id(request), types=type_selection(request.parameters())
    )
    return nothing()


async def without_id(parts: HandlerContext, request: Request) -> Response:
    """Refuse a replacement or merge without an entity id."""
    raise Invalid("must be part of the path", field="entityId")


def _parse_retrieval(parameters: QueryParameters) -> Retrieval:
    refuse_unbuilt(parameters)
    options = parse_options(parameters)
    return Retrieval(
        view_of(parameters, options), type_selection(parameters), parse_join(parameters, options)
    )


def _validator(parts: HandlerContext, request: Request, stored: Stored) -> CacheValidator | None:
    """Return what the response depends on; None if a part of the entity expires, or another version is known."""
    if (
        parts.broker.never_expires((stored,))
        and parts.broker.version(request.tenant, stored.id) == stored.version
    ):
        return CacheValidator(stored.id, stored.version)
    return None


async def _joined(
    parts: HandlerContext, request: Request, entity: Entity, view: View, join: Join
) -> Response:
    """Return the entity with its linked entities; alone, it is not in an array (clause 4.5.23)."""
    if join.inline:
        whole = await linked(parts.broker, request, join, lambda linker: linker.inline(entity))
        return Response(200, view.headers, orjson.dumps(with_context(whole, view)))
    shown = await linked(parts.broker, request, join, lambda linker: linker.flat([entity]))
    if len(shown) == 1:
        return Response(200, view.headers, orjson.dumps(with_context(shown[0], view)))
    return Response(200, view.headers, listing(shown, view))


def _check(stored: Stored, retrieval: Retrieval) -> None:
    entity = stored.entity()
    attrs = retrieval.view.options.attrs
    if not is_of(entity, retrieval.types):
        raise NotFound(f"{stored.id} has none of the requested types")
    if attrs and attrs.isdisjoint(entity.attrs):
        raise NotFound(f"{stored.id} has none of the requested attributes")


async def _read(parts: HandlerContext, request: Request, parse: Callable[..., Entity]) -> Entity:
    name = entity_id(request)
    fragment = parse(await read_entity(parts, request), request.context)
    if fragment.id not in ("", name):
        raise Invalid("must be the entity id of the path", field="id")
    fragment.id = name
    return fragment


async def _change(parts: HandlerContext, request: Request, change: Change) -> Response:
    name, types = entity_id(request), type_selection(request.parameters())
    await parts.broker.write(
        request.actor, request.tenant, name, lambda writer: writer.change(name, change, types)
    )
    return nothing()


_ONE = "/entities/{entityId}"
_WRITE = frozenset({"type", "local"})
SHOWN = ((200, "EntityOrLinked"), (203, "EntityOrLinked"))

ROUTES = (
    Route(
        "POST", "/entities", create, "createEntity", frozenset({"local"}), (), body="Entity", answers=CREATED
    ),
    Route("GET", _ONE, retrieve, "retrieveEntity", SHAPE | JOIN | UNBUILT | {"type"}, SPATIAL, answers=SHOWN),
    Route("PUT", _ONE, replace, "replaceEntity", _WRITE, (), body="EntityFragment", answers=DONE),
    Route(
        "PATCH",
        _ONE,
        merge,
        "mergeEntity",
        _WRITE | {"options", "format", "lang", "observedAt"},
        (),
        body="EntityFragment",
        answers=DONE,
    ),
    Route("PUT", "/entities", without_id, "replaceEntity", None, ()),
    Route("PATCH", "/entities", without_id, "mergeEntity", None, ()),
    Route("DELETE", _ONE, delete, "deleteEntity", _WRITE, (), answers=DONE),
)
