"""What a change did to each attribute, created, updated or deleted, computed once for all subscriptions.

Source: ETSI GS CIM 009 v1.9.1, clause 5.8.6: an attribute has changed when a member of it, or of its children, has
another value than before; the times that the broker itself keeps do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Instance
from rhinecloud.ngsild.equality import json_equal
from rhinecloud.subscriptions.model import Trigger

_NOTHING: frozenset[Trigger] = frozenset()
_UPDATED = frozenset({Trigger.ATTRIBUTE_UPDATED})


class Differences:
    """What a change did; `attributes` has the triggers of each changed attribute by its IRI."""

    __slots__ = ("attributes", "change", "kind")

    def __init__(self, change: Change) -> None:
        self.change = change
        self.kind = change.kind
        self.attributes = _by_attribute(change)

    def trigger(self, wanted: frozenset[Trigger], watched: frozenset[str]) -> bool:
        """Return whether one of the `wanted` triggers applies to one of the `watched` attributes (empty: any)."""
        if self.kind is ChangeKind.CREATED and Trigger.ENTITY_CREATED in wanted:
            return not watched or not watched.isdisjoint(self.attributes)
        if self.kind is ChangeKind.DELETED and Trigger.ENTITY_DELETED in wanted:
            return not watched or not watched.isdisjoint(self.attributes)
        return any(
            not wanted.isdisjoint(what)
            for name, what in self.attributes.items()
            if not watched or name in watched
        )

    def deleted(self, name: str) -> list[Instance]:
        """Return the deleted instances of an attribute, as they were."""
        if self.kind is ChangeKind.DELETED:
            return self.change.entity.attrs.get(name, [])
        present = {each.dataset_id for each in self.change.entity.attrs.get(name, ())}
        return [each for each in self.change.previous.get(name, ()) if each.dataset_id not in present]


def _by_attribute(change: Change) -> dict[str, frozenset[Trigger]]:
    if change.kind is ChangeKind.CREATED:
        return dict.fromkeys(change.entity.attrs, frozenset({Trigger.ATTRIBUTE_CREATED}))
    if change.kind is ChangeKind.DELETED:
        return dict.fromkeys(change.entity.attrs, frozenset({Trigger.ATTRIBUTE_DELETED}))
    found = {
        name: _compare(change.previous.get(name, ()), change.entity.attrs.get(name, ()))
        for name in change.changed
    }
    return {name: what for name, what in found.items() if what}


def _compare(before: Sequence[Instance], after: Sequence[Instance]) -> frozenset[Trigger]:
    if len(before) == len(after) == 1 and before[0].dataset_id == after[0].dataset_id:
        return _UPDATED if _differ(before[0], after[0]) else _NOTHING  # the usual case
    if not before:
        return frozenset({Trigger.ATTRIBUTE_CREATED}) if after else _NOTHING
    if not after:
        return frozenset({Trigger.ATTRIBUTE_DELETED})
    old = {each.dataset_id: each for each in before}
    new = {each.dataset_id: each for each in after}
    found = set()
    if old.keys() - new.keys():
        found.add(Trigger.ATTRIBUTE_DELETED)
    if new.keys() - old.keys():
        found.add(Trigger.ATTRIBUTE_UPDATED)
    if any(name in old and _differ(old[name], each) for name, each in new.items()):
        found.add(Trigger.ATTRIBUTE_UPDATED)
    return frozenset(found)


def _differ(before: Instance, after: Instance) -> bool:
    return (
        not json_equal(before.value, after.value)
        or before.observed_at != after.observed_at
        or before.type != after.type
        or before.unit_code != after.unit_code
        or before.value_type != after.value_type
        or before.object_type != after.object_type
        or before.expires_at != after.expires_at
        or _children_differ(before.attrs, after.attrs)
    )


def _children_differ(before: dict[str, list[Instance]], after: dict[str, list[Instance]]) -> bool:
    if not before and not after:
        return False
    if before.keys() != after.keys():
        return True
    return any(_compare(before[name], after[name]) for name in after)
