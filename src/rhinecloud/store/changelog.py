"""The change that an engine logs for a decision."""

from __future__ import annotations

from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.store.port import Edit, Put, Remove


def change_of(edit: Edit, decision: Put | Remove, *, created: bool, seq: int = 0) -> Change:
    """Return the change that a decision makes; `seq` is 0 if its number is not known yet."""
    change = Change(
        seq=seq, tenant=edit.tenant, kind=ChangeKind.CREATED if created else ChangeKind.UPDATED,
        at=edit.at, actor=edit.actor, entity=decision.entity,
    )  # fmt: skip
    if isinstance(decision, Put):
        change.changed, change.previous = list(decision.changed), decision.previous
        change.late = decision.late
    else:
        change.kind = ChangeKind.DELETED
    return change
