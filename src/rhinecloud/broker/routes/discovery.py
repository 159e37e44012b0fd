"""`/types` and `/attributes`: the types and attributes that entities have (clauses 5.7.5 to 5.7.10 and 6.25 to
6.28).
"""

from __future__ import annotations

from typing import Any

from rhinecloud.broker.entities.discovery import TypeCounts
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response, document
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.ngsild.context import Context


async def list_types(parts: HandlerContext, request: Request) -> Response:
    """Retrieve Available Entity Types, and with `details` their attributes' names (clause 6.25.3.1)."""
    counts = await parts.broker.discover(request.actor, request.tenant)
    compact = request.context.compact
    names = sorted(counts.types)
    if request.parameters().flag("details"):
        return document(request, [_type(counts, iri, request.context) for iri in names])
    return document(
        request,
        {
            "id": derived_urn("EntityTypeList", request.tenant, *names),
            "type": "EntityTypeList",
            "typeList": [compact(iri) for iri in names],
        },
    )


async def get_type(parts: HandlerContext, request: Request) -> Response:
    """Retrieve Available Entity Type Information (clause 6.26.3.1)."""
    iri = request.context.name(request.variables["type"])
    counts = await parts.broker.discover(request.actor, request.tenant)
    if not counts.types[iri]:
        raise NotFound(f"there is no entity of type {iri}")
    compact = request.context.compact
    attributes = counts.attributes_by_type.get(iri, {})
    details = [
        {
            "id": name,
            "type": "Attribute",
            "attributeName": compact(name),
            "attributeTypes": sorted(attributes[name]),
        }
        for name in sorted(attributes)
    ]
    return document(
        request,
        {
            "id": iri,
            "type": "EntityTypeInfo",
            "typeName": compact(iri),
            "entityCount": counts.types[iri],
            "attributeDetails": details,
        },
    )


async def list_attributes(parts: HandlerContext, request: Request) -> Response:
    """Retrieve Available Attributes, and with `details` the types that have them (clause 6.27.3.1)."""
    counts = await parts.broker.discover(request.actor, request.tenant)
    compact = request.context.compact
    names = sorted(counts.attributes)
    if request.parameters().flag("details"):
        return document(request, [_attribute(counts, iri, request.context) for iri in names])
    return document(
        request,
        {
            "id": derived_urn("AttributeList", request.tenant, *names),
            "type": "AttributeList",
            "attributeList": [compact(iri) for iri in names],
        },
    )


async def get_attribute(parts: HandlerContext, request: Request) -> Response:
    """Retrieve Available Attribute Information (clause 6.28.3.1)."""
    iri = _attribute_iri(request)
    counts = await parts.broker.discover(request.actor, request.tenant)
    found = counts.attributes.get(iri)
    if found is None:
        raise NotFound(f"there is no entity with an attribute {iri}")
    described = _attribute(counts, iri, request.context)
    described["attributeCount"] = found.count
    described["attributeTypes"] = sorted(found.kinds)
    return document(request, described)


def _attribute_iri(request: Request) -> str:
    name = request.variables["attrId"]
    if request.context.expand(name).startswith("@"):
        raise NotFound(f"{name} is a member of every entity, not an attribute")
    return request.context.name(name)


def _type(counts: TypeCounts, iri: str, context: Context) -> dict[str, Any]:
    attributes = counts.attributes_by_type.get(iri, {})
    return {
        "id": iri,
        "type": "EntityType",
        "typeName": context.compact(iri),
        "attributeNames": [context.compact(name) for name in sorted(attributes)],
    }


def _attribute(counts: TypeCounts, iri: str, context: Context) -> dict[str, Any]:
    return {
        "id": iri,
        "type": "Attribute",
        "attributeName": context.compact(iri),
        "typeNames": [context.compact(name) for name in sorted(counts.attributes[iri].types)],
    }


_LIST = frozenset({"details", "local"})
_ONE = frozenset({"local"})

ROUTES = (
    Route("GET", "/types", list_types, "retrieveEntityTypes", _LIST, answers=((200, "EntityTypes"),)),
    Route(
        "GET", "/types/{type}", get_type, "retrieveEntityTypeInfo", _ONE, answers=((200, "EntityTypeInfo"),)
    ),
    Route("GET", "/attributes", list_attributes, "retrieveAttrTypes", _LIST, answers=((200, "Attributes"),)),
    Route(
        "GET",
        "/attributes/{attrId}",
        get_attribute,
        "retrieveAttrTypeInfo",
        _ONE,
        answers=((200, "Attribute"),),
    ),
)
