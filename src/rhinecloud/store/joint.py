"""Splits a decision about several entities into edits of one entity each."""

from __future__ import annotations

from collections.abc import Mapping

from rhinecloud.kernel.errors import Conflict, Invalid
from rhinecloud.ngsild.entity import Entity, encode
from rhinecloud.ngsild.stored import encode_change_with
from rhinecloud.store.changelog import change_of
from rhinecloud.store.port import Decision, Edit, JointEdit, Put, Record, Remove


def decide_jointly(edit: JointEdit, before: Mapping[str, Entity | None]) -> list[tuple[Edit, Put | Remove]]:
    """Return an edit and its decision for each entity that changes; raise what `decide` raises, or Invalid.

    Each is encoded once to find errors: an engine that has logged the first change must not fail at the next one.
    """
    parts = []
    for entity_id, decision in edit.decide(before).items():
        _check(edit, entity_id, decision)
        if decision is None or (isinstance(decision, Remove) and before[entity_id] is None):
            continue
        part = Edit(edit.tenant, entity_id, _no_change, edit.at, edit.actor)
        encode_change_with(change_of(part, decision, created=False), encode(decision.entity))
        parts.append((part, decision))
    return parts


def check_expected(expected: Record, found: bytes | None) -> None:
    """Raise Conflict unless a record is as an edit expects it; `found` is its body, None where there is none."""
    if (found or b"") != expected.body:
        raise Conflict(f"the record {expected.id} of kind {expected.kind} was changed by another process")


def _check(edit: JointEdit, entity_id: str, decision: Decision) -> None:
    if entity_id not in edit.entity_ids:
        raise Invalid(f"a joint edit decided about {entity_id}, which it did not name", field="id")
    if decision is not None and decision.entity.id != entity_id:
        raise Invalid(f"an edit of {entity_id} decided about {decision.entity.id}", field="id")


def _no_change(_: Entity | None) -> Decision:
    return None
