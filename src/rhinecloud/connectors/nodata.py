"""Words with which a source says that it has no value, such as `-`, `-999` and `n/a`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


class NoDataWords:
    """A set of such words. One that is a number also matches other forms of it: `-999` matches `-999.0`."""

    def __init__(self, words: Sequence[str]) -> None:
        self._texts = frozenset(word.strip() for word in words)
        numbers = (_number(word) for word in words)
        self._numbers = frozenset(number for number in numbers if number is not None)

    def matches(self, value: Any) -> bool:
        """Return whether a text or number is one of the words."""
        if isinstance(value, str):
            text = value.strip()
            return text in self._texts or bool(self._numbers and _number(text) in self._numbers)
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and float(value) in self._numbers
        )

    def without(self, value: Any) -> Any:
        """Return a JSON value without the members that are such a word; in a list, None stands in their place."""
        if not self._texts:
            return value
        if isinstance(value, Mapping):
            return {name: self.without(each) for name, each in value.items() if not self.matches(each)}
        if isinstance(value, list):
            return [None if self.matches(each) else self.without(each) for each in value]
        return value


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
