"""`/entities/{id}/attrs`: appending, updating, replacing and deleting attributes (clauses 5.6.2 to 5.6.5, 5.6.19)."""

from __future__ import annotations

from typing import Any

from rhinecloud.broker.entities.edits import Change
from rhinecloud.broker.http.body import read_entity, read_object
from rhinecloud.broker.http.parameters import entity_id, listed_options, type_selection
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response, nothing, plain
from rhinecloud.broker.http.route import DONE, HandlerContext, Route
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.parsing import parse_attribute, parse_fragment
from rhinecloud.ngsild.patch import Patched


async def append(parts: HandlerContext, request: Request) -> Response:
    """Append Attributes (clause 6.6.3.1)."""
    fragment = await _read_fragment(parts, request, nulls=False)
    overwrite = "noOverwrite" not in listed_options(request.parameters(), "noOverwrite")

    def change(entity: Entity, now: str) -> Patched:
        return patch.append(entity, fragment, now, overwrite=overwrite)

    return await _change(parts, request, change)


async def update(parts: HandlerContext, request: Request) -> Response:
    """Update Attributes (clause 6.6.3.2)."""
    fragment = await _read_fragment(parts, request, nulls=True)
    return await _change(parts, request, lambda entity, now: patch.update(entity, fragment, now))


async def partial_update(parts: HandlerContext, request: Request) -> Response:
    """Partial Attribute Update (clause 6.7.3.1)."""
    content = await read_object(parts, request)
    _refuse_empty(content)
    name = _attribute_name(request)
    instances = parse_attribute(content, request.context, partial=True, name=request.variables["attrId"])
    return await _change(
        parts, request, lambda entity, now: patch.partial_update(entity, name, instances, now)
    )


async def replace(parts: HandlerContext, request: Request) -> Response:
    """Replace Attribute (clause 6.7.3.3)."""
    content = await read_object(parts, request)
    name = _attribute_name(request)
    instances = parse_attribute(content, request.context, name=request.variables["attrId"])
    return await _change(
        parts, request, lambda entity, now: patch.replace_attribute(entity, name, instances, now)
    )


async def delete(parts: HandlerContext, request: Request) -> Response:
    """Delete Attribute (clause 6.7.3.2)."""
    name = _attribute_name(request, scope=True)
    dataset_id = request.query.get("datasetId", "")
    delete_all = request.parameters().flag("deleteAll")

    def change(entity: Entity, now: str) -> Patched:
        return patch.delete_attribute(entity, name, now, dataset_id=dataset_id, delete_all=delete_all)

    return await _change(parts, request, change)


async def _read_fragment(parts: HandlerContext, request: Request, *, nulls: bool) -> Entity:
    content = await read_entity(parts, request)
    _refuse_empty(content)
    fragment = parse_fragment(content, request.context, nulls=nulls)
    if fragment.id and fragment.id != entity_id(request):
        raise Invalid("must be the entity id of the path", field="id")
    return fragment


def _refuse_empty(content: dict[str, Any]) -> None:
    """Raise Invalid for a fragment without a member: it is likely a mistake of the client."""
    if content.keys() <= {"@context"}:
        raise Invalid("the body must have at least one member to change")


async def _change(parts: HandlerContext, request: Request, change: Change) -> Response:
    """Write the change; return an UpdateResult if it skipped any attribute (clause 5.2.18)."""
    name = entity_id(request)
    done: list[Patched] = []
    types = type_selection(request.parameters())

    def recorded(entity: Entity, now: str) -> Patched:
        done.append(change(entity, now))
        return done[-1]

    await parts.broker.write(
        request.actor, request.tenant, name, lambda writer: writer.change(name, recorded, types)
    )
    skipped = done[-1].skipped
    if not skipped:
        return nothing()
    return plain(
        207,
        {
            "updated": [each for each in done[-1].changed if each not in skipped],
            "notUpdated": [{"attributeName": each, "reason": reason} for each, reason in skipped.items()],
        },
    )


def _attribute_name(request: Request, *, scope: bool = False) -> str:
    name = request.variables["attrId"]
    if name == "scope" and not scope:
        raise Invalid("must not be scope, which is changed through the entity", field="attrId")
    try:
        return request.context.name(name)
    except Invalid as error:
        raise Invalid(error.reason, field="attrId") from None


_ATTRS = "/entities/{entityId}/attrs"
_ATTR = f"{_ATTRS}/{{attrId}}"
_COMMON = frozenset({"type", "local"})
UPDATED = ((204, ""), (207, "UpdateResult"))

ROUTES = (
    Route(
        "POST",
        _ATTRS,
        append,
        "appendAttrs",
        _COMMON | {"options"},
        (),
        body="EntityFragment",
        answers=UPDATED,
    ),
    Route("PATCH", _ATTRS, update, "updateAttrs", _COMMON, (), body="EntityFragment", answers=UPDATED),
    Route(
        "PATCH", _ATTR, partial_update, "updateAttrs", _COMMON, (), body="AttributeFragment", answers=UPDATED
    ),
    Route("PUT", _ATTR, replace, "replaceAttrs", _COMMON, (), body="AttributeFragment", answers=DONE),
    Route("DELETE", _ATTR, delete, "deleteAttrs", _COMMON | {"datasetId", "deleteAll"}, (), answers=DONE),
)
