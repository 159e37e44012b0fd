"""Many fragments of few entities: merged if they have no attribute in common, else written one after the other.

Source: ETSI GS CIM 009 v1.9.1, clause 5.5.11 (several instances of an entity in one array).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace as with_members

from rhinecloud.broker.entities.edits import EditBuilder
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.ngsild import lateness, patch
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Decide

SIMULATED = "urn:rhinecloud:ns:simulated"
"""The mark of what comes from a recording or a simulator."""

Group = tuple[Entity, list[int], list[Entity]]
"""A fragment, the positions in the sequence of those that it was merged from, and these themselves."""


def coalesce(fragments: Sequence[Entity | RhineCloudError]) -> list[Group]:
    """Merge successive fragments of one entity that have no attribute in common; skip errors."""
    groups: list[Group] = []
    open_groups: dict[str, tuple[Group, set[tuple[str, str]]]] = {}
    for position, fragment in enumerate(fragments):
        if not isinstance(fragment, Entity):
            continue
        names = {
            (name, instance.dataset_id)
            for name, instances in fragment.attrs.items()
            for instance in instances
        }
        found = open_groups.get(fragment.id)
        if found is not None and found[1].isdisjoint(names):
            (joined, positions, parts), merged = found
            if len(parts) == 1:
                parts[0] = with_members(joined, attrs=dict(joined.attrs))
            _join(joined, fragment)
            positions.append(position)
            parts.append(fragment)
            merged |= names
        else:
            group: Group = (fragment, [position], [fragment])
            groups.append(group)
            open_groups[fragment.id] = (group, names)
    return groups


def merge_or_add(entity: Entity, *, replace: bool = False) -> Callable[[EditBuilder], Decide]:
    """Return a plan: overwrite the attributes of a fragment, or `replace` the entity; create it if it does not
    exist.
    """

    change = partial(_replace if replace else _update, entity)
    return lambda writer: writer.change_or_create(entity, change, is_whole=replace)


def receive(entity: Entity, parts: Sequence[Entity], *, measured: bool) -> Callable[[EditBuilder], Decide]:
    """Return a plan: as `merge_or_add`, but what is older than what is in place is late; `parts` as in `Group`.

    A `measured` reading that is not marked as simulated, and not older than any of its entity, ends that mark of it.
    """

    def change(present: Entity, now: str) -> patch.Patched:
        patched = lateness.receive(present, entity, parts, now)
        if not measured or SIMULATED in entity.attrs or SIMULATED not in present.attrs:
            return patched
        if not _has_news(entity, present):
            return patched
        left = {name: instances for name, instances in patched.entity.attrs.items() if name != SIMULATED}
        return patch.Patched(
            with_members(patched.entity, attrs=left, modified_at=now),
            [*patched.changed, SIMULATED],
            {**patched.previous, SIMULATED: present.attrs[SIMULATED]},
            patched.skipped,
            patched.late,
        )

    return lambda writer: writer.change_or_create(entity, change, is_whole=False)


def _has_news(fragment: Entity, present: Entity) -> bool:
    """Return whether a fragment has a reading that is not older than any that the entity has."""
    newest = _newest(fragment)
    return bool(newest) and newest >= _newest(present)


def _newest(entity: Entity) -> str:
    return max((each.observed_at for instances in entity.attrs.values() for each in instances), default="")


def _replace(entity: Entity, present: Entity, now: str) -> patch.Patched:
    return patch.replace(present, entity, now)


def _update(entity: Entity, present: Entity, now: str) -> patch.Patched:
    return patch.update(present, entity, now)


def removal(entity_id: str) -> Callable[[EditBuilder], Decide]:
    """Return a plan: delete an entity."""
    return lambda writer: writer.remove(entity_id)


def strip(entity_id: str, drop: frozenset[str], keep: frozenset[str]) -> Callable[[EditBuilder], Decide]:
    """Return a plan: delete the attributes to `drop`, or all but those to `keep` (clause 5.6.21)."""

    def change(present: Entity, now: str) -> patch.Patched:
        gone = [name for name in present.attrs if (name in drop if drop else name not in keep)]
        left = {name: instances for name, instances in present.attrs.items() if name not in gone}
        entity = with_members(present, attrs=left, modified_at=now)
        return patch.Patched(entity, gone, {name: present.attrs[name] for name in gone})

    return lambda writer: writer.change(entity_id, change)


def _join(joined: Entity, fragment: Entity) -> None:
    """Add a fragment to one that no other object refers to."""
    joined.type = list(dict.fromkeys([*joined.type, *fragment.type]))
    joined.scope = fragment.scope or joined.scope
    joined.expires_at = fragment.expires_at or joined.expires_at
    for name, instances in fragment.attrs.items():
        joined.attrs[name] = [*joined.attrs.get(name, ()), *instances]
