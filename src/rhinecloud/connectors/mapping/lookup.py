"""Finds values in a message by path, and fills templates with them.

A path has names joined by dots: `values.0.temp`, with numbers for the items of a list. A name with a dot is found where
it stands as a whole, at any level; in quotes (`SDS0X1."PM2.5"`) it is one name whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from rhinecloud.connectors.nodata import NoDataWords
from rhinecloud.kernel.errors import Invalid

HOLE = re.compile(r"\{([^{}]+)\}")
URI_SAFE = "-._~:"
EVERY = "*"
"""The step to all values of an object or all items of a list."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_STEP = re.compile(r'"((?:[^"\\]|\\.)+)"|([^."]+)')


@dataclass(frozen=True)
class MessagePath:
    """A path: `steps` are its names, those that were in quotes also in `quoted`, by their positions."""

    text: str
    steps: tuple[str, ...]
    quoted: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return self.text

    @property
    def first_names(self) -> frozenset[str]:
        """Return the names that the member of a message may have at which the path begins."""
        return frozenset(name for name, _ in self._names[0])

    def find(self, value: Any) -> Any:
        """Return the value at the path, None where there is none."""
        return self._find(value, 0)

    def walk(self, message: Mapping[str, Any]) -> Iterator[MessageItem]:
        """Yield each value that the path leads to, where it has steps to every value (`stations.*`)."""
        yield from self._walk(MessageItem(message), 0)

    @property
    def has_every(self) -> bool:
        """Return whether a step leads to every value."""
        return any(self._is_every(position) for position in range(len(self.steps)))

    @property
    def ends_in_every(self) -> bool:
        """Return whether its last step leads to every value."""
        return self._is_every(len(self.steps) - 1)

    @cached_property
    def _names(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Return for each position the names that may begin there, the longest first, with the position behind."""
        return tuple(
            tuple((".".join(self.steps[start:end]), end) for end in self._ends(start))
            for start in range(len(self.steps))
        )

    def _ends(self, start: int) -> Iterator[int]:
        """Yield where a name that begins at a position may end: names in quotes are not joined with others."""
        whole = {*self.quoted, *(place for place in range(len(self.steps)) if self._is_every(place))}
        longest = next((place for place in range(start, len(self.steps)) if place in whole), len(self.steps))
        yield from range(max(longest, start + 1), start, -1)

    def _is_every(self, position: int) -> bool:
        return self.steps[position] == EVERY and position not in self.quoted

    def _find(self, value: Any, start: int) -> Any:
        if start == len(self.steps):
            return value
        if isinstance(value, Mapping):
            for name, end in self._names[start]:
                if name in value and (found := self._find(value[name], end)) is not None:
                    return found
            return None
        if isinstance(value, Sequence) and not isinstance(value, str):
            index = self.steps[start]
            if index.isdecimal() and len(index) < 9 and int(index) < len(value):
                return self._find(value[int(index)], start + 1)
        return None

    def _walk(self, item: MessageItem, start: int) -> Iterator[MessageItem]:
        if start == len(self.steps):
            yield item
            return
        value = item.value
        if self._is_every(start):
            if not isinstance(value, Mapping | list):
                raise Invalid(f"must be an object or a list, not {str(value)[:60]!r}", field=item.place)
            for key, each in value.items() if isinstance(value, Mapping) else enumerate(value):
                yield from self._walk(item.of_many(str(key), each, is_key=True), start + 1)
        elif isinstance(value, Mapping):
            found = next(((name, end) for name, end in self._names[start] if name in value), None)
            if found is not None:
                yield from self._walk(item.below(found[0], value[found[0]]), found[1])
        elif isinstance(value, list) and (index := self.steps[start]).isdecimal() and int(index) < len(value):
            yield from self._walk(item.below(index, value[int(index)]), start + 1)


@dataclass(frozen=True, slots=True)
class MessageItem:
    """A value in a message: its place, the keys of the steps to every value, and the items around it, inmost first.

    `is_item` is true for the message and for one of the values of an object or list.
    """

    value: Any
    place: str = ""
    keys: tuple[str, ...] = ()
    around: tuple[Any, ...] = ()
    is_item: bool = True

    def below(self, name: str, value: Any) -> MessageItem:
        """Return a member of this value."""
        return MessageItem(value, self._place(name), self.keys, self._around(), is_item=False)

    def of_many(self, name: str, value: Any, *, is_key: bool) -> MessageItem:
        """Return one of the values of this object or list; with `is_key`, its name is one of the keys."""
        keys = (*self.keys, name) if is_key else self.keys
        return MessageItem(value, self._place(name), keys, self._around())

    def _place(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def _around(self) -> tuple[Any, ...]:
        return (self.value, *self.around) if self.is_item else self.around

    def layers(self) -> Iterator[Any]:
        """Yield where a path is looked up, the inmost first: the keys, the item itself, the items around it."""
        if self.keys:
            yield {"key": self.keys[-1], "keys": list(self.keys)}
        yield self.value if isinstance(self.value, Mapping | list) else {"value": self.value}
        yield from self.around


def read_path(value: Any) -> MessagePath:
    """Return a path to one value; raise Invalid."""
    path = read_walk(value)
    if path.has_every:
        raise Invalid(f"must lead to one value; `{EVERY}` stands in `each` alone, or in quotes")
    return path


def read_walk(value: Any) -> MessagePath:
    """Return a path that may lead to every value of an object or list; raise Invalid."""
    if not isinstance(value, str) or not value:
        raise Invalid(f"must be a path such as values.temp, not {value!r}")
    steps: list[str] = []
    quoted: set[int] = set()
    start = 0
    while start <= len(value):
        found = _STEP.match(value, start)
        if found is None or value[found.end() : found.end() + 1] not in ("", "."):
            raise Invalid(
                f'must have names joined by dots, with quotes around whole names: a."b.c", not {value!r}'
            )
        if found[1] is not None:
            quoted.add(len(steps))
        steps.append(found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
        start = found.end() + 1
    return MessagePath(value, tuple(steps), frozenset(quoted))


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A text with `{path}` for values of a message: `parts` are texts and paths in turn."""

    text: str
    parts: tuple[str | MessagePath, ...]

    @property
    def paths(self) -> tuple[MessagePath, ...]:
        """Return the paths in it."""
        return tuple(part for part in self.parts if isinstance(part, MessagePath))


def read_template(value: Any) -> MessageTemplate:
    """Return a template; raise Invalid."""
    if not isinstance(value, str) or not value:
        raise Invalid(f"must be a text, with {{path}} for values of the message, not {value!r}")
    pieces = HOLE.split(value)
    parts: list[str | MessagePath] = [
        read_path(piece) if number % 2 else piece for number, piece in enumerate(pieces)
    ]
    return MessageTemplate(value, tuple(part for part in parts if part != ""))


class MessageScope:
    """The layers in which paths are looked up: named topic levels, then the item, then what is around it.

    A value that is one of `no_data` counts as missing.
    """

    def __init__(self, *layers: Any, no_data: NoDataWords | None = None) -> None:
        self._layers = layers
        self._no_data = no_data

    def find(self, path: MessagePath) -> Any:
        """Return the value at a path, None where there is none."""
        for layer in self._layers:
            value = path.find(layer)
            if value is not None:
                return None if self._no_data is not None and self._no_data.matches(value) else value
        return None

    def fill(self, template: MessageTemplate, *, as_uri: bool) -> str:
        """Return a template with its values filled in, escaped for a URI with `as_uri`. Raise Invalid."""
        return "".join(
            part if isinstance(part, str) else self._filled(part, template, as_uri) for part in template.parts
        )

    def _filled(self, path: MessagePath, template: MessageTemplate, as_uri: bool) -> str:
        value = self.find(path)
        if value is None or isinstance(value, Mapping | list) or value == "":
            raise Invalid(f"the message must have {path}, for {template.text!r}")
        text = text_of(value)
        return quote(text, safe=URI_SAFE) if as_uri else text


def read_uri_template(value: Any) -> MessageTemplate:
    """Return a template of a URI; raise Invalid."""
    template = read_template(value)
    sample = "".join(part if isinstance(part, str) else "x" for part in template.parts)
    starts_with_path = isinstance(template.parts[0], MessagePath)
    if not (_URI.fullmatch(sample) or (starts_with_path and _URI.fullmatch(f"x:{sample}"))):
        raise Invalid(f"must be a URI such as urn:ngsi-ld:Device:{{id}}, not {value!r}")
    return template


def text_of(value: Any) -> str:
    """Return a value as JSON writes it, a text without its quotes: `true`, `1.5`, `ON`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_written_as(value: Any, text: str) -> bool:
    """Return whether a value of a message is what a text says: the text itself, or a number that is written so."""
    if text_of(value) == text:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return float(text) == value
    except (ValueError, OverflowError):
        return False
