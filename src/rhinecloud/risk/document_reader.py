"""One YAML document read key by key: what does not fit is noted as a fault, and reading goes on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from rhinecloud.expressions import InvalidExpression
from rhinecloud.kernel.declarative import TextFault
from rhinecloud.kernel.errors import Invalid
from rhinecloud.risk.document import DocumentFault, RuleDocument
from rhinecloud.risk.document import Path as Way

LANGUAGES = ("de", "en")

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)


class DocumentReader:
    """Values of a document by their way from the top; `faults` grow while it is read."""

    def __init__(self, document: RuleDocument) -> None:
        self.document = document
        self.faults: list[DocumentFault] = []

    def at(self, way: Way) -> Any:
        """Give the value at a way, None where there is none."""
        value = self.document.data
        for step in way:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def read(self, key: str | Way, read: Callable[[Any], T], otherwise: T) -> T:
        """Read one value with `read`, which raises Invalid; absent gives `otherwise`."""
        way = (key,) if isinstance(key, str) else key
        value = self.at(way)
        if value is None:
            return otherwise
        try:
            return read(value)
        except Invalid as error:
            self.say(way, error.reason)
            return otherwise

    def read_key(self, way: Way, read: Callable[[Any], str], value: Any) -> None:
        """Check a key, whose fault is noted at the key itself."""
        try:
            read(value)
        except Invalid as error:
            self.say_key(way, error.reason)

    def group(self, key: str, known: tuple[str, ...], read: Callable[[Mapping[str, Any]], T]) -> T | None:
        """Read a group of keys with `read`; absent gives None."""
        value = self.at((key,))
        if value is None:
            return None
        if not isinstance(value, dict):
            self.say((key,), f"`{key}` is a group of keys: {', '.join(known)}")
            return None
        self.check_keys((key,), value, known)
        return read(value)

    def check_keys(
        self, way: Way, group: Mapping[str, Any], known: Any, *, required: tuple[str, ...] = ()
    ) -> None:
        """Note keys that are unknown, with the nearest known one, and required ones that are missing."""
        for key in group:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
                self.say_key((*way, key), f"unknown key `{key}`; {hint}")
        for key in required:
            if group.get(key) is None:
                self.say_key(way, f"the key `{key}` is missing")

    def texts(self, key: str) -> dict[str, str]:
        """Read a text by language; one text serves for all."""
        value = self.at((key,))
        if value is None:
            return {}
        if isinstance(value, str | int | float):
            return dict.fromkeys(LANGUAGES, str(value))
        if isinstance(value, dict) and value and all(isinstance(text, str) for text in value.values()):
            first = next(iter(value.values()))
            return {**dict.fromkeys(LANGUAGES, value.get("en", first)), **value}
        self.say((key,), "write a text, or one for each language: `{de: …, en: …}`")
        return {}

    def say(self, way: Way, reason: str) -> None:
        """Note a fault at a value."""
        self.faults.append(self.document.fault(way, reason))

    def say_key(self, way: Way, reason: str) -> None:
        """Note a fault at a key."""
        self.faults.append(self.document.key_fault(way, reason))

    def say_flaws(self, way: Way, error: InvalidExpression) -> None:
        """Note an expression's flaws where they stand in its text."""
        for each in error.faults:
            line, column = (each.line, each.column) if isinstance(each, TextFault) else (1, 1)
            self.faults.append(self.document.fault(way, each.reason, line=line, column=column))


def whole_number(value: Any) -> int:
    """Pass a whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Invalid(f"{value!r} is not a whole number from 1 on")
    return value


def positive(value: Any) -> float:
    """Pass a number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise Invalid(f"{value!r} is not a number above 0")
    return float(value)


def yes_or_no(value: Any) -> bool:
    """Pass true or false."""
    if not isinstance(value, bool):
        raise Invalid(f"{value!r} is neither true nor false")
    return value


def some_text(value: Any) -> str:
    """Pass a text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{value!r} is not a text")
    return value


def word_of(words: type[W], name: str) -> Callable[[Any], W]:
    """Make a reader of one of a few words; `name` says what they are, with its article."""

    def read(value: Any) -> W:
        if value not in list(words):
            hint = near(str(value), words)
            raise Invalid(f"{value!r} is not {name}: {', '.join(words)}{hint and f'; {hint}'}")
        return words(value)

    return read


def near(text: str, words: Iterable[str]) -> str:
    """Ask whether the nearest of some words was meant, '' where none is near."""
    found = difflib.get_close_matches(text, list(words), 1)
    return f"did you mean `{found[0]}`?" if found else ""
