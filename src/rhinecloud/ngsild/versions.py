"""Entities for clients of an earlier version of NGSI-LD: later features are converted or left out.

Source: ETSI GS CIM 009 v1.9.1, clause 4.3.6.8.
"""

from __future__ import annotations

from msgspec.structs import replace as with_members

from rhinecloud.ngsild.entity import Entity, Instance

NATIVE = (1, 9)

Version = tuple[int, int]

_SINCE = {
    "LanguageProperty": (1, 4),
    "JsonProperty": (1, 8),
    "VocabProperty": (1, 8),
    "ListProperty": (1, 8),
    "ListRelationship": (1, 8),
}
"""The version that introduced an attribute type; for older clients it becomes a Property or a Relationship."""


def amend(entity: Entity, version: Version) -> Entity:
    """Return the entity as `version` can represent it; the same object if nothing is changed."""
    if version >= NATIVE:
        return entity
    amended = with_members(
        entity,
        type=entity.type if version >= (1, 3) else entity.type[:1],
        scope=entity.scope if version >= (1, 4) else [],
        expires_at="",
        attrs={name: _instances(instances, version) for name, instances in entity.attrs.items()},
    )
    return entity if amended == entity else amended


def _instances(instances: list[Instance], version: Version) -> list[Instance]:
    if version < (1, 3) and len(instances) > 1:
        default = next((each for each in instances if not each.dataset_id), instances[0])
        instances = [default]
    return [_instance(each, version) for each in instances]


def _instance(instance: Instance, version: Version) -> Instance:
    kind = instance.type
    if version < _SINCE.get(kind, (1, 0)):
        kind = "Relationship" if kind == "ListRelationship" else "Property"
    knows_1_3 = version >= (1, 3)
    return with_members(
        instance,
        type=kind,
        dataset_id=instance.dataset_id if knows_1_3 else "",
        observed_at=instance.observed_at if knows_1_3 else "",
        unit_code=instance.unit_code if knows_1_3 else "",
        value_type="",
        object_type=instance.object_type if version >= (1, 8) else [],
        expires_at="",
        attrs={name: _instances(each, version) for name, each in instance.attrs.items()},
    )
