"""A glance at a stored entity: only what a query asks about is decoded, the rest is passed over.

A query looks into many entities to find few, and into one or two attributes of each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from rhinecloud.ngsild.entity import Entity, Instance, decode
from rhinecloud.ngsild.expression import paths
from rhinecloud.ngsild.query import EntityQuery

Read = Callable[[bytes], Entity]

FEW = 8
"""Where more attributes are asked about, the whole is decoded as quickly."""


def reader_for(query: EntityQuery) -> Read:
    """Give what reads of an entity's stored form all that `query.matches` looks at; other attributes are not there.

    What it gives answers as an Entity does. An order looks at more, and gets the whole.
    """
    names = set(query.attrs)
    if query.q is not None:
        names |= {path.iris[0] for path in paths(query.q)}
    if query.geo is not None:
        names.add(query.geo.property)
    return decode if query.order or len(names) > FEW else _reader(tuple(sorted(names)))


@lru_cache(256)
def _reader(names: tuple[str, ...]) -> Read:
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
    glimpse: Any = msgspec.defstruct(
        "Glimpse",
        [
            ("id", str),
            ("type", list[str]),
            ("scope", list[str], msgspec.field(default_factory=list)),
            ("created_at", str, ""),
            ("modified_at", str, ""),
            ("expires_at", str, ""),
            ("attrs", attributes, attributes()),
        ],
        rename="camel",
        gc=False,
    )
    read: Read = msgspec.json.Decoder(glimpse).decode
    return read
