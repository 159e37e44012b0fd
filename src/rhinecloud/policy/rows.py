"""Row by row: where a permission holds for some entities of a type only. Pure, over the entity as it is."""

from __future__ import annotations

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.entity import Entity
from rhinecloud.policy.model import HOUSE, Action

ASSIGNED_AGENCY = f"{HOUSE}assignedAgency"
"""The Relationship from an incident or task to the agency that works on it."""

_UNBOUND = frozenset({Role.ADMIN, Role.SYSTEM, Role.OPERATOR})


def may_touch(actor: Actor, action: Action, entity: Entity) -> bool:
    """Tell whether this one entity is within the actor's reach: an agency changes only what is assigned to it."""
    if action is not Action.UPDATE or Role.AGENCY not in actor.roles or actor.roles & _UNBOUND:
        return True
    if not any(name.startswith(HOUSE) for name in entity.type):
        return True
    return actor.agency in _agencies(entity)


def _agencies(entity: Entity) -> set[str]:
    assigned: set[str] = set()
    for instance in entity.attrs.get(ASSIGNED_AGENCY, ()):
        value = instance.value
        assigned.update(value if isinstance(value, list) else [value])
    return assigned - {"", None}
