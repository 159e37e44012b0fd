"""Transient entities and attributes: they are deleted when their `expiresAt` is past (clause 4.5.22)."""

from __future__ import annotations

from rhinecloud.broker.entities.edits import has_expired, is_past
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Decide, Decision, Put, Remove


def expire(now: str) -> Decide:
    """Delete what of an entity has expired at `now`: all of it, some attribute instances, or nothing."""

    def decide(entity: Entity | None) -> Decision:
        if entity is None:
            return None
        if has_expired(entity, now):
            return Remove(entity)
        patched: patch.Patched | None = None
        for name, instances in entity.attrs.items():
            for instance in instances:
                if is_expired(instance, now):
                    before = patched.entity if patched else entity
                    step = patch.delete_attribute(before, name, now, dataset_id=instance.dataset_id)
                    patched = _joined(patched, step)
        return Put(patched.entity, patched.changed, patched.previous) if patched else None

    return decide


def is_expired(instance: Instance, now: str) -> bool:
    """Return whether an attribute instance has expired."""
    return bool(instance.expires_at) and is_past(instance.expires_at, now)


def _joined(one: patch.Patched | None, two: patch.Patched) -> patch.Patched:
    if one is None:
        return two
    changed = list(dict.fromkeys([*one.changed, *two.changed]))
    return patch.Patched(two.entity, changed, {**two.previous, **one.previous})
