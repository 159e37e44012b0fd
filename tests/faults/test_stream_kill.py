"""What was acknowledged reaches every consumer, in order, whatever is killed, emptied or set back on the way."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.store_writer import count_up
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Store
from rhinecloud.stream.port import Frame, Gone
from stream.running import Running, frame, running

CITY = Path(__file__).with_name("relaying_city.py")

pytestmark = pytest.mark.fault


class Listener:
    """Collects the sequence numbers that a consumer handles, and sees that none is missing or overtaken."""

    def __init__(self) -> None:
        self.first = 0
        self.last = 0

    async def handle(self, it: Frame) -> None:
        self.first = self.first or it.first
        assert self.last == 0 or it.first <= self.last + 1, f"{self.last} and then {it.first}"
        self.last = max(self.last, it.last)

    async def until(self, seq: int) -> None:
        async with asyncio.timeout(60):
            while self.last < seq:
                await asyncio.sleep(0.01)


async def write(store: Store, count: int) -> None:
    for number in range(count):
        await store.write([count_up(f"urn:x:{number % 7}")])


async def opened(folder: Path, kept: StoreSettings) -> Store:
    store = make_store(kept, folder)
    await store.open()
    return store


async def end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
def test_a_city_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    chance, city = random.Random(8), [sys.executable, str(CITY), str(tmp_path), either_store.url, "8"]
    for _ in range(5):
        child = subprocess.Popen([*city, "0"], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        time.sleep(chance.uniform(0.05, 0.6))
        child.kill()
        child.wait()
        child.stdout.close()
    subprocess.run([*city, "0.3"], check=True, timeout=60, stdout=subprocess.DEVNULL)
    acknowledged = {int(line) for line in (tmp_path / "acknowledged").read_text().split()}
    done = 0
    for line in (tmp_path / "handled").read_text().splitlines():
        first, last = map(int, line.split())
        assert first <= done + 1, f"{done} and then {first}"
        done = max(done, last)
    assert done >= max(acknowledged)


async def test_a_stream_that_is_killed_under_load_loses_nothing(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    store, listener = await opened(tmp_path, either_store), Listener()
    async with running(tmp_path / "stream") as it:
        tail = Listener()

        async def follow() -> None:
            async for each in it.stream.tail(0):
                await tail.handle(each)

        tasks = [
            asyncio.create_task(Relay(store, it.stream, RelaySettings()).run()),
            asyncio.create_task(it.stream.consume("worker", listener.handle)),
            asyncio.create_task(follow()),
        ]
        for _ in range(3):
            await write(store, 200)
            await kill(it)
            await write(store, 200)
            await listener.until(store.last_change() - 200)
        await listener.until(1_200)
        await tail.until(1_200)
        assert listener.first == tail.first == 1
        await end(*tasks)
    await store.close()


async def test_while_the_stream_is_away_the_city_writes_on(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    store, listener = await opened(tmp_path, either_store), Listener()
    async with running(tmp_path / "stream") as it:
        relay = Relay(store, it.stream, RelaySettings())
        tasks = [
            asyncio.create_task(relay.run()),
            asyncio.create_task(it.stream.consume("worker", listener.handle)),
        ]
        await write(store, 10)
        await listener.until(10)
        await it.server.stop()
        await write(store, 1_000)
        assert relay.lag == 1_000
        await it.server._launch()
        await listener.until(1_010)
        assert relay.lag == 0
        await end(*tasks)
    await store.close()


async def test_a_stream_that_is_lost_is_filled_from_the_log_and_the_gap_is_counted(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    store = await opened(tmp_path, either_store)
    async with running(tmp_path / "stream") as it:
        relay = asyncio.create_task(Relay(store, it.stream, RelaySettings()).run())
        await write(store, 100)
        await until_published(it, 100)
        await end(relay)
    await store.forget_changes(40)
    shutil.rmtree(tmp_path / "stream")
    async with running(tmp_path / "stream") as it:
        listener, second = Listener(), Relay(store, it.stream, RelaySettings())
        tasks = [
            asyncio.create_task(second.run()),
            asyncio.create_task(it.stream.consume("worker", listener.handle)),
        ]
        await write(store, 1)
        await listener.until(101)
        assert listener.first == 41
        assert second.counters.lost == 40
        with pytest.raises(Gone):
            async for _ in it.stream.tail(39):
                pass
        await end(*tasks)
    await store.close()


async def test_a_store_that_was_set_back_goes_on_numbering_after_the_stream(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    store = await opened(tmp_path, either_store)
    await write(store, 30)
    async with running(tmp_path / "stream") as it:
        for seq in range(1, 61):
            await it.stream.publish(frame(seq))
        listener = Listener()
        tasks = [
            asyncio.create_task(Relay(store, it.stream, RelaySettings()).run()),
            asyncio.create_task(it.stream.consume("worker", listener.handle)),
        ]
        await listener.until(60)
        await write(store, 5)
        await listener.until(65)
        assert store.last_change() == 65
        await end(*tasks)
    await store.close()


async def test_consumers_that_are_ahead_of_a_stream_that_lost_its_end_are_led_back(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    """As after a power cut: the newest messages were acknowledged and done with, and never reached the disk."""
    folder = tmp_path / "stream"
    store, listener = await opened(tmp_path, either_store), Listener()
    async with running(folder) as it:
        await write(store, 1)
        task = asyncio.create_task(Relay(store, it.stream, RelaySettings()).run())
        await until_published(it, 1)
        await end(task)
    shutil.copytree(folder, tmp_path / "before")
    async with running(folder) as it:
        tasks = [
            asyncio.create_task(Relay(store, it.stream, RelaySettings()).run()),
            asyncio.create_task(it.stream.consume("worker", listener.handle)),
        ]
        for seq in range(2, 51):
            await write(store, 1)
            await listener.until(seq)
        await end(*tasks)
    [messages] = folder.glob("jetstream/*/streams/CHANGES/msgs")
    shutil.rmtree(messages)
    shutil.copytree(tmp_path / "before" / messages.relative_to(folder), messages)
    async with running(folder) as it:
        again = Listener()
        tasks = [
            asyncio.create_task(Relay(store, it.stream, RelaySettings()).run()),
            asyncio.create_task(it.stream.consume("worker", again.handle)),
        ]
        for seq in range(51, 61):
            await write(store, 1)
            await again.until(seq)
        assert again.first <= 51
        await end(*tasks)
    await store.close()


async def kill(it: Running) -> None:
    """Kill the server once it runs."""
    async with asyncio.timeout(60):
        while it.server.pid is None:
            await asyncio.sleep(0.01)
    os.kill(it.server.pid, signal.SIGKILL)


async def until_published(it: Running, seq: int) -> None:
    async with asyncio.timeout(60):
        while await it.stream.last() < seq:
            await asyncio.sleep(0.02)
