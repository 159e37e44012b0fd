"""Decodes of a stored entity only what a query looks at, and skips the rest.

A query looks into many entities to find few, and into one or two attributes of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.ngsild.entity import Entity, Instance, decode
from rhinecloud.ngsild.expression import paths
from rhinecloud.ngsild.query import EntityQuery

Decode = Callable[[bytes], Entity]

FEW = 8
"""Where a query looks at more attributes, decoding the whole is as quick."""


def decoder_for(query: EntityQuery) -> Decode:
    """Return a function that decodes of a stored entity all that `query.matches` looks at, without other attributes.

    What it returns behaves as an Entity. A query with an order looks at more, and gets the whole.
    """
    names = set(query.attrs)
    if query.q is not None:
        names |= {path.iris[0] for path in paths(query.q)}
    if query.geo is not None:
        names.add(query.geo.property)
    if query.rows is not None:
        names |= query.rows.attributes
    return decode if query.order or len(names) > FEW else _decoder(tuple(sorted(names)))


def _make_decoder(names: tuple[str, ...]) -> Decode:
    members = {name: f"_{number}" for number, name in enumerate(names)}

    def get(self: Any, name: str, default: Any = None) -> Any:
        found = getattr(self, members[name])
        return default if found is None else found

    attributes = msgspec.defstruct(
        "Attributes",
        [(member, list[Instance] | None, None) for member in members.values()],
        rename={member: name for name, member in members.items()},
        namespace={"get": get, "__contains__": lambda self, name: get(self, name) is not None},
        frozen=True,
        gc=False,
    )
    partial: Any = msgspec.defstruct(
        "PartialEntity", [*_OWN_MEMBERS, ("attrs", attributes, attributes())], rename="camel", gc=False
    )
    decode_partial: Decode = msgspec.json.Decoder(partial).decode
    return decode_partial


def _member(of: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    """Return the definition of a member of Entity, as `msgspec.defstruct` takes it."""
    if of.required:
        return (of.name, of.type)
    if of.default_factory is not msgspec.NODEFAULT:
        return (of.name, of.type, msgspec.field(default_factory=of.default_factory))
    return (of.name, of.type, of.default)


_decoder = BoundedCache(_make_decoder, 256).__getitem__
_OWN_MEMBERS = [_member(each) for each in msgspec.structs.fields(Entity) if each.name != "attrs"]
