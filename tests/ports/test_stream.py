"""What every stream engine promises: one suite, run on each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.port import Frame, Gone, Stream
from stream.running import Running, frame, running

ENGINES = {"jetstream": running}


@pytest.fixture(params=sorted(ENGINES))
async def stream(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stream]:
    async with ENGINES[request.param](tmp_path) as it:
        yield it.stream


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as it:
        yield it


class Worker:
    """A consumer that writes down what it handled; `faults` are raised first, one a call."""

    def __init__(self, stream: Stream, name: str = "worker") -> None:
        self.handled: list[Frame] = []
        self.faults: list[Exception] = []
        self.delay_s = 0.0
        self._stream = stream
        self._name = name

    async def handle(self, it: Frame) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.faults:
            raise self.faults.pop(0)
        self.handled.append(it)

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self._stream.consume(self._name, self.handle))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, count: int) -> list[int]:
        async with asyncio.timeout(60):
            while len(self.handled) < count:
                await asyncio.sleep(0.005)
        return [it.last for it in self.handled]


async def take(frames: AsyncIterator[Frame], count: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    async with asyncio.timeout(60):
        async for it in frames:
            found.append((it.first, it.last))
            if len(found) == count:
                break
    return found


async def test_an_empty_log_holds_nothing(stream: Stream) -> None:
    assert await stream.last() == 0


async def test_a_second_relay_that_believes_to_be_at_the_end_appends_nothing(it: Running) -> None:
    """Two processes relay for a moment, as when a leader was believed dead: each knows the end as it was."""
    other = it.connect()
    await other.open()
    try:
        for each in (it.stream, other):
            assert await each.last() == 0
        await it.stream.publish(frame(1, 2))
        with pytest.raises(Unavailable):
            await other.publish(frame(1))
        await it.stream.publish(frame(3))
        assert await take(other.tail(0), 2) == [(1, 2), (3, 3)]
    finally:
        await other.close()


async def test_last_is_what_was_published_last(stream: Stream) -> None:
    await stream.publish(frame(1, 5))
    await stream.publish(frame(6, 6))
    assert await stream.last() == 6


async def test_first_is_the_oldest_that_is_held(stream: Stream) -> None:
    assert await stream.first() == 0
    await stream.publish(frame(11, 20))
    await stream.publish(frame(21, 30))
    assert await stream.first() == 11


async def test_asking_does_not_disturb_publishing(stream: Stream) -> None:
    async def ask() -> None:
        while True:
            await stream.last()

    asking = asyncio.ensure_future(ask())
    for seq in range(1, 101):
        await stream.publish(frame(seq))
    asking.cancel()
    assert await stream.last() == 100


async def test_a_repeat_is_dropped(stream: Stream) -> None:
    worker = Worker(stream)
    async with worker.at_work():
        await stream.publish(frame(1, 3))
        await stream.publish(frame(1, 3))
        await stream.last()
        await stream.publish(frame(1, 3))
        await stream.publish(frame(4))
        assert await worker.until(2) == [3, 4]
        await asyncio.sleep(0.1)
    assert await worker.until(2) == [3, 4]


async def test_a_consumer_gets_frames_as_they_were_published(stream: Stream) -> None:
    worker = Worker(stream)
    await stream.publish(frame(1, 2))
    async with worker.at_work():
        await stream.publish(frame(3, 7))
        await worker.until(2)
    assert worker.handled == [frame(1, 2), frame(3, 7)]


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_a_consumer_gets_what_another_process_published(it: Running, size: int) -> None:
    worker = Worker(it.stream)
    other = it.connect()
    await other.open()
    large = Frame(2, 2, b"[" + b" " * size + b"]")
    async with worker.at_work():
        await it.stream.publish(frame(1))
        await other.publish(large)
        await worker.until(2)
    await other.close()
    assert worker.handled == [frame(1), large]


async def test_many_frames_come_in_order(stream: Stream) -> None:
    worker = Worker(stream)
    async with worker.at_work():
        for seq in range(1, 601):
            await stream.publish(frame(seq))
        assert await worker.until(600) == list(range(1, 601))


async def test_a_consumer_goes_on_where_it_stopped(stream: Stream) -> None:
    worker = Worker(stream)
    async with worker.at_work():
        await stream.publish(frame(1))
        await worker.until(1)
    await stream.publish(frame(2))
    async with worker.at_work():
        assert await worker.until(2) == [1, 2]


async def test_each_consumer_has_its_own_place(stream: Stream) -> None:
    one, two = Worker(stream, "one"), Worker(stream, "two")
    await stream.publish(frame(1))
    async with one.at_work():
        await one.until(1)
    await stream.publish(frame(2))
    async with two.at_work():
        assert await two.until(2) == [1, 2]
    assert len(one.handled) == 1


async def test_a_frame_that_fails_comes_again_before_the_next_one(stream: Stream) -> None:
    worker = Worker(stream)
    worker.faults = [ValueError("first"), KeyError("second")]
    for seq in (1, 2, 3):
        await stream.publish(frame(seq))
    async with worker.at_work():
        assert await worker.until(3) == [1, 2, 3]


async def test_a_frame_under_work_when_the_consumer_stops_comes_again_at_once(stream: Stream) -> None:
    worker = Worker(stream)
    worker.delay_s = 5
    await stream.publish(frame(1))
    await stream.publish(frame(2))
    async with worker.at_work():
        await asyncio.sleep(0.3)
    worker.delay_s = 0
    async with worker.at_work():
        async with asyncio.timeout(60):
            assert await worker.until(2) == [1, 2]


async def test_two_workers_of_one_name_share_the_frames_and_lose_none(stream: Stream) -> None:
    one, two = Worker(stream), Worker(stream)
    one.delay_s = two.delay_s = 0.002
    async with one.at_work(), two.at_work():
        for seq in range(1, 101):
            await stream.publish(frame(seq))
        async with asyncio.timeout(60):
            while len(one.handled) + len(two.handled) < 100:
                await asyncio.sleep(0.01)
    assert sorted(it.last for it in one.handled + two.handled) == list(range(1, 101))
    assert one.handled
    assert two.handled


async def test_work_that_takes_longer_than_the_server_waits_is_done_once(stream: Stream) -> None:
    worker = Worker(stream)
    worker.delay_s = 3.0
    await stream.publish(frame(1))
    async with worker.at_work():
        assert await worker.until(1) == [1]
        worker.delay_s = 0
        await stream.publish(frame(2))
        assert await worker.until(2) == [1, 2]


async def test_a_follower_begins_in_the_frame_that_it_asks_for(stream: Stream) -> None:
    for first in range(1, 100, 5):
        await stream.publish(frame(first, first + 4))
    assert await take(stream.tail(0), 2) == [(1, 5), (6, 10)]
    assert await take(stream.tail(7), 2) == [(6, 10), (11, 15)]
    assert await take(stream.tail(10), 1) == [(11, 15)]
    assert await take(stream.tail(99), 1) == [(96, 100)]


async def test_a_follower_at_the_end_gets_what_comes(stream: Stream) -> None:
    await stream.publish(frame(1, 4))
    waiting = asyncio.ensure_future(take(stream.tail(4), 2))
    await asyncio.sleep(0.1)
    await stream.publish(frame(5))
    await stream.publish(frame(6, 8))
    assert await waiting == [(5, 5), (6, 8)]


async def test_a_follower_of_an_empty_log_gets_the_first_frame(stream: Stream) -> None:
    waiting = asyncio.ensure_future(take(stream.tail(0), 1))
    await asyncio.sleep(0.1)
    await stream.publish(frame(1))
    assert await waiting == [(1, 1)]


async def test_a_follower_gets_an_error_where_changes_are_gone(stream: Stream) -> None:
    await stream.publish(frame(11, 20))
    await stream.publish(frame(21, 30))
    with pytest.raises(Gone):
        await take(stream.tail(5), 1)
    assert await take(stream.tail(10), 1) == [(11, 20)]


async def test_a_closed_stream_says_so(stream: Stream) -> None:
    await stream.close()
    with pytest.raises(Unavailable):
        await stream.publish(frame(1))
    with pytest.raises(Unavailable):
        await stream.last()


async def test_a_second_publisher_cannot_write_beside_the_first(it: Running) -> None:
    """Both know where the log ends; the one that comes second is refused and must ask again."""
    other = it.connect()
    await other.open()
    assert await it.stream.last() == await other.last() == 0
    await it.stream.publish(frame(1, 2))
    with pytest.raises(Unavailable):
        await other.publish(frame(1, 3))
    assert await take(it.stream.tail(0), 1) == [(1, 2)]
    assert await other.last() == 2
    await other.publish(frame(3))
    assert await take(it.stream.tail(0), 2) == [(1, 2), (3, 3)]
    await other.close()
