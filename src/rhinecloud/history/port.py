"""The contract of history: every attribute instance that ever was, by when it was true and when the city learnt it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rhinecloud.ngsild.change import Change


@dataclass(frozen=True, slots=True)
class Sample:
    """One past value: `observed_at` when it was true, `recorded_at` when the city learnt it (ISO 8601, UTC);
    `value` is the plain JSON value, None where the attribute was deleted."""

    observed_at: str
    recorded_at: str
    value: object
    unit_code: str = ""
    dataset_id: str = ""


class History(Protocol):
    """The past of every entity. Appending the same change twice leaves one sample."""

    async def open(self) -> None:
        """Open or create it."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...

    async def append(self, changes: Sequence[Change]) -> None:
        """Keep the changed attribute instances of `changes`, durably; changes seen already leave nothing."""
        ...

    def take(self, changes: Sequence[Change]) -> None:
        """Make ready what `append` would keep: it costs least while the changes are fresh. They are not held."""
        ...

    async def keep(self) -> None:
        """Keep all that was taken, durably; where that fails it stays taken. Not to be called twice at a time."""
        ...

    async def position(self) -> int:
        """Give the sequence number of the newest change that was appended, 0 for none."""
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
        """Give samples of one attribute (IRI) with since <= observed_at < until, the newest `limit` in rising order."""
        ...

    async def changes_of(self, tenant: str, entity_id: str, *, limit: int = 500) -> list[Change]:
        """Give the changes of one entity, oldest first: what a timeline is made of."""
        ...

    async def expire(self, before: str) -> int:
        """Drop samples recorded before a moment; return how many went."""
        ...
