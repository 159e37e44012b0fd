"""Reads a declarative file into a model, or says everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from rhinecloud.kernel.declarative.fault import FileFault
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import LIMITS, DocumentPath, Limits
from rhinecloud.kernel.declarative.source import parse_bytes, parse_file
from rhinecloud.kernel.declarative.validation import validate
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import Faults

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Document(Generic[M]):
    """A document that was validated: `value` is the model, `text` the source."""

    value: M
    parsed: ParsedDocument

    @property
    def text(self) -> str:
        """Return the source of the document."""
        return self.parsed.text

    def fault(self, path: DocumentPath, reason: str) -> FileFault:
        """Return a fault at the value of a path, for checks that a model cannot make."""
        return self.parsed.fault(path, reason)

    def key_fault(self, path: DocumentPath, reason: str) -> FileFault:
        """Return a fault at the key of a path."""
        return self.parsed.key_fault(path, reason)


def read_document(
    path: Path, model: type[M], *, name: str = "", context: Any = None, limits: Limits = LIMITS
) -> Document[M]:
    """Return the one document of a file, which is called `name` in faults, else by its path.

    `model` is a `DeclarativeModel`, or any type that pydantic validates; `context` is passed to its validators.
    Raise FileFault, or Faults with every fault in order of lines.
    """
    return fit_document(only_document(parse_file(path, name, limits)), model, context)


def read_documents(
    path: Path, model: type[M], *, name: str = "", context: Any = None, limits: Limits = LIMITS
) -> list[Document[M]]:
    """Return every document of a file: YAML may hold several between lines of `---`. See `read_document`."""
    return fit_documents(parse_file(path, name, limits), model, context)


def read_content(
    content: bytes, suffix: str, model: type[M], *, name: str, context: Any = None, limits: Limits = LIMITS
) -> Document[M]:
    """Return the one document of a file's content; `suffix` such as `.yaml` says its syntax. See `read_document`."""
    return fit_document(only_document(parse_bytes(content, suffix, name, limits)), model, context)


def fit_documents(parsed: list[ParsedDocument], model: type[M], context: Any = None) -> list[Document[M]]:
    """Return parsed documents as a model; raise FileFault, or Faults for several."""
    documents: list[Document[M]] = []
    faults: list[FileFault] = []
    for each in parsed:
        value, found = validate(each, model, context)
        faults += found
        if not found:
            documents.append(Document(value, each))  # type: ignore[arg-type]
    if faults:
        raise all_of(faults)
    return documents


def all_of(faults: list[FileFault]) -> Invalid:
    """Return faults as one error, in order of lines, each once."""
    once = {str(each): each for each in faults}
    ordered = sorted(once.values(), key=lambda each: (each.file, each.line, each.column))
    return ordered[0] if len(ordered) == 1 else Faults(ordered)


def fit_document(parsed: ParsedDocument, model: type[M], context: Any = None) -> Document[M]:
    """Return a parsed document as a model; raise FileFault, or Faults for several."""
    [document] = fit_documents([parsed], model, context)
    return document


def only_document(parsed: list[ParsedDocument]) -> ParsedDocument:
    """Return the one document of a file; raise FileFault where there are several."""
    if len(parsed) > 1:
        raise parsed[1].fault((), "the file must hold one document, without lines of `---`")
    return parsed[0]
