"""The contract of history: every past attribute instance, by when it was true and when the city recorded it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rhinecloud.ngsild.change import Change


@dataclass(frozen=True, slots=True)
class Sample:
    """One past value: `observed_at` when it was true, `recorded_at` when the city recorded it (ISO 8601, UTC);
    `value` is the plain JSON value, None where the attribute was deleted."""

    observed_at: str
    recorded_at: str
    value: object
    unit_code: str = ""
    dataset_id: str = ""


class History(Protocol):
    """The past values of all entities. Appending a change twice leaves one sample."""

    async def open(self) -> None:
        """Open or create it."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...

    async def append(self, changes: Sequence[Change]) -> None:
        """Append the changed attribute instances of `changes`, durably."""
        ...

    def take(self, changes: Sequence[Change]) -> None:
        """Make samples of `changes` and hold them in memory: that costs least while the changes are fresh."""
        ...

    async def keep(self) -> None:
        """Write the samples held in memory, durably; on failure they stay. Must not be called twice at a time."""
        ...

    async def position(self) -> int:
        """Return the sequence number of the newest change that was appended, 0 for none."""
        ...

    async def series(
        self,
        tenant: str,
        entity_id: str,
        attribute: str,
        *,
        since: str = "",
        until: str = "",
        limit: int = 1000,
    ) -> list[Sample]:
        """Return the newest `limit` samples of an attribute (IRI) with since <= observed_at < until, oldest first."""
        ...

    async def changes_of(self, tenant: str, entity_id: str, *, limit: int = 500) -> list[Change]:
        """Return the whole changes of an entity, oldest first, for its timeline."""
        ...

    async def expire(self, before: str) -> int:
        """Delete samples recorded before a time; return how many."""
        ...
