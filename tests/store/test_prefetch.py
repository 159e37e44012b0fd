"""The file lies in the system's memory a moment after the store was opened, as far as there is room for it."""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import os
from functools import partial
from pathlib import Path

import pytest

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Edit, Put
from rhinecloud.store.sqlite import SqliteStore, prefetch

AT = "2026-03-01T10:00:00Z"
NOTE = "https://example.org/note"


def share_in_memory(path: Path) -> float:
    """Tell which share of a file's pages lies in the system's memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as view:
        start = ctypes.c_char.from_buffer(view)
        found = (ctypes.c_ubyte * -(-len(view) // mmap.PAGESIZE))()
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(view)), found)
        del start
        assert not failed, os.strerror(ctypes.get_errno())
        return sum(each & 1 for each in found) / len(found)


def drive_out(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def keep(entity: Entity, _before: Entity | None) -> Put:
    return Put(entity)


@pytest.fixture
async def cold_file(tmp_path: Path) -> Path:
    """A store of some megabytes of which nothing lies in memory."""
    path = tmp_path / "city.db"
    store = SqliteStore(path)
    await store.open()
    attrs = {NOTE: [Instance(value="x" * 4_000)]}
    entities = [Entity(id=f"urn:x:{number}", type=["urn:T"], attrs=attrs) for number in range(500)]
    await store.write([Edit("", each.id, partial(keep, each), AT) for each in entities])
    await store.close()
    drive_out(path)
    if share_in_memory(path) > 0.1:
        pytest.skip("this file system lies in memory itself")
    return path


async def test_a_store_that_is_opened_lies_in_memory_soon(cold_file: Path) -> None:
    store = SqliteStore(cold_file)
    await store.open()
    async with asyncio.timeout(60):
        while share_in_memory(cold_file) < 0.9:
            await asyncio.sleep(0.01)
    await store.close()


async def test_a_file_larger_than_the_available_memory_is_not_read_ahead(
    cold_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "MOST_SHARE", 0.0)
    store = SqliteStore(cold_file)
    await store.open()
    await asyncio.sleep(0.2)
    assert share_in_memory(cold_file) < 0.5
    await store.close()
