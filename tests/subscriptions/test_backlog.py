"""What waits for one subscription: its order and its bounds, whatever part of it is in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rhinecloud.store.port import Store
from rhinecloud.store.sqlite.store import SqliteStore
from rhinecloud.subscriptions.delivery.backlog import Backlog
from rhinecloud.subscriptions.delivery.items import PendingChunk, PendingItem, record_id, record_of
from rhinecloud.subscriptions.settings import NotificationSettings


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = SqliteStore(tmp_path / "city.db")
    await opened.open()
    yield opened
    await opened.close()


def fill(backlog: Backlog, first: int, last: int) -> None:
    for number in range(first, last + 1):
        backlog.put(PendingItem(number, f"urn:x:{number % 3}", b"{}", ("T",)))


async def spill(backlog: Backlog, store: Store, *, written: bool) -> PendingChunk:
    """Cut the tail, and write it or leave it in memory."""
    chunk = backlog.cut_tail()
    assert chunk is not None
    if written:
        await store.put_records([record_of("queue", chunk)])
        chunk.items = None
    return chunk


async def drain(backlog: Backlog) -> list[int]:
    taken = []
    while len(backlog):
        if not backlog.in_memory:
            await backlog.refill()
        for item in backlog.take(lambda item: True):
            taken.append(item.seq)
            backlog.finish(item)
    return taken


@pytest.mark.parametrize("written", [True, False])
async def test_the_order_holds_over_memory_store_and_tail(store: Store, written: bool) -> None:
    backlog = Backlog("queue", store, NotificationSettings(queue=5))
    fill(backlog, 1, 10)
    await spill(backlog, store, written=written)
    fill(backlog, 11, 15)
    assert len(backlog) == 15
    assert await drain(backlog) == list(range(1, 16))
    assert [chunk.first for chunk in backlog.take_emptied()] == [6]


@pytest.mark.parametrize("written", [True, False])
async def test_the_oldest_items_are_dropped_one_by_one_wherever_they_are(store: Store, written: bool) -> None:
    backlog = Backlog("queue", store, NotificationSettings(queue=5))
    fill(backlog, 1, 10)
    await spill(backlog, store, written=written)
    fill(backlog, 11, 20)
    assert sum(backlog.drop_oldest() for _ in range(8)) == 8
    assert len(backlog) == 12
    assert await drain(backlog) == list(range(9, 21))
    fill(backlog, 21, 30)
    await spill(backlog, store, written=written)
    assert sum(backlog.drop_oldest() for _ in range(12)) == 10
    assert (len(backlog), backlog.take_emptied()[-1].first) == (0, 26)


async def test_items_that_may_not_be_read_any_more_are_left_out(store: Store) -> None:
    backlog = Backlog("queue", store, NotificationSettings())
    for number, type_iri in enumerate(["A", "B", "A"]):
        backlog.put(PendingItem(number, f"urn:x:{number}", b"{}", (type_iri,)))
    assert [item.seq for item in backlog.take(lambda item: item.types == ("A",))] == [0, 2]
    assert len(backlog) == 0


async def test_a_chunk_without_its_record_leaves_the_rest(store: Store) -> None:
    backlog = Backlog("queue", store, NotificationSettings(queue=5))
    fill(backlog, 1, 10)
    chunk = await spill(backlog, store, written=True)
    fill(backlog, 11, 12)
    await store.delete_record("pending-notification", "", record_id("queue", chunk.first))
    assert await drain(backlog) == [1, 2, 3, 4, 5, 11, 12]
