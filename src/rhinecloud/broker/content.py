"""Content kinds of the broker: the types of a pack as JSON Schemas, and entities that a city starts with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rhinecloud.broker.entities.schema import EntitySchema, read_schema
from rhinecloud.kernel.declarative import read_document
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.ngsild.parsing import parse_fragment
from rhinecloud.part import ContentKind, ContentSource

Fragments = tuple[dict[str, Any], ...]


def _read_seeds(path: Path, source: ContentSource) -> Fragments:
    document = read_document(path, list[dict[str, Any]], name=source.place(path))
    collector = ErrorCollector()
    for index, fragment in enumerate(document.value):
        try:
            parse_fragment(fragment, source.context)
        except RhineCloudError as error:
            collector.found.append(document.fault((index,), str(error)))
    collector.finish()
    return tuple(document.value)


TYPES: ContentKind[EntitySchema] = ContentKind(
    folder="types",
    pattern="*.json",
    summary="An entity type as a JSON Schema of its simplified form; the file is called as the type.",
    read=read_schema,
    in_city=False,
)

SEEDS: ContentKind[Fragments] = ContentKind(
    folder="seeds",
    pattern="**/*.json",
    summary="Entities that a city starts with: a JSON array in concise form.",
    read=_read_seeds,
    in_city=False,
)
