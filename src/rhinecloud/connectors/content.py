"""Content kinds of the connectors: mappings in YAML, and recordings that test a pack."""

from __future__ import annotations

from pathlib import Path

from rhinecloud.connectors.fixtures import FixtureFile, RecordedCase
from rhinecloud.connectors.mapping import DeclaredMapping, load_mapping
from rhinecloud.connectors.mapping.document import MappingFile
from rhinecloud.kernel.declarative import read_document
from rhinecloud.part import ContentKind, ContentSource


def _read_mapping(path: Path, source: ContentSource) -> DeclaredMapping:
    return load_mapping(path, source.place(path))


def _read_cases(path: Path, source: ContentSource) -> tuple[RecordedCase, ...]:
    document = read_document(path, FixtureFile, name=source.place(path))
    for index, case in enumerate(document.value.case):
        if not (path.parent / case.file).is_file():
            raise document.fault(("case", index, "file"), f"must be a file beside this one, not {case.file}")
    return document.value.case


MAPPINGS: ContentKind[DeclaredMapping] = ContentKind(
    folder="mappings",
    pattern="*.y*ml",
    summary="The meaning of a feed's messages; a feed names it `<pack>.<name of the file>`.",
    read=_read_mapping,
    model=MappingFile,
    reload=True,
    in_city=False,  # a feed names a file of the city's folder by its path
)

FIXTURES: ContentKind[tuple[RecordedCase, ...]] = ContentKind(
    folder="fixtures",
    pattern="*.toml",
    summary="Recordings of the real source with the expected entities, which `rhinecloud pack test` plays.",
    read=_read_cases,
    model=FixtureFile,
    in_city=False,
)
