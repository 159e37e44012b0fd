"""What can be learnt from the bytes of a stored entity or change without decoding them: the owner of the byte layout.

The layout is the JSON that `entity.encode` and `change.encode_change` write: compact, members in the order of the
struct's fields (`id` and `type` first, `seq` first), defaults left out, non-ASCII characters as UTF-8. Every shortcut
that relies on it is a function here, and `tests/ngsild/test_stored.py` compares each with what decoding returns.
"""

from __future__ import annotations

import msgspec

from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Instance

_EXPIRES = b'"expiresAt"'
_TYPES, _TYPES_END = b'","type":[', b'"]'
_ID_START = len(b'{"id":"')


class StoredHeader(msgspec.Struct, rename="camel"):
    """What decides whether an entity may be read: its types and when it expires, '' for never."""

    type: list[str]
    expires_at: str = ""


_encode = msgspec.json.Encoder().encode
decode_header = msgspec.json.Decoder(StoredHeader).decode
"""Return the header of a stored entity."""


def may_expire(body: bytes) -> bool:
    """Return False only if neither the entity nor anything in it has an `expiresAt`."""
    return _EXPIRES in body


def types_slice(body: bytes) -> bytes:
    """Return the bytes of an entity's types: equal for entities with the same types.

    Entities with different types may have equal bytes only if these hold a backslash.
    """
    start = body.find(_TYPES)
    return body[start : body.find(_TYPES_END, start)]


def only_type_bytes(type_iri: str) -> bytes:
    """Return the argument of `has_only_type` for a type."""
    return _TYPES + _encode(type_iri) + b"]"


def has_only_type(body: bytes, entity_id: str, only_type: bytes) -> bool:
    """Return True only if the entity has exactly this one type; False where an id with escapes leaves it unknown."""
    return body.startswith(only_type, _ID_START + len(entity_id.encode()))


def attribute_bytes(attribute_iri: str) -> bytes:
    """Return bytes that are in every entity with the attribute, and in few others."""
    return _encode(attribute_iri) + b":"


def string_bytes(text: str) -> bytes:
    """Return bytes that are in every entity of which a value, or an item or member of one, is a text."""
    return _encode(text)


def name_bytes(iri: str) -> bytes:
    """Return bytes that are in every entity, change or frame of changes that names a type or an attribute."""
    return _encode(iri)[1:-1]


class _ChangeRow(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """`change.Change` with an entity that is encoded already."""

    seq: int = 0
    tenant: str = ""
    kind: ChangeKind
    at: str
    actor: str = ""
    entity: msgspec.Raw
    changed: list[str] = []
    previous: dict[str, list[Instance]] = {}
    late: dict[str, list[Instance]] = {}


def encode_change_with(change: Change, entity: bytes) -> bytes:
    """Return what `encode_change` returns for a change whose entity is encoded already, as `entity`."""
    return _encode(
        _ChangeRow(
            seq=change.seq,
            tenant=change.tenant,
            kind=change.kind,
            at=change.at,
            actor=change.actor,
            entity=msgspec.Raw(entity),
            changed=change.changed,
            previous=change.previous,
            late=change.late,
        )
    )


def with_seq(seq: int, body: bytes) -> bytes:
    """Return an encoded change with its number; `body` was encoded when that was not known (0)."""
    return b'{"seq":%d,' % seq + body[1:]
