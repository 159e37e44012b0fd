"""A document as plain values, with the place of each value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rhinecloud.kernel.declarative.fault import FileFault, NotReadable
from rhinecloud.kernel.declarative.place import DocumentPath, Node


@dataclass
class ParsedDocument:
    """One document of a file: `data` are texts, numbers, booleans, None, lists and dicts; `text` is its source.

    Places are looked up when a fault asks for one: `locate` builds the tree of them.
    """

    file: str
    data: Any
    text: str
    locate: Callable[[], Node]
    duplicates: list[NotReadable] = field(default_factory=list)

    @cached_property
    def root(self) -> Node:
        """Return the place of the document's value, with those of all values in it."""
        return self.locate()

    @property
    def faults(self) -> list[FileFault]:
        """Return the faults that were found while parsing and that did not stop it."""
        return [FileFault(each.reason, self.file, each.place, each.path) for each in self.duplicates]

    def fault(self, path: DocumentPath, reason: str, *, line: int = 1, column: int = 1) -> FileFault:
        """Return a fault at a value, or at a line and column within its text."""
        return FileFault(reason, self.file, self.root.place_of(path, line, column), path)

    def key_fault(self, path: DocumentPath, reason: str) -> FileFault:
        """Return a fault at a key rather than at its value."""
        return FileFault(reason, self.file, self.root.place_of_key(path), path)
