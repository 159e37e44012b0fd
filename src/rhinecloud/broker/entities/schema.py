"""Entity types as JSON Schemas (draft 2020-12), and whether an entity fits its own.

A schema describes the simplified form of an entity (ETSI GS CIM 009 v1.9.1, clause 4.5.4), as those of Smart Data
Models do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from rhinecloud.kernel.declarative import read_document
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.rendering import Options, render
from rhinecloud.part import ContentSource

SIMPLIFIED = Options(form="simplified")


@dataclass(frozen=True, slots=True)
class EntitySchema:
    """The schema of one type: `name` as the pack writes it, `iri` in full, `properties` the attributes it describes."""

    name: str
    iri: str
    schema: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        """Return the schema of each attribute."""
        found: Mapping[str, Any] = self.schema.get("properties", {})
        return found

    def faults(self, entity: Entity, context: Context) -> Iterator[str]:
        """Yield what does not fit: the attribute and why. Attributes that neither the
        schema nor the core's vocabulary knows are faults."""
        shown = render(entity, context, SIMPLIFIED)
        attributes = {
            key: _plain(value) for key, value in shown.items() if key not in ("id", "type", "@context")
        }
        for error in sorted(Draft202012Validator(dict(self.schema)).iter_errors(attributes), key=str):
            place = ".".join(str(step) for step in error.absolute_path)
            yield f"{place or self.name}: {error.message}"
        for name in attributes:
            if name not in self.properties and not _core().knows(name):
                yield f"{name}: not in the schema of {self.name}"


def _plain(value: Any) -> Any:
    """Return a value without what NGSI-LD adds to it: the type of a typed value, the languages of a text."""
    if isinstance(value, dict):
        if "@value" in value:
            return value["@value"]
        for wrapper in ("languageMap", "vocab", "json"):
            if set(value) == {wrapper}:
                inner = value[wrapper]
                return next(iter(inner.values()), "") if wrapper == "languageMap" else inner
    return value


@cache
def _core() -> Context:
    """Return the core's own vocabulary: attributes that any entity may have."""
    return compile_context(core_vocabulary()["@context"], {})


def read_schema(path: Path, source: ContentSource) -> EntitySchema:
    """Read `types/<Type>.json`; raise Invalid where it is no schema of an object, or its names are not terms."""
    document = read_document(path, dict[str, Any], name=source.place(path))
    schema, name = document.value, path.stem
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        closest = best_match([error]) or error
        raise document.fault(
            tuple(closest.absolute_path), f"must be a JSON Schema: {closest.message}"
        ) from None
    if schema.get("title", name) != name:
        raise document.fault(("title",), f"must be the name of the file, {name!r}, not {schema['title']!r}")
    if not source.context.knows(name):
        raise Invalid(f"{name} is not a term of context.jsonld", field=source.place(path))
    for attribute in schema.get("properties", {}):
        if not source.context.knows(attribute):
            raise document.key_fault(("properties", attribute), "is not a term of context.jsonld")
    return EntitySchema(name, source.context.expand(name), schema)
