"""The relay carries every change from the log to the stream, once and in order, and keeps the log short."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from faults.store_writer import count_up
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Store
from rhinecloud.stream.port import Frame
from stream.running import Running, running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = make_store(StoreSettings(), tmp_path)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "stream") as it:
        yield it


@contextlib.asynccontextmanager
async def relaying(store: Store, it: Running, settings: RelaySettings | None = None) -> AsyncIterator[Relay]:
    relay = Relay(store, it.stream, settings or RelaySettings())
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0)
    try:
        yield relay
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def write(store: Store, count: int) -> None:
    await store.write([count_up(f"urn:x:{number}") for number in range(count)])


async def until_relayed(relay: Relay) -> None:
    async with asyncio.timeout(60):
        while relay.lag:
            await asyncio.sleep(0.005)


async def frames_of(it: Running, last: int) -> list[Frame]:
    """Read the stream itself, over a connection of its own."""
    reader = it.connect()
    await reader.open()
    frames = []
    async with asyncio.timeout(60):
        async for frame in reader.tail(0):
            frames.append(frame)
            if frame.last >= last:
                break
    await reader.close()
    return frames


async def test_what_was_written_before_and_after_its_start_is_carried(store: Store, it: Running) -> None:
    await write(store, 30)
    async with relaying(store, it) as relay:
        await write(store, 20)
        await until_relayed(relay)
        assert relay.counters.changes == 50
    changes = [change for frame in await frames_of(it, 50) for change in frame.changes()]
    assert [change.seq for change in changes] == list(range(1, 51))


async def test_frames_are_bounded_by_changes_and_by_bytes(store: Store, it: Running) -> None:
    await write(store, 100)
    async with relaying(store, it, RelaySettings(frame_changes=30)) as relay:
        await until_relayed(relay)
    assert [frame.last - frame.first + 1 for frame in await frames_of(it, 100)] == [30, 30, 30, 10]
    await write(store, 100)
    async with relaying(store, it, RelaySettings(frame_bytes=2_000)) as relay:
        await until_relayed(relay)
    largest = max(len(frame.body) for frame in await frames_of(it, 200) if frame.first > 100)
    assert largest < 2_000 + 500


async def test_a_new_relay_goes_on_where_the_stream_ends(store: Store, it: Running) -> None:
    for round_ in range(1, 6):
        async with relaying(store, it) as relay:
            await write(store, 10)
            await until_relayed(relay)
            assert relay.position == 10 * round_
    frames = await frames_of(it, 50)
    assert frames[0].first == 1


async def test_followers_in_the_process_get_a_change_while_the_server_is_away(
    store: Store, it: Running
) -> None:
    heard: list[int] = []

    async def follow() -> None:
        async for frame in it.stream.tail(0):
            heard.extend(change.seq for change in frame.changes())

    following = asyncio.create_task(follow())
    async with relaying(store, it) as relay:
        await write(store, 5)
        await until_relayed(relay)
        async with asyncio.timeout(60):
            while len(heard) < 5:
                await asyncio.sleep(0.005)
        await it.server.stop()
        await write(store, 5)
        async with asyncio.timeout(60):
            while len(heard) < 10:
                await asyncio.sleep(0.005)
        with pytest.raises(Unavailable):
            await it.stream.last()
    following.cancel()
    assert heard == list(range(1, 11))


async def test_a_follower_that_is_slow_misses_nothing(store: Store, it: Running) -> None:
    heard: list[int] = []

    async def follow() -> None:
        async for frame in it.stream.tail(0):
            await asyncio.sleep(0.005)
            heard.extend(change.seq for change in frame.changes() if change.seq > (heard[-1] if heard else 0))

    following = asyncio.create_task(follow())
    async with relaying(store, it) as relay:
        for _ in range(300):
            await write(store, 1)
        await until_relayed(relay)
        async with asyncio.timeout(60):
            while len(heard) < 300:
                await asyncio.sleep(0.01)
    following.cancel()
    assert heard == list(range(1, 301))


async def test_the_log_is_kept_for_a_while_and_then_forgotten(store: Store, it: Running) -> None:
    settings = RelaySettings(keep_changes=20, keep_s=0.05, forget_every_s=0.05)
    async with relaying(store, it, settings) as relay:
        await write(store, 100)
        await until_relayed(relay)
        async with asyncio.timeout(60):
            while (await store.changes(0, 1))[0].seq < 81:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
    assert [row.seq for row in await store.changes(0, 1)] == [81]
    assert relay.counters.lost == 0


async def test_nothing_is_forgotten_that_the_stream_has_not_taken(store: Store, it: Running) -> None:
    await it.server.stop()
    settings = RelaySettings(keep_changes=0, keep_s=0.02, forget_every_s=0.02)
    async with relaying(store, it, settings):
        await write(store, 50)
        await asyncio.sleep(0.3)
    assert len(await store.changes(0, 100)) == 50
