"""Entities are compared with the JSON Schema of their type, in simplified form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.broker.entities.schema import EntitySchema, read_schema
from rhinecloud.ngsild.context import compile_context
from rhinecloud.ngsild.parsing import parse_entity
from rhinecloud.part import ContentSource

CONTEXT = compile_context(
    {name: f"https://example.org/{name}" for name in ("Lamp", "power", "since", "note", "pole")}, {}
)
SCHEMA = {
    "title": "Lamp",
    "type": "object",
    "properties": {
        "power": {"type": "number", "minimum": 0},
        "since": {"type": "string"},
        "note": {"type": "string"},
        "pole": {"type": "string"},
    },
    "required": ["power"],
}


@pytest.fixture
def schema(tmp_path: Path) -> EntitySchema:
    path = tmp_path / "types" / "Lamp.json"
    path.parent.mkdir()
    path.write_text(json.dumps(SCHEMA), encoding="utf-8")
    return read_schema(path, ContentSource("lamps", tmp_path, CONTEXT))


def faults(schema: EntitySchema, **attributes: Any) -> list[str]:
    entity = parse_entity({"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp", **attributes}, CONTEXT)
    return list(schema.faults(entity, CONTEXT))


def test_an_entity_that_fits_has_no_faults(schema: EntitySchema) -> None:
    assert faults(schema, power={"value": 60, "unitCode": "WTT", "observedAt": "2026-03-01T12:00:00Z"}) == []


def test_a_value_out_of_bounds_and_a_missing_one_are_named(schema: EntitySchema) -> None:
    assert faults(schema, power=-1) == ["power: -1 is less than the minimum of 0"]
    assert faults(schema) == ["Lamp: 'power' is a required property"]


def test_an_attribute_that_the_schema_does_not_describe_is_named(schema: EntitySchema) -> None:
    assert faults(schema, power=1, colour="red") == ["colour: not in the schema of Lamp"]


def test_typed_values_texts_by_language_and_relationships_count_as_their_values(schema: EntitySchema) -> None:
    found = faults(
        schema,
        power=1,
        since={"value": {"@type": "DateTime", "@value": "2026-03-01T12:00:00Z"}},
        note={"type": "LanguageProperty", "languageMap": {"de": "Mast", "en": "Pole"}},
        pole={"type": "Relationship", "object": "urn:ngsi-ld:Pole:1"},
    )
    assert found == []


def test_the_cores_own_attributes_are_allowed_on_any_type(schema: EntitySchema) -> None:
    assert faults(schema, power=1, simulated=True, name="Lamp 1") == []
