"""Finds paths of a mapping at which no message has a value: a misspelt name leaves its attribute out in silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rhinecloud.connectors.ignored import IgnoredReason
from rhinecloud.connectors.mapping import DeclaredMapping
from rhinecloud.connectors.pipeline import EntityDraft
from rhinecloud.kernel.time import format_time
from rhinecloud.pack.mapping import Mapping

MOST_MESSAGES = 1_000
"""The messages that are looked at; later ones are not, so that a member that never comes costs nothing for ever."""


class UnseenPaths:
    """The paths of a declared mapping that no message had so far; a mapping in Python does not name its paths."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping if isinstance(mapping, DeclaredMapping) else None
        self._unseen = dict.fromkeys(map(str, self._mapping.paths if self._mapping else ()))
        self._messages = 0
        self._last: datetime | None = None

    def look_at(self, drafts: Sequence[EntityDraft], at: datetime, *, skip_unused: bool = True) -> None:
        """Take note of the paths at which messages have values; with `skip_unused` not of messages that are ignored."""
        for draft in drafts:
            if self._mapping is None or not self._unseen or self._messages >= MOST_MESSAGES:
                return
            if draft.fragments or draft.fault or not skip_unused:
                self._messages, self._last = self._messages + 1, at
                for path in self._mapping.find_paths(draft.message):
                    self._unseen.pop(str(path), None)

    def paths(self) -> Iterator[str]:
        """Yield the paths at which no message had a value."""
        yield from self._unseen

    def reasons(self) -> tuple[IgnoredReason, ...]:
        """Return a reason for each path that no message had, once a message was mapped."""
        if self._last is None:
            return ()
        return tuple(
            IgnoredReason(
                f"no message has a value at `{path}`, which the mapping reads",
                self._messages,
                "",
                format_time(self._last),
            )
            for path in self._unseen
        )
