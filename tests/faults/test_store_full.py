"""A store whose disk is full says so, keeps what it has, serves readers, and goes on by itself when there is room."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from faults.disk import Disk
from rhinecloud.ngsild.change import decode_change
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.engine import make_store
from rhinecloud.store.port import Edit, Put, Record, Store, StoreFull, Written

TEXT = "https://example.org/text"


def put(number: int, size: int = 20_000) -> Edit:
    """Write a text that no engine makes shorter."""
    text = random.Random(number).randbytes(size // 2).hex()
    it = Entity(id=f"urn:x:{number}", type=["https://example.org/Note"], attrs={TEXT: [Instance(value=text)]})
    return Edit("", it.id, lambda _: Put(it, [TEXT]), "2026-03-01T10:00:00Z")


async def fill(store: Store) -> list[int]:
    """Write until the disk is full; give what was acknowledged."""
    kept: list[int] = []
    for number in range(10_000):
        try:
            [answer] = await store.write([put(number)])
        except StoreFull:
            return kept
        assert isinstance(answer, Written)
        kept.append(number)
    raise AssertionError("the disk was never full")


@pytest.mark.fault
async def test_a_full_disk_is_said_and_survived(tmp_path: Path, small_disk: Disk) -> None:
    small_disk.leave(3_000_000)
    store = make_store(small_disk.kept, tmp_path)
    await store.open()
    heard: list[int] = []
    store.on_commit(lambda commit: heard.append(commit.last))
    kept = await fill(store)
    assert kept
    assert store.last_change() == len(kept) == heard[-1]
    assert await store.count("") == len(kept)
    assert await store.types("") == {"https://example.org/Note": len(kept)}

    answers = await asyncio.gather(
        store.write([put(10_000), put(10_001)]),
        store.write([put(10_002)]),
        store.put_records([Record("kind", "", "one", random.Random(0).randbytes(500_000))]),
        return_exceptions=True,
    )
    assert all(isinstance(answer, StoreFull) for answer in answers)
    assert await store.get("", "urn:x:10000") is None
    assert all([await store.get("", f"urn:x:{number}") is not None for number in kept])

    small_disk.clear()
    [again] = await store.write([put(10_000)])
    assert isinstance(again, Written)
    assert again.seq == len(kept) + 1
    await store.put_records([Record("kind", "", "one", b"1")])
    await store.close()

    store = make_store(small_disk.kept, tmp_path)
    await store.open()
    seqs = [decode_change(row.body).seq for row in await store.changes(0, 10_000, max_bytes=1 << 30)]
    assert seqs == list(range(1, len(kept) + 2))
    assert await store.count("") == len(kept) + 1
    await store.close()


@pytest.mark.fault
async def test_a_store_that_was_full_when_it_was_closed_opens_again(tmp_path: Path, small_disk: Disk) -> None:
    small_disk.leave(3_000_000)
    store = make_store(small_disk.kept, tmp_path)
    await store.open()
    kept = await fill(store)
    await store.close()
    store = make_store(small_disk.kept, tmp_path)
    await store.open()
    assert await store.count("") == len(kept)
    await store.close()
