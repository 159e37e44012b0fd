"""The JSON Schema of a model lets an editor complete what the reader accepts."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from kernel.declarative.street import Street, faults
from rhinecloud.kernel.declarative import json_schema


def test_the_schema_has_the_descriptions_and_is_closed() -> None:
    schema = json_schema(Street, title="street", says="A street of the city.")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["title"], schema["description"]) == ("street", "A street of the city.")
    assert schema["$defs"]["Lamp"]["properties"]["power_w"]["description"] == "How much it draws."
    assert schema["properties"]["dims_after"]["type"] == "string"
    assert schema["properties"]["as"]["type"] == "string"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        ({"name": "a", "$schema": "./x.json", "as": "b", "lamps": [{"color": "amber"}]}, True),
        ({"name": "a", "mode": {"power_w": 3}}, True),
        ({"name": "a", "lamp": []}, False),
        ({"name": 1}, False),
        ({}, False),
    ],
)
def test_editor_and_reader_agree(data: dict[str, Any], fits: bool) -> None:
    assert jsonschema.Draft202012Validator(json_schema(Street)).is_valid(data) is fits
    assert (not faults(json.dumps(data), ".json")) is fits
