"""A YAML file that remembers where each value stood, so that a fault can name its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

DEEPEST = 20
"""Levels of nesting that are read: a YAML alias may name its own parent."""

Path = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top of the document."""


@dataclass(frozen=True, slots=True, order=True)
class DocumentFault:
    """What is wrong and where; line and column count from 1."""

    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class DocumentPosition:
    """Where a value begins; `block` is true where its text begins on the next line (`|` and `>`)."""

    line: int
    column: int
    block: bool = False


@dataclass(slots=True)
class RuleDocument:
    """One YAML document as plain values, the place of each, and the text that it was read from."""

    data: Any
    text: str
    places: dict[Path, DocumentPosition] = field(default_factory=dict)
    keys: dict[Path, DocumentPosition] = field(default_factory=dict)

    def fault(self, path: Path, reason: str, *, line: int = 1, column: int = 1) -> DocumentFault:
        """Make a fault at a value, or at a line and column within its text."""
        place = self._nearest(path)
        if place.block:
            return DocumentFault(place.line + line, column, reason)
        return DocumentFault(
            place.line + line - 1, place.column + column - 1 if line == 1 else column, reason
        )

    def key_fault(self, path: Path, reason: str) -> DocumentFault:
        """Make a fault at a key rather than at its value."""
        place = self.keys.get(path) or self._nearest(path)
        return DocumentFault(place.line, place.column, reason)

    def _nearest(self, path: Path) -> DocumentPosition:
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, DocumentPosition(1, 1))


def read_documents(text: str) -> tuple[list[RuleDocument], list[DocumentFault]]:
    """Read every document of a YAML file; when the file is not YAML, the one fault says where and why."""
    faults: list[DocumentFault] = []
    documents: list[RuleDocument] = []
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                break
            document = RuleDocument(None, text[node.start_mark.index : node.end_mark.index])
            document.data = _read(loader, node, (), document, faults)
            documents.append(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        faults.append(DocumentFault(line, column, f"this is not YAML: {error.problem or error.context}"))
    except (yaml.YAMLError, ValueError) as error:
        faults.append(DocumentFault(1, 1, f"this is not YAML: {error}"))
    finally:
        loader.dispose()
    return documents, faults


def _read(
    loader: yaml.SafeLoader, node: yaml.Node, path: Path, document: RuleDocument, faults: list[DocumentFault]
) -> Any:
    block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
    document.places[path] = DocumentPosition(
        node.start_mark.line + 1, node.start_mark.column + 1 + quoted, block
    )
    if len(path) > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            document.keys[(*path, key)] = DocumentPosition(
                key_node.start_mark.line + 1, key_node.start_mark.column + 1
            )
            if key in found:
                faults.append(document.key_fault((*path, key), f"`{key}` stands here twice"))
            found[key] = _read(loader, value_node, (*path, key), document, faults)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [
            _read(loader, each, (*path, index), document, faults) for index, each in enumerate(node.value)
        ]
    return loader.construct_object(node)
