"""YAML 1.2 with its core schema: only `true` and `false` are booleans, a date is text, and every value has a place.

The tokens are PyYAML's, which reads YAML 1.1; the meaning of a plain word is decided here. Aliases count as often as
they are used, so that a small file cannot grow without bound. Source: YAML 1.2.2, clauses 10.2 and 10.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml import events
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner

from rhinecloud.kernel.declarative.fault import NotReadable
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import DocumentPath, Limits, LineIndex, Node, Place

_TAG = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 300
_TEXT_OF_A_NODE = 64
"""So many characters count as a value of their own, so that an alias cannot repeat a long text at no cost."""
_PLAIN_WORDS = {
    "found character '\\t' that cannot start any token": "indent with spaces, not with tabs",
    "mapping values are not allowed here": "a `:` may not stand here: put quotes around the text, or check the indent",
    "expected ',' or ']', but got '<stream end>'": "a list that begins with `[` is not closed",
    "expected ',' or '}', but got '<stream end>'": "a `{` is not closed",
    "could not find expected ':'": "a key has no `:`",
}


def parse_yaml(text: str, file: str, limits: Limits) -> list[ParsedDocument]:
    """Return every document of a YAML text; raise NotReadable where it is not YAML."""
    try:
        return list(_Composer(text, file, limits).documents())
    except ReaderError as error:
        place = LineIndex(text).place(error.position)
        raise NotReadable(
            f"the character U+{ord(text[error.position]):04X} may not stand in YAML", place
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        raise NotReadable(
            f"this is not YAML: {_PLAIN_WORDS.get(problem, problem)}", _place(mark) if mark else None
        ) from None
    except (YAMLError, ValueError) as error:
        raise NotReadable(f"this is not YAML: {error}") from None


class _Events(Reader, Scanner, Parser):
    """PyYAML up to its events: no objects are made."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


@dataclass(slots=True)
class _Open:
    """An object or a list that is being read; `key` is the one whose value comes next."""

    node: Node
    data: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    key_place: Place = field(default_factory=Place)


