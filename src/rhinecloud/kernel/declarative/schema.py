"""The JSON Schema of a kind of file, from which an editor completes and checks it while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from rhinecloud.kernel.declarative.validation import SCHEMA_KEY

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: Any, title: str = "", says: str = "") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a model, with descriptions from its docstrings."""
    schema = TypeAdapter(model).json_schema(by_alias=True, mode="validation")
    for each in _documents(schema):
        if each.get("additionalProperties") is False and "properties" in each:
            each["properties"][SCHEMA_KEY] = {
                "type": "string",
                "description": "The schema that an editor uses.",
            }
    if title:
        schema["title"] = title
    if says:
        schema["description"] = says
    return {"$schema": DIALECT, **schema}


def _documents(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas that a whole document may have."""
    if "$ref" in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    members = schema.get("anyOf", [])
    yield from (schema["$defs"][each["$ref"].rpartition("/")[2]] for each in members if "$ref" in each)
    yield schema
