"""TOML 1.0: read by the standard library; the places are looked for when a fault asks for one."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from rhinecloud.kernel.declarative.fault import NotReadable
from rhinecloud.kernel.declarative.json import is_deeper
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import DocumentPath, Limits, LineIndex, Node, Place

_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BLANK = re.compile(r"[ \t]*")
_BLANKS = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")' r"|'''.*?'''(?!')" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN_WORDS = {
    "Cannot overwrite a value": "this key must not be written twice",
    "Invalid value": "a value must be a quoted text, a number, true, false, a date, a list or a table",
}


def parse_toml(text: str, file: str, limits: Limits) -> list[ParsedDocument]:
    """Return the one document of a TOML text; raise NotReadable where it is not TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal(str(error), text) from None
    except RecursionError:
        data = None
    except ValueError as error:  # a whole number of more digits than Python reads
        raise NotReadable(f"this is not TOML: {error}") from None
    if data is None or is_deeper(data, limits.depth):
        raise NotReadable(f"values must not be nested more than {limits.depth} levels deep")
    document = ParsedDocument(file, _as_text(data), text, lambda: _TomlLocator(text).read_all())
    for path in _not_finite(data):
        place = document.root.place_of(path)
        document.refusals.append(NotReadable("must be a finite number", place, path))
    return [document]


def _refusal(message: str, text: str) -> NotReadable:
    found = _WHERE.search(message)
    reason = message[: found.start()] if found else message
    place = Place(int(found[1]), int(found[2])) if found and found[1] else LineIndex(text).place(len(text))
    if reason in _PLAIN_WORDS and reason.startswith("Cannot"):
        line = text.split("\n")[place.line - 1]
        place = Place(place.line, len(line) - len(line.lstrip()) + 1)
        return NotReadable(_PLAIN_WORDS[reason], place)
    return NotReadable(f"this is not TOML: {_PLAIN_WORDS.get(reason, reason)}", place)


def _as_text(data: Any) -> Any:
    """Return the data with dates and times as text, as JSON and YAML have them."""
    if isinstance(data, dict):
        return {key: _as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_text(value) for value in data]
    return data.isoformat() if isinstance(data, datetime | date | time) else data


def _not_finite(data: Any, path: DocumentPath = ()) -> Iterator[DocumentPath]:
    """Yield the paths of `inf` and `nan`, which TOML has and the other syntaxes have not."""
    if isinstance(data, float) and not math.isfinite(data):
        yield path
    for step, value in (
        data.items() if isinstance(data, dict) else enumerate(data if isinstance(data, list) else ())
    ):
        yield from _not_finite(value, (*path, step))


class _TomlLocator:
    """Finds the places in a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = LineIndex(text)
        self._at = 0

    def read_all(self) -> Node:
        """Return the tree of places."""
        root = Node(Place())
        table = root
        while self._skip(_BLANKS):
            if self._text.startswith("[", self._at):
                table = self._header(root)
            else:
                self._key_value(table)
        return root

    def _skip(self, blanks: re.Pattern[str]) -> bool:
        found = blanks.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _here(self) -> Place:
        return self._lines.place(self._at)

    def _header(self, root: Node) -> Node:
        place = self._here()
        is_list = self._text.startswith("[[", self._at)
        self._at += 1 + is_list
        path = self._keys()
        self._at += 1 + is_list
        parent = self._table(root, path[:-1])
        name, key_place = path[-1]
        found = parent.child(name)
        if not is_list:
            return self._table(parent, path[-1:])
        if found is None:
            found = Node(place)
            parent.add(name, found, key_place)
        table = Node(place)
        found.add(len(found.items or ()), table)
        return table

    def _table(self, node: Node, path: list[tuple[str, Place]]) -> Node:
        """Return the table at a path, made where it is not there; of a list of tables, the last one."""
        for name, place in path:
            child = node.child(name)
            if child is None:
                child = Node(place)
                node.add(name, child, place)
            elif child.items and child.keys is None:
                child = child.items[len(child.items) - 1]
            node = child
        return node

    def _key_value(self, table: Node) -> None:
        path = self._keys()
        self._at += 1  # the sign =
        self._skip(_BLANK)
        name, place = path[-1]
        self._table(table, path[:-1]).add(name, self._value(), place)

    def _keys(self) -> list[tuple[str, Place]]:
        """Read a key with its dots, up to the sign behind it."""
        keys = []
        while True:
            self._skip(_BLANK)
            place = self._here()
            found = _TEXT.match(self._text, self._at) or _BARE_KEY.match(self._text, self._at)
            written = found[0] if found else ""
            self._at += len(written)
            is_quoted = written[:1] in ("'", '"')
            keys.append((tomllib.loads(f"k = {written}")["k"] if is_quoted else written, place))
            self._skip(_BLANK)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self) -> Node:
        place = self._here()
        sign = self._text[self._at]
        if sign == "[":
            return self._list(Node(place))
        if sign == "{":
            return self._inline(Node(place))
        found = _TEXT.match(self._text, self._at)
        if found is None:
            found = _BARE_VALUE.match(self._text, self._at)
            self._at += len(found[0]) if found else 0
            return Node(place)
        self._at = found.end()
        if found[0].startswith(('"""', "'''")):
            is_block = found[0][3:4] == "\n" or found[0][3:5] == "\r\n"
            return Node(place, 0) if is_block else Node(Place(place.line, place.column + 3))
        return Node(Place(place.line, place.column + 1))

    def _list(self, node: Node) -> Node:
        self._at += 1
        index = 0
        while self._skip(_BLANKS) and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            node.add(index, self._value())
            index += 1
        self._at += 1
        return node

    def _inline(self, node: Node) -> Node:
        self._at += 1
        while self._skip(_BLANKS) and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._key_value(node)
        self._at += 1
        return node
