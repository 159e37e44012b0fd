"""The stored form of an entity: names expanded to IRIs, each attribute a list of instances, one member for the value.

`representation` converts it from and to what clients send and receive (normalized, concise, simplified, GeoJSON;
compact names). The order of fields is that of the stored bytes: see `stored`. Source: ETSI GS CIM 009 v1.9.1, clauses
4.5 and 5.2.4 to 5.2.8.
"""

from __future__ import annotations

from typing import Any

import msgspec

NULL = "urn:ngsi-ld:null"
"""NGSI-LD null: in a fragment it removes a member (clause 4.5.0)."""

VALUE_MEMBER = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""The attribute types and the member that holds each one's value (clause 4.5)."""

RELATIONSHIPS = frozenset(("Relationship", "ListRelationship"))
"""The attribute types whose values are the URIs of entities."""


class Instance(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True, gc=False):
    """One attribute instance. `value` holds whatever `VALUE_MEMBER[type]` names: a Relationship's URI(s), a
    VocabProperty's IRI(s), a ListRelationship's list of URIs. Times are ISO 8601 texts in UTC as they were received."""

    type: str = "Property"
    value: Any = None
    dataset_id: str = ""
    observed_at: str = ""
    unit_code: str = ""
    value_type: str = ""
    object_type: list[str] = msgspec.field(default_factory=list)
    created_at: str = ""
    modified_at: str = ""
    expires_at: str = ""
    attrs: dict[str, list[Instance]] = msgspec.field(default_factory=dict)
    """Sub-attributes: properties of properties, by IRI."""


class Entity(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True, gc=False):
    """One entity in stored form; `type` are IRIs, `attrs` map an attribute's IRI to its instances (at most one per
    datasetId). `created_by` is the id of the actor who created it, '' where that was the system itself; NGSI-LD does
    not show it.
    """

    id: str
    type: list[str]
    scope: list[str] = msgspec.field(default_factory=list)
    created_at: str = ""
    modified_at: str = ""
    expires_at: str = ""
    created_by: str = ""
    attrs: dict[str, list[Instance]] = msgspec.field(default_factory=dict)

    def first(self, name: str) -> Instance | None:
        """Return the default instance of the attribute with IRI `name`, else its first one, else None."""
        instances = self.attrs.get(name)
        if not instances:
            return None
        if len(instances) == 1:
            return instances[0]
        return next((each for each in instances if not each.dataset_id), instances[0])


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entity)


def encode(entity: Entity) -> bytes:
    """Return the JSON bytes of an entity."""
    return _encoder.encode(entity)


def decode(body: bytes) -> Entity:
    """Return the entity of JSON bytes."""
    return _decoder.decode(body)
