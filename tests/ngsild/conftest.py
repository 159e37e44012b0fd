"""What the tests of the language share: contexts, an entity of each kind of attribute, the published examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.ngsild.context import Context, compile_context, core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.parsing import parse_entity

EXAMPLES = Path(__file__).parent / "examples"
NOW = "2026-03-01T12:00:00Z"

HOUSE: dict[str, Any] = {
    "id": "urn:ngsi-ld:House:1",
    "type": ["House", "Monument"],
    "scope": ["/Duisburg/Ruhrort", "/Museum"],
    "temperature": [
        {"type": "Property", "value": 21.5, "unitCode": "CEL", "observedAt": "2026-03-01T11:59:00Z"},
        {
            "type": "Property",
            "value": 22,
            "datasetId": "urn:ngsi-ld:Dataset:roof",
            "accuracy": {"type": "Property", "value": 0.5},
        },
    ],
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.7348, 51.4556]}},
    "managedBy": {"type": "Relationship", "object": "urn:ngsi-ld:Agency:port", "objectType": "Agency"},
    "near": {"type": "Relationship", "object": ["urn:ngsi-ld:House:2", "urn:ngsi-ld:House:3"]},
    "label": {"type": "LanguageProperty", "languageMap": {"de": "Haus", "en": ["house", "home"]}},
    "use": {"type": "VocabProperty", "vocab": ["commercial", "cultural"]},
    "ticket": {"type": "JsonProperty", "json": {"id": "x", "value": None}},
    "levels": {"type": "ListProperty", "valueList": [1, 2, 3]},
    "route": {
        "type": "ListRelationship",
        "objectList": [{"object": "urn:ngsi-ld:Stop:1"}, {"object": "urn:ngsi-ld:Stop:2"}],
    },
    "address": {
        "type": "Property",
        "value": {"city": "Duisburg", "street": {"name": "Dammstraße", "number": 11}},
    },
    "tags": {"type": "Property", "value": ["old", "brick"]},
    "open": {"type": "Property", "value": True},
    "built": {"type": "Property", "value": {"@type": "Date", "@value": "1902-05-01"}},
}


@pytest.fixture
def core() -> Context:
    return core_context()


@pytest.fixture
def house(core: Context) -> Entity:
    return parse_entity(HOUSE, core, now=NOW)


def read_json(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


def subject_context(subject: str) -> Context:
    return compile_context(read_json(f"{subject}.context.jsonld")["@context"], {})
