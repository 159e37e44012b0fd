"""What an engine logs of a decision: the change as an object, for who follows here, and as the bytes of its row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Instance
from rhinecloud.store.port import Edit, Put, Remove


class _Row(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """`ngsild.change.Change` with an entity that is encoded already."""

    seq: int = 0
    tenant: str = ""
    kind: ChangeKind
    at: str
    actor: str = ""
    entity: msgspec.Raw
    changed: Sequence[str] = ()
    previous: dict[str, list[Instance]] = {}


_encode = msgspec.json.Encoder().encode


def change_of(edit: Edit, decision: Put | Remove, *, created: bool, seq: int = 0) -> Change:
    """Give the change that a decision makes; `seq` is 0 where its number is not known yet."""
    change = Change(
        seq=seq, tenant=edit.tenant, kind=ChangeKind.CREATED if created else ChangeKind.UPDATED,
        at=edit.at, actor=edit.actor, entity=decision.entity,
    )  # fmt: skip
    if isinstance(decision, Put):
        change.changed, change.previous = list(decision.changed), decision.previous
    else:
        change.kind = ChangeKind.DELETED
    return change


def row_of(change: Change, entity: bytes) -> bytes:
    """Write a change as JSON with the bytes that its entity was encoded to, without `seq` where it is 0."""
    return _encode(
        _Row(
            seq=change.seq,
            tenant=change.tenant,
            kind=change.kind,
            at=change.at,
            actor=change.actor,
            entity=msgspec.Raw(entity),
            changed=change.changed,
            previous=change.previous,
        )
    )
