"""JSON (RFC 8259): read at full speed; only a file with a fault is read again, token by token, to find the place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from rhinecloud.kernel.declarative.fault import NotReadable
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import DocumentPath, Limits, LineIndex, Node, Place

_TOKEN = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+)', re.DOTALL)
_MOST_DIGITS = 300
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Unclean(ValueError):
    """Something that the second reading names with its place."""


def parse_json(text: str, file: str, limits: Limits) -> list[ParsedDocument]:
    """Return the one document of a JSON text, none of an empty one; raise NotReadable where it is not JSON."""
    if not text.strip():
        return []
    try:
        data = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite, parse_int=_whole
        )
        _require_clean(data, text, limits)
    except json.JSONDecodeError as error:
        raise NotReadable(f"this is not JSON: {error.msg}", Place(error.lineno, error.colno)) from None
    except (_Unclean, RecursionError):
        locator = _JsonLocator(text, limits)
        root = locator.read_all()
        return [ParsedDocument(file, json.loads(text), text, lambda: root, locator.refusals)]
    return [ParsedDocument(file, data, text, lambda: _JsonLocator(text, limits).read_all())]


def _require_clean(data: Any, text: str, limits: Limits) -> None:
    if is_deeper(data, limits.depth) or "\\ud" in text.lower():
        raise _Unclean


def is_deeper(data: Any, depth: int) -> bool:
    """Return whether objects and lists are nested more than `depth` levels deep."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(depth):
        children = (each.values() if isinstance(each, dict) else each for each in level)
        level = [child for group in children for child in group if isinstance(child, dict | list)]
        if not level:
            return False
    return bool(level)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unclean
    return found


def _refuse(_: str) -> NoReturn:
    raise _Unclean


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Unclean
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _Unclean
    return int(text)


class _JsonLocator:
    """Finds the places in a text that is JSON, but perhaps with a key written twice or a number too large."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._lines = LineIndex(text)
        self._depth = limits.depth
        self._tokens = ((found[1], found.start(1)) for found in _TOKEN.finditer(text))
        self.refusals: list[NotReadable] = []

    def read_all(self) -> Node:
        """Return the tree of places."""
        return self._read(*next(self._tokens), ())

    def _read(self, token: str, start: int, path: DocumentPath) -> Node:
        place = self._lines.place(start)
        if token in ("{", "["):
            if len(path) >= self._depth:
                raise NotReadable(f"values must not be nested more than {self._depth} levels deep", place)
            node = Node(place)
            for step, key, child in self._members(path) if token == "{" else self._items(path):
                node.add(step, child, key)
            return node
        if token.startswith('"'):
            if _LONE_SURROGATE.search(json.loads(token)):
                raise NotReadable("the text holds half of a character (a lone surrogate)", place)
            return Node(Place(place.line, place.column + 1))
        if token not in ("true", "false", "null") and (
            len(token) > _MOST_DIGITS or not math.isfinite(float(token))
        ):
            raise NotReadable("a number must be finite, and have 300 digits at most", place)
        return Node(place)

    def _members(self, path: DocumentPath) -> Iterator[tuple[str, Place, Node]]:
        seen: set[str] = set()
        for token, start in self._tokens:
            if token == "}":
                return
            if token == ",":
                continue
            key, place = json.loads(token), self._lines.place(start)
            if _LONE_SURROGATE.search(key):
                raise NotReadable("the text holds half of a character (a lone surrogate)", place)
            if key in seen:
                self.refusals.append(NotReadable("this key must not be written twice", place, (*path, key)))
            seen.add(key)
            next(self._tokens)  # the colon
            yield key, place, self._read(*next(self._tokens), (*path, key))

    def _items(self, path: DocumentPath) -> Iterator[tuple[int, None, Node]]:
        index = 0
        for token, start in self._tokens:
            if token == "]":
                return
            if token != ",":
                yield index, None, self._read(token, start, (*path, index))
                index += 1
