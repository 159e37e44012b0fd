"""Decodes only the headers of changes, at a tenth of the cost: most frames of a busy city concern no subscription."""

from __future__ import annotations

import msgspec


class EntityNames(msgspec.Struct):
    """What the index looks up first."""

    id: str
    type: list[str]


class ChangeHeader(msgspec.Struct):
    """The part of a change that the index looks up first."""

    entity: EntityNames
    tenant: str = ""


_decoder = msgspec.json.Decoder(list[ChangeHeader])


def decode_headers(body: bytes) -> list[ChangeHeader]:
    """Return the headers of the changes in the body of a frame."""
    return _decoder.decode(body)
