"""An attribute path of a query or an order: through attributes, and attributes of attributes, into a value.

Source: ETSI GS CIM 009 v1.9.1, clause 4.9, examples 8 to 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rhinecloud.ngsild.entity import Entity, Instance

_NGSI_LD = "https://uri.etsi.org/ngsi-ld/"

Target = tuple[str, Any]
"""The type of an attribute ('' for metadata such as `observedAt`) and the value that a path leads to."""


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute path: `names` as written, `iris` as meant, `trail` the members inside the compound value."""

    names: tuple[str, ...]
    iris: tuple[str, ...]
    trail: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join(self.names) + (f"[{'.'.join(self.trail)}]" if self.trail else "")

    def targets(self, entity: Entity) -> list[Target]:
        """Return every target of the path in the entity."""
        iris = self.iris
        level = entity.attrs.get(iris[0])
        if level is None:
            moment = _entity_time(entity, iris[0]) if len(iris) == 1 else ""
            return [("", moment)] if moment else []
        found: list[Target] = []
        for iri in iris[1:]:
            deeper: list[Instance] = []
            for instance in level:
                if iri in instance.attrs:
                    deeper += instance.attrs[iri]
                elif iri is iris[-1] and (metadata := _metadata(instance, iri)):
                    found.append(("", metadata))
            level = deeper
        if self.trail or any(each.type == "LanguageProperty" for each in level):
            return found + [target for each in level if (target := _inside(each, self.trail)) is not None]
        found += [(each.type, each.value) for each in level]
        return found


def _inside(instance: Instance, trail: tuple[str, ...]) -> Target | None:
    """Follow a trail into a value: by language in a language map, by member elsewhere."""
    value, kind = instance.value, instance.type
    if kind == "LanguageProperty" and isinstance(value, dict):
        if not trail or trail == ("*",):
            return kind, [
                text for each in value.values() for text in (each if isinstance(each, list) else [each])
            ]
        return (kind, value[trail[0]]) if len(trail) == 1 and trail[0] in value else None
    for name in trail:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return kind, value


def _entity_time(entity: Entity, iri: str) -> str:
    name = iri.removeprefix(_NGSI_LD)
    if name == "createdAt":
        return entity.created_at
    if name == "modifiedAt":
        return entity.modified_at
    return entity.expires_at if name == "expiresAt" else ""


def _metadata(instance: Instance, iri: str) -> Any:
    if not iri.startswith(_NGSI_LD):
        return None
    member = _METADATA.get(iri[len(_NGSI_LD) :])
    return getattr(instance, member) if member else None


_METADATA = {
    "observedAt": "observed_at",
    "createdAt": "created_at",
    "modifiedAt": "modified_at",
    "expiresAt": "expires_at",
    "unitCode": "unit_code",
    "datasetId": "dataset_id",
    "hasValueType": "value_type",
    "hasObjectType": "object_type",
}
