"""A change of one entity: the row that is committed with the state, and what every consumer of the stream receives.

Two clocks (docs/glossary): an attribute's `observedAt` says when it was true; `at` says when the city received it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from rhinecloud.ngsild.entity import Entity, Instance


class ChangeKind(StrEnum):
    """What happened to the entity as a whole."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class Change(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """What was committed: the entity afterwards (its last state when it was deleted) and what changed in it.

    `changed` names the attributes (IRIs) that were created, updated or deleted, whether or not the value differs;
    `previous` holds their instances before, absent where there were none. `late` holds, by IRI, the instances that were
    received with an older `observedAt` than those in place: they are for history alone, and not part of `entity`.
    `seq` grows by commit order within a store.
    """

    seq: int = 0
    tenant: str = ""
    kind: ChangeKind
    at: str
    actor: str = ""
    entity: Entity
    changed: list[str] = msgspec.field(default_factory=list)
    previous: dict[str, list[Instance]] = msgspec.field(default_factory=dict)
    late: dict[str, list[Instance]] = msgspec.field(default_factory=dict)

    @property
    def is_late(self) -> bool:
        """Return whether nothing of the present state changed: all that was received is older."""
        return bool(self.late) and not self.changed


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Change)
_list_decoder = msgspec.json.Decoder(list[Change])


def encode_change(change: Change) -> bytes:
    """Return a change as JSON bytes."""
    return _encoder.encode(change)


def decode_change(body: bytes) -> Change:
    """Return the change of JSON bytes."""
    return _decoder.decode(body)


def decode_changes(body: bytes) -> list[Change]:
    """Return the changes of a JSON array: the body of one frame of the stream."""
    return _list_decoder.decode(body)