@dataclass(slots=True)
class _Composer:
    """Builds values and places from events, without recursion."""

    text: str
    file: str
    limits: Limits
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[Node, Any] | None] = field(default_factory=dict)
    _refusals: list[NotReadable] = field(default_factory=list)
    _root: tuple[Node, Any] = field(default_factory=lambda: (Node(Place()), None))
    _start: int = 0
    _end: int = 0

    def documents(self) -> Iterator[ParsedDocument]:
        source = _Events(self.text)
        while True:
            event = source.get_event()  # type: ignore[no-untyped-call]
            if event is None or isinstance(event, events.StreamEndEvent):
                return
            if isinstance(event, events.DocumentStartEvent):
                self._anchors, self._refusals = {}, []
            elif isinstance(event, events.DocumentEndEvent):
                yield self._document(*self._root)
            else:
                self._take(event)

    def _document(self, node: Node, data: Any) -> ParsedDocument:
        written = self.text[self._start : self._end]
        return ParsedDocument(self.file, data, written, lambda: node, self._refusals)

    def _take(self, event: Any) -> None:
        place = _place(event.start_mark)
        if not self._stack:
            self._start = event.start_mark.index
        self._end = event.end_mark.index
        if isinstance(event, events.ScalarEvent):
            self._take_scalar(event, place)
        elif isinstance(event, events.AliasEvent):
            self._take_alias(event, place)
        elif isinstance(event, events.CollectionStartEvent):
            self._open(event, place)
        elif isinstance(event, events.CollectionEndEvent):
            opened = self._stack.pop()
            self._add(opened.node, opened.data, opened.anchor)

    def _take_scalar(self, event: events.ScalarEvent, place: Place) -> None:
        if self._expects_key():
            self._set_key(event.value, place)
            return
        is_quoted = event.style in ("'", '"')
        start = Place(place.line, place.column + is_quoted)
        indent = self._block_indent(event) if event.style in ("|", ">") else None
        node = Node(start, indent, size=1 + len(event.value) // _TEXT_OF_A_NODE, written=event.value)
        self._add(node, _resolve(event, place), event.anchor)

    def _block_indent(self, event: Any) -> int:
        written = self.text[event.start_mark.index : event.end_mark.index].split("\n")[1:]
        return max(0, _blanks_before(written) - _blanks_before(event.value.split("\n")))

    def _take_alias(self, event: events.AliasEvent, place: Place) -> None:
        name = str(event.anchor)
        if self._expects_key():
            raise NotReadable("a key must be a text, not an alias", place)
        if name not in self._anchors:
            raise NotReadable(f"there is no anchor `&{name}` above", place)
        anchored = self._anchors[name]
        if anchored is None:
            raise NotReadable(f"the alias `*{name}` must not stand within what it repeats", place)
        self._add(*anchored, None)

    def _open(self, event: Any, place: Place) -> None:
        if self._expects_key():
            raise NotReadable("a key must be a text, not a list or an object", place)
        is_list = isinstance(event, events.SequenceStartEvent)
        if event.tag not in (None, "!", f"{_TAG}{'seq' if is_list else 'map'}"):
            raise NotReadable(f"the tag `{event.tag.replace(_TAG, '!!')}` is not known here", place)
        if len(self._stack) >= self.limits.depth:
            raise NotReadable(f"values must not be nested more than {self.limits.depth} levels deep", place)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(Node(place), [] if is_list else {}, event.anchor))

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].data, dict) and self._stack[-1].key is None

    def _set_key(self, key: str, place: Place) -> None:
        top = self._stack[-1]
        if key in top.data:
            self._refusals.append(NotReadable("this key must not be written twice", place, self._path(key)))
        top.key, top.key_place = key, place

    def _path(self, key: str) -> DocumentPath:
        steps: list[str | int] = [
            len(each.data) if isinstance(each.data, list) else str(each.key) for each in self._stack[:-1]
        ]
        return (*steps, key)

    def _add(self, node: Node, data: Any, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (node, data)
        if not self._stack:
            self._root = (node, data)
            return
        top = self._stack[-1]
        if isinstance(top.data, list):
            top.node.add(len(top.data), node)
            top.data.append(data)
        else:
            key = str(top.key)
            top.node.add(key, node, top.key_place)
            top.data[key] = data
            top.key = None
        self._check_size(top.node)

    def _check_size(self, node: Node) -> None:
        if node.size > self.limits.nodes:
            raise NotReadable(f"the file must not hold more than {self.limits.nodes:,} values", node.place)
        if node.height + len(self._stack) > self.limits.depth + 1:
            raise NotReadable(
                f"values must not be nested more than {self.limits.depth} levels deep", node.place
            )


def _resolve(event: events.ScalarEvent, place: Place) -> Any:
    """Return what a scalar means by its tag, or by the core schema where it has none."""
    text, tag = event.value, event.tag
    if not _is_whole_text(text):
        raise NotReadable("the text holds half of a character (a lone surrogate)", place)
    if tag is None:
        return _plain(text, place) if event.implicit[0] else text
    if tag in ("!", f"{_TAG}str"):
        return text
    kinds = {"null": type(None), "bool": bool, "int": int, "float": float}
    kind = kinds.get(tag.removeprefix(_TAG))
    if kind is None:
        raise NotReadable(f"the tag `{tag.replace(_TAG, '!!')}` is not known here", place)
    value = _plain(text, place)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise NotReadable(f"{text!r} is not of the tag `{tag.replace(_TAG, '!!')}`", place)
    return value


def _plain(text: str, place: Place) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _MOST_DIGITS:
        return text
    if _WHOLE.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if _NOT_FINITE.fullmatch(text) or (_DECIMAL.fullmatch(text) and not math.isfinite(float(text))):
        raise NotReadable("a number must be finite", place)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _blanks_before(lines: list[str]) -> int:
    """Return how many blanks stand before the first line that holds anything else."""
    return next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)


def _is_whole_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def _place(mark: Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)
