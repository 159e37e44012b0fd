"""What tests of followers share: frames of real changes, and a store that keeps marks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from rhinecloud.changes.batch import Batch
from rhinecloud.changes.follower import Follower
from rhinecloud.ngsild.change import Change, ChangeKind, encode_change
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.sqlite import SqliteStore
from rhinecloud.stream.port import Frame

GAUGE, LOCK = "https://example.org/Gauge", "https://example.org/Lock"


def change(seq: int, type_iri: str = GAUGE, tenant: str = "") -> bytes:
    """Return an encoded change of an entity of a type."""
    entity = Entity(id=f"urn:x:{seq}", type=[type_iri], attrs={})
    return encode_change(
        Change(seq=seq, kind=ChangeKind.UPDATED, at="2026-03-01T00:00:00Z", entity=entity, tenant=tenant)
    )


def frame(first: int, last: int = 0, type_iri: str = GAUGE, tenant: str = "") -> Frame:
    """Return a frame of changes `first` to `last`."""
    return Frame.join(
        first, last or first, [change(n, type_iri, tenant) for n in range(first, (last or first) + 1)]
    )


def numbers(batches: list[Batch]) -> list[int]:
    """Return the sequence numbers of all changes."""
    return [each.seq for batch in batches for each in batch.changes()]


@asynccontextmanager
async def opened_store(folder: Path) -> AsyncIterator[SqliteStore]:
    """Open a store in a folder."""
    store = SqliteStore(folder / "city.db")
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def take(follower: Follower, count: int) -> list[Batch]:
    """Take so many batches and be done with them."""
    found: list[Batch] = []
    async with asyncio.timeout(60), aclosing(follower.batches()) as batches:
        async for batch in batches:
            found.append(batch)
            if len(found) == count:
                follower.done(batch.last)
                break
    return found


@asynccontextmanager
async def at_work(follower: Follower, handled: list[Batch]) -> AsyncIterator[None]:
    """Run a follower that notes each batch."""

    async def handle(batch: Batch) -> None:
        handled.append(batch)

    task = asyncio.create_task(follower.run(handle))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)
