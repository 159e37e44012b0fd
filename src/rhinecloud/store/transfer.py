"""Moving a whole store from one engine to another: everything as it is, rows, versions and numbers included.

A copy that broke off goes on where it ended, and is proved at the end: what lies in the target is read again and
must have the same counts and the same digest as the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rhinecloud.kernel.errors import Conflict, RhineCloudError
from rhinecloud.store.port import LoggedChange, Record

UNFINISHED = "unfinished copy"
"""The mark that a store bears while it holds a part of another one: no city starts on it."""


class CopyFailed(RhineCloudError):
    """What lies in the target is not what lies in the source."""


class TransferRow(NamedTuple):
    """An entity as it lies in a store; `row` grows in the order of creation."""

    row: int
    tenant: str
    id: str
    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class TransferContents:
    """How much there is, and the number of the newest change."""

    entities: int
    changes: int
    records: int
    last_change: int


class TransferPosition(NamedTuple):
    """The last row, change and record (kind, tenant, id) that a target holds."""

    row: int
    change: int
    record: tuple[str, str, str]


NOTHING = TransferPosition(0, 0, ("", "", ""))


class TransferableStore(Protocol):
    """A store from which, or into which, everything is moved; nobody else works on it meanwhile."""

    async def open(self) -> None:
        """Take the store for oneself. Raise Unavailable when a city runs on it."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...

    async def contents(self) -> TransferContents:
        """Count what is there."""
        ...

    def read_entities(self, after: int) -> AsyncIterator[Sequence[TransferRow]]:
        """Return the entities behind a row in order, some at a time."""
        ...

    def read_changes(self, after: int) -> AsyncIterator[Sequence[LoggedChange]]:
        """Return the changes behind a number in order, some at a time."""
        ...

    def read_records(self, after: tuple[str, str, str]) -> AsyncIterator[Sequence[Record]]:
        """Return the records behind one in order of kind, tenant and id, some at a time."""
        ...

    async def begin(self) -> TransferPosition:
        """Mark the store as unfinished and tell how far it came. Raise Conflict where there is a city already."""
        ...

    async def put_entities(self, rows: Sequence[TransferRow]) -> None:
        """Enter entities, durably."""
        ...

    async def put_changes(self, changes: Sequence[LoggedChange]) -> None:
        """Enter changes, durably."""
        ...

    async def put_records(self, records: Sequence[Record]) -> None:
        """Enter records, durably."""
        ...

    async def finish(self, last_change: int) -> None:
        """Let numbers go on behind `last_change`, and take the mark away."""
        ...


Advance = Callable[[int], None]
"""Is told how many things more are done."""


@dataclass(frozen=True, slots=True)
class TransferProof:
    """What a store holds, and the SHA-256 over all of it in order."""

    contents: TransferContents
    sha256: str


async def move(
    source: TransferableStore, target: TransferableStore, advance: Advance = lambda _: None
) -> TransferContents:
    """Enter everything that the target lacks, but do not finish it yet. Raise Conflict, Unavailable."""
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
    """Compare both and finish the target. Raise CopyFailed when they differ."""
    wanted = await digest(source, advance)
    found = await digest(target, advance)
    numbers, mine = wanted.contents, found.contents
    same = (numbers.entities, numbers.changes, numbers.records) == (mine.entities, mine.changes, mine.records)
    if not same or wanted.sha256 != found.sha256:
        raise CopyFailed(
            f"the copy differs from its source: {mine} instead of {numbers}; was something written meanwhile?"
            " Empty the target and begin again"
        )
    await target.finish(numbers.last_change)
    return wanted


async def digest(depot: TransferableStore, advance: Advance = lambda _: None) -> TransferProof:
    """Read everything in order."""
    sha = hashlib.sha256()
    async for rows in depot.read_entities(0):
        for row in rows:
            head = f"\0entity\0{row.tenant}\0{row.id}\0{row.version}\0{len(row.body)}\0"
            sha.update(head.encode() + row.body)
        advance(len(rows))
    async for changes in depot.read_changes(0):
        for change in changes:
            sha.update(f"\0change\0{change.seq}\0{len(change.body)}\0".encode() + change.body)
        advance(len(changes))
    async for records in depot.read_records(NOTHING.record):
        for each in records:
            head = f"\0record\0{each.kind}\0{each.tenant}\0{each.id}\0{len(each.body)}\0"
            sha.update(head.encode() + each.body)
        advance(len(records))
    return TransferProof(await depot.contents(), sha.hexdigest())


def must_be_empty(contents: TransferContents, *, unfinished: bool) -> None:
    """Raise Conflict where a city lies in the target that is not a part of this copy."""
    if not unfinished and contents != TransferContents(0, 0, 0, 0):
        raise Conflict(
            f"the target holds {contents.entities} entities, {contents.changes} changes and"
            f" {contents.records} records already"
        )
