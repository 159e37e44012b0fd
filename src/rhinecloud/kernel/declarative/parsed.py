"""A document as plain values, with the place of each value."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rhinecloud.kernel.declarative.fault import FileFault, NotReadable
from rhinecloud.kernel.declarative.place import DocumentPath, Node, path_of
from rhinecloud.kernel.errors import Invalid


@dataclass
class ParsedDocument:
    """One document of a file: `data` are texts, numbers, booleans, None, lists and dicts; `text` is its source.

    Places are looked up when a fault asks for one: `locate` builds the tree of them. `prefix` is the path of `data` in
    the file, where it is a part of it. `refusals` are faults of the syntax that did not stop the parser.
    """

    file: str
    data: Any
    text: str
    locate: Callable[[], Node]
    refusals: list[NotReadable] = field(default_factory=list)
    prefix: DocumentPath = ()

    @cached_property
    def root(self) -> Node:
        """Return the place of the file's value, with those of all values in it."""
        return self.locate()

    @property
    def faults(self) -> list[FileFault]:
        """Return the faults that were found while parsing and that did not stop it."""
        return [FileFault(each.reason, self.file, each.place, each.path) for each in self.refusals]

    def part(self, *path: str | int) -> ParsedDocument:
        """Return the value at a path as a document of its own, whose faults have their places in the whole file."""
        data = self.data
        for step in path:
            data = data[step]
        whole = (*self.prefix, *path)
        refusals = [each for each in self.refusals if each.path[: len(whole)] == whole]
        return ParsedDocument(self.file, data, self.text, lambda: self.root, refusals, whole)

    def written(self, *path: str | int) -> str:
        """Return the text of a value as it stands in the file: `007`, `1.10` and `True` of YAML stay what they are."""
        value: Any = self.data
        for step in path:
            value = value[step]
        if isinstance(value, str):
            return value
        written = self.root.nearest((*self.prefix, *path)).written
        return written or json.dumps(value)

    def placed(self, fault: Invalid) -> Invalid:
        """Return a fault whose `field` is a path in the file with its place; one that stands elsewhere as it is."""
        path = path_of(fault.field)
        own = path[len(self.prefix) :]
        if isinstance(fault, FileFault) or not self.file or path[: len(self.prefix)] != self.prefix:
            return fault
        return self.fault(own, fault.reason) if own and _has(self.data, own) else fault

    def fault(self, path: DocumentPath, reason: str, *, line: int = 1, column: int = 1) -> FileFault:
        """Return a fault at a value, or at a line and column within its text."""
        path = (*self.prefix, *path)
        place = self.root.place_of(path, line, column) if self.file else None
        return FileFault(reason, self.file, place, path)

    def key_fault(self, path: DocumentPath, reason: str) -> FileFault:
        """Return a fault at a key rather than at its value."""
        path = (*self.prefix, *path)
        return FileFault(reason, self.file, self.root.place_of_key(path) if self.file else None, path)


def _has(data: Any, path: DocumentPath) -> bool:
    for step in path:
        keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if step not in keys:
            return False
        data = data[step]
    return True


def plain_document(data: Any, prefix: str = "") -> ParsedDocument:
    """Return data that stand in no file as a document; its faults name paths below `prefix`, and no places."""
    return ParsedDocument("", data, "", Node, prefix=path_of(prefix))
