"""Conditions of a mapping: members that a message must have, compared as texts of the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rhinecloud.connectors.mapping.lookup import MessagePath, MessageScope, is_written_as, read_path, text_of
from rhinecloud.kernel.declarative import ParsedDocument


@dataclass(frozen=True, slots=True)
class MemberCondition:
    """A member and the values that it may have, each with its text in the file.

    A value of a message fits where it is the same, or where it is written so: `ON`, `007` and `1.10` are those texts.
    """

    path: MessagePath
    wanted: tuple[tuple[Any, str], ...]

    def fits(self, found: Any) -> bool:
        """Return whether a value of a message is one of those wanted."""
        return any(
            found is None if value is None else found is not None and is_written_as(found, text)
            for value, text in self.wanted
        )

    def find_in(self, scope: MessageScope) -> Any:
        """Return the member's value in a message, None where there is none."""
        return scope.find(self.path)

    def __str__(self) -> str:
        return " or ".join(dict.fromkeys(repr(value) for value, _ in self.wanted))


def read_conditions(document: ParsedDocument) -> tuple[MemberCondition, ...]:
    """Return the conditions that stand at `when` of a rule; the rule must have been validated."""
    written = document.data.get("when") or {}
    return tuple(
        MemberCondition(read_path(path), tuple(_wanted(document, path, value)))
        for path, value in written.items()
    )


def _wanted(document: ParsedDocument, path: str, value: Any) -> Iterator[tuple[Any, str]]:
    places = (
        [("when", path, index) for index in range(len(value))]
        if isinstance(value, list)
        else [("when", path)]
    )
    for place, each in zip(places, value if isinstance(value, list) else [value], strict=True):
        yield each, document.written(*place)
        if isinstance(each, bool):
            yield each, text_of(each)
