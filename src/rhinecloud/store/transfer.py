"""Copies a whole store from one engine to another: everything as it is, with rows, versions and numbers.

An interrupted copy goes on where it ended. At the end the target is read again and must have the same counts and the
same digest as the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rhinecloud.kernel.errors import Conflict, RhineCloudError
from rhinecloud.store.port import LoggedChange, Record

UNFINISHED = "unfinished copy"
"""The mark of a store that contains only a part of another one: no city starts on it."""


class CopyFailed(RhineCloudError):
    """The target differs from the source."""


class TransferRow(NamedTuple):
    """An entity as it is stored; `row` grows in the order of creation."""

    row: int
    tenant: str
    id: str
    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class TransferContents:
    """The counts of a store, and the number of the newest change."""

    entities: int
    changes: int
    records: int
    last_change: int


class TransferPosition(NamedTuple):
    """The last row, change and record (kind, tenant, id) in a target."""

    row: int
    change: int
    record: tuple[str, str, str]


START = TransferPosition(0, 0, ("", "", ""))


class TransferableStore(Protocol):
    """A store that is copied, or copied into, while no other process works on it."""

    async def open(self) -> None:
        """Open the store exclusively. Raise Unavailable if a city runs on it."""
        ...

    async def close(self) -> None:
        """Release it."""
        ...

    async def contents(self) -> TransferContents:
        """Return its counts."""
        ...

    def read_entities(self, after: int) -> AsyncIterator[Sequence[TransferRow]]:
        """Yield the entities after a row in order, some at a time."""
        ...

    def read_changes(self, after: int) -> AsyncIterator[Sequence[LoggedChange]]:
        """Yield the changes after a number in order, some at a time."""
        ...

    def read_records(self, after: tuple[str, str, str]) -> AsyncIterator[Sequence[Record]]:
        """Yield the records after one in order of kind, tenant and id, some at a time."""
        ...

    async def begin(self) -> TransferPosition:
        """Mark the store as unfinished; return how far the copy is. Raise Conflict if it has the data of a city."""
        ...

    async def put_entities(self, rows: Sequence[TransferRow]) -> None:
        """Write entities, durably."""
        ...

    async def put_changes(self, changes: Sequence[LoggedChange]) -> None:
        """Write changes, durably."""
        ...

    async def put_records(self, records: Sequence[Record]) -> None:
        """Write records, durably."""
        ...

    async def finish(self, last_change: int) -> None:
        """Continue the numbers after `last_change`, and remove the mark."""
        ...


Advance = Callable[[int], None]
"""Called with the number of items that were copied since the last call."""


@dataclass(frozen=True, slots=True)
class TransferProof:
    """The counts of a store, and the SHA-256 over all of it in order."""

    contents: TransferContents
    sha256: str


async def move(
    source: TransferableStore, target: TransferableStore, advance: Advance = lambda _: None
) -> TransferContents:
    """Copy everything that the target lacks, without finishing it. Raise Conflict or Unavailable."""
    contents = await source.contents()
    reached = await target.begin()
    async for rows in source.read_entities(reached.row):
        await target.put_entities(rows)
        advance(len(rows))
    async for changes in source.read_changes(reached.change):
        await target.put_changes(changes)
        advance(len(changes))
    async for records in source.read_records(reached.record):
        await target.put_records(records)
        advance(len(records))
    return contents


async def prove(
    source: TransferableStore, target: TransferableStore, advance: Advance = lambda _: None
) -> TransferProof:
    """Compare both and finish the target. Raise CopyFailed if they differ."""
    wanted = await digest(source, advance)
    found = await digest(target, advance)
    numbers, mine = wanted.contents, found.contents
    same = (numbers.entities, numbers.changes, numbers.records) == (mine.entities, mine.changes, mine.records)
    if not same or wanted.sha256 != found.sha256:
        raise CopyFailed(
            f"the copy differs from its source: {mine} instead of {numbers}; was the source changed meanwhile?"
            " Empty the target and start again"
        )
    await target.finish(numbers.last_change)
    return wanted


async def digest(store: TransferableStore, advance: Advance = lambda _: None) -> TransferProof:
    """Return the counts and the digest of a store."""
    sha = hashlib.sha256()
    async for rows in store.read_entities(0):
        for row in rows:
            head = f"\0entity\0{row.tenant}\0{row.id}\0{row.version}\0{len(row.body)}\0"
            sha.update(head.encode() + row.body)
        advance(len(rows))
    async for changes in store.read_changes(0):
        for change in changes:
            sha.update(f"\0change\0{change.seq}\0{len(change.body)}\0".encode() + change.body)
        advance(len(changes))
    async for records in store.read_records(START.record):
        for each in records:
            head = f"\0record\0{each.kind}\0{each.tenant}\0{each.id}\0{len(each.body)}\0"
            sha.update(head.encode() + each.body)
        advance(len(records))
    return TransferProof(await store.contents(), sha.hexdigest())


def must_be_empty(contents: TransferContents, *, unfinished: bool) -> None:
    """Raise Conflict if the target has data that is not of an unfinished copy."""
    if not unfinished and contents != TransferContents(0, 0, 0, 0):
        raise Conflict(
            f"the target must be empty; it has {contents.entities} entities, {contents.changes} changes and"
            f" {contents.records} records"
        )
