"""Many fragments of few entities: joined where that loses nothing, kept apart where one supersedes another.

Source: ETSI GS CIM 009 v1.9.1, clause 5.5.11 (several instances of an entity in one array).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace as with_members

from rhinecloud.broker.entities.edits import EditBuilder
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Decide

Group = tuple[Entity, list[int]]
"""A fragment, and the places in the sequence from which it was put together."""


def coalesce(fragments: Sequence[Entity | RhineCloudError]) -> list[Group]:
    """Join the fragments of one entity that follow each other and share no attribute; errors are passed over."""
    groups: list[Group] = []
    open_groups: dict[str, tuple[Group, set[tuple[str, str]]]] = {}
    for place, fragment in enumerate(fragments):
        if not isinstance(fragment, Entity):
            continue
        says = {
            (name, instance.dataset_id)
            for name, instances in fragment.attrs.items()
            for instance in instances
        }
        found = open_groups.get(fragment.id)
        if found is not None and found[1].isdisjoint(says):
            (joined, places), said = found
            _join(joined, fragment)
            places.append(place)
            said |= says
        else:
            group = (fragment, [place])
            groups.append(group)
            open_groups[fragment.id] = (group, says)
    return groups


def merge_or_add(entity: Entity, *, replace: bool = False) -> Callable[[EditBuilder], Decide]:
    """Plan to overwrite the attributes that a fragment brings, or to `replace` all by a whole one; or create."""

    change = partial(_replace if replace else _update, entity)
    return lambda writer: writer.change_or_create(entity, change, is_whole=replace)


def _replace(entity: Entity, present: Entity, now: str) -> patch.Patched:
    return patch.replace(present, entity, now)


def _update(entity: Entity, present: Entity, now: str) -> patch.Patched:
    return patch.update(present, entity, now)


def removal(entity_id: str) -> Callable[[EditBuilder], Decide]:
    """Plan to delete an entity."""
    return lambda writer: writer.remove(entity_id)


def strip(entity_id: str, drop: frozenset[str], keep: frozenset[str]) -> Callable[[EditBuilder], Decide]:
    """Plan to delete the attributes to `drop`, or all but those to `keep` (clause 5.6.21)."""

    def change(present: Entity, now: str) -> patch.Patched:
        gone = [name for name in present.attrs if (name in drop if drop else name not in keep)]
        left = {name: instances for name, instances in present.attrs.items() if name not in gone}
        entity = with_members(present, attrs=left, modified_at=now)
        return patch.Patched(entity, gone, {name: present.attrs[name] for name in gone})

    return lambda writer: writer.change(entity_id, change)


def _join(joined: Entity, fragment: Entity) -> None:
    """Add to a fragment that nobody else holds."""
    joined.type = list(dict.fromkeys([*joined.type, *fragment.type]))
    joined.scope = fragment.scope or joined.scope
    joined.expires_at = fragment.expires_at or joined.expires_at
    for name, instances in fragment.attrs.items():
        joined.attrs[name] = [*joined.attrs.get(name, ()), *instances]
