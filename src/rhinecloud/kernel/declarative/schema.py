"""The JSON Schema of a kind of file, from which an editor completes and checks it while it is written."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from rhinecloud.kernel.declarative.validation import SCHEMA_KEY

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: Any, title: str = "", says: str = "") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a model, with descriptions from its docstrings."""
    schema = TypeAdapter(model).json_schema(by_alias=True, mode="validation")
    if schema.get("additionalProperties") is False and "properties" in schema:
        schema["properties"][SCHEMA_KEY] = {
            "type": "string",
            "description": "The schema that an editor uses.",
        }
    if title:
        schema["title"] = title
    if says:
        schema["description"] = says
    return {"$schema": DIALECT, **schema}
