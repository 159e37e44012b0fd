"""A PostgreSQL whose own log finds no room stops; started again with room, it holds all, and the city goes on."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.disk import Disk, mounted
from faults.test_store_full import put
from postgres_server import Server, programs, running
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.change import decode_change
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Store, Written


@pytest.fixture
def disk() -> Iterator[Disk]:
    if programs() is None:
        pytest.skip("needs PostgreSQL and PostGIS (tests/prepare.sh)")
    parent = Path(tempfile.mkdtemp(prefix="rhinecloud-disk-"))
    try:
        with mounted(parent, 96) as folder:
            yield Disk(folder, StoreSettings())
    finally:
        parent.rmdir()


@pytest.fixture
def server(disk: Disk) -> Iterator[Server]:
    """A server whose log lies on a small disk."""
    with running(Server(initdb=["--wal-segsize=1", f"--waldir={disk.folder}/log"])) as server:
        yield server


async def write_until_it_is_down(store: Store) -> list[int]:
    kept: list[int] = []
    for number in range(5_000):
        try:
            [answer] = await store.write([put(number)])
        except Unavailable:
            return kept
        assert isinstance(answer, Written)
        kept.append(number)
    raise AssertionError("the log always found room")


@pytest.mark.fault
async def test_a_database_that_stopped_for_want_of_room_lost_nothing(
    disk: Disk, server: Server, tmp_path: Path
) -> None:
    store = make_store(StoreSettings(url=server.make_database()), tmp_path)
    await store.open()
    disk.leave(6_000_000)
    kept = await write_until_it_is_down(store)
    assert kept, (server.folder / "log").read_text()[-3000:]
    server.kill()
    disk.clear()
    server.start()
    async with asyncio.timeout(60):
        while True:
            try:
                [answer] = await store.write([put(100_000)])
                break
            except Unavailable:
                await asyncio.sleep(0.1)
    assert isinstance(answer, Written)
    rows = [decode_change(row.body) for row in await store.changes(0, 10_000, max_bytes=1 << 30)]
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    written = [row.entity.id for row in rows]
    assert set(written) >= {f"urn:x:{number}" for number in kept}
    assert len(written) == len(set(written)) == await store.count("")
    assert written[-1] == "urn:x:100000"
    await store.close()
