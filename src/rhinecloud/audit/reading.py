"""Reads the audit trail from its end: what an administrator asks for is mostly what happened last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rhinecloud.audit.files import Position, read_backward
from rhinecloud.audit.model import AuditEntry, decode_entry
from rhinecloud.kernel.errors import Invalid

MOST_LINES = 200_000
"""Lines that one call looks at; a rarer entry is found by the next call."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; '' asks for all. `since` is included, `until` is not; both in UTC, without `Z`."""

    actor: str = ""
    action: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    def admits(self, entry: AuditEntry) -> bool:
        """Return whether an entry is asked for; the actor may be given by id or name."""
        return (
            (not self.actor or self.actor in (entry.actor, entry.name))
            and (not self.action or entry.action == self.action)
            and (not self.outcome or entry.outcome == self.outcome)
            and (not self.since or (entry.until or entry.time)[:-1] >= self.since)
            and (not self.until or entry.time[:-1] < self.until)
        )


class AuditPage(NamedTuple):
    """Entries, the newest first, and where the next page begins; '' where there is none."""

    entries: list[AuditEntry]
    next: str


def read_page(folder: Path, wanted: AuditFilter, limit: int, cursor: str = "") -> AuditPage:
    """Return the next page; raise Invalid for a cursor that no page gave."""
    entries: list[AuditEntry] = []
    for number, (position, line) in enumerate(read_backward(folder, _position(cursor)), start=1):
        if wanted.since and position[0] < wanted.since[:10]:
            break
        entry = decode_entry(line)
        if entry is not None and wanted.admits(entry):
            entries.append(entry)
        if len(entries) == limit or number == MOST_LINES:
            return AuditPage(entries, f"{position[0]}:{position[1]}")
    return AuditPage(entries, "")


def _position(cursor: str) -> Position | None:
    if not cursor:
        return None
    day, _, offset = cursor.rpartition(":")
    if len(day) != 10 or not (offset.isascii() and offset.isdigit()) or len(offset) > 15:
        raise Invalid("must be the `next` of an earlier page", field="cursor")
    return day, int(offset)
