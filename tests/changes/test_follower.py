"""A follower gets every change once and in order, goes on where it stopped, and names what it missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from changes.following import GAUGE, LOCK, at_work, frame, numbers, opened_store, take, until
from rhinecloud.changes import marks as marks_module
from rhinecloud.changes.batch import Batch, Selection
from rhinecloud.changes.follower import Follower, Gap
from rhinecloud.changes.marks import KIND, Marks, SavedMark
from rhinecloud.store.port import Record
from rhinecloud.store.sqlite import SqliteStore
from rhinecloud.stream.port import Frame, Gone
from stream.running import Running, running


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "stream") as it:
        yield it


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with opened_store(tmp_path) as opened:
        yield opened


async def purge(it: Running, *, keep: int) -> None:
    """Drop all but the newest messages, as the stream's limits do."""
    state = (await it.stream._js().stream_info("CHANGES")).state
    await it.stream._js().purge_stream("CHANGES", seq=state.last_seq - keep + 1)


async def test_a_new_follower_begins_with_the_next_change(it: Running, store: SqliteStore) -> None:
    await it.stream.publish(frame(1, 5))
    handled: list[Batch] = []
    async with at_work(Follower("worker", it.stream, Marks(store)), handled):
        await until_started(store)
        await it.stream.publish(frame(6, 8))
        await until(lambda: numbers(handled) == [6, 7, 8])


async def test_a_new_follower_may_begin_with_the_oldest_change_that_is_held(
    it: Running, store: SqliteStore
) -> None:
    for seq in range(1, 6):
        await it.stream.publish(frame(seq))
    await purge(it, keep=3)
    follower = Follower("worker", it.stream, Marks(store), from_start=True)
    assert numbers(await take(follower, 3)) == [3, 4, 5]
    assert follower.counters.missed == 0


async def until_started(store: SqliteStore) -> None:
    async with asyncio.timeout(60):
        while await Marks(store).load("worker") is None:
            await asyncio.sleep(0.005)


async def test_a_new_follower_that_is_killed_before_its_first_change_misses_none(
    it: Running, store: SqliteStore
) -> None:
    await it.stream.publish(frame(1, 5))
    async with at_work(Follower("worker", it.stream, Marks(store)), []):
        await until_started(store)
    await it.stream.publish(frame(6))
    assert numbers(await take(Follower("worker", it.stream, Marks(store)), 1)) == [6]


async def test_a_restart_goes_on_after_what_is_done(it: Running, store: SqliteStore) -> None:
    marks = Marks(store)
    await marks.save("worker", 0)
    seen: list[int] = []
    for first in range(1, 30, 3):
        await it.stream.publish(frame(first, first + 2))
        seen += numbers(await take(Follower("worker", it.stream, marks), 1))
    assert seen == list(range(1, 31))


async def test_a_batch_that_was_not_done_comes_again(it: Running, store: SqliteStore) -> None:
    marks, begun = Marks(store), asyncio.Event()
    await marks.save("worker", 0)
    await it.stream.publish(frame(1, 2))

    async def hang(batch: Batch) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Follower("worker", it.stream, marks).run(hang))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await marks.load("worker") == 0
    assert numbers(await take(Follower("worker", it.stream, marks), 1)) == [1, 2]


async def test_the_stored_mark_is_never_ahead_of_what_is_done(
    it: Running, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks_module, "SAVE_EVERY_S", 0.0)
    marks, done = Marks(store), 0
    await marks.save("worker", 0)
    for seq in range(1, 31):
        await it.stream.publish(frame(seq))

    async def handle(batch: Batch) -> None:
        nonlocal done
        stored = await marks.load("worker")
        assert stored is not None
        assert stored <= done
        done = batch.last

    follower = Follower("worker", it.stream, marks)
    task = asyncio.create_task(follower.run(handle))
    await until(lambda: follower.counters.position == 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert follower.counters.failures == 0
    assert await marks.load("worker") == 30


async def test_the_mark_is_written_while_no_further_change_comes(it: Running, store: SqliteStore) -> None:
    marks = Marks(store)
    await marks.save("worker", 0)
    await it.stream.publish(frame(1, 7))
    async with at_work(Follower("worker", it.stream, marks), []), asyncio.timeout(60):
        while await marks.load("worker") != 7:
            await asyncio.sleep(0.01)


async def test_a_batch_that_fails_is_handled_again_before_the_next(it: Running, store: SqliteStore) -> None:
    marks, handled, faults = Marks(store), [], [ValueError("first"), KeyError("second")]
    await marks.save("worker", 0)
    await it.stream.publish(frame(1))
    await it.stream.publish(frame(2))

    async def handle(batch: Batch) -> None:
        if faults:
            raise faults.pop(0)
        handled.append(batch.last)

    follower = Follower("worker", it.stream, marks)
    task = asyncio.create_task(follower.run(handle))
    await until(lambda: handled == [1, 2])
    assert follower.counters.failures == 2
    await until(lambda: follower.counters.error == "")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_only_selected_types_and_tenants_are_given_out(it: Running, store: SqliteStore) -> None:
    marks, handled = Marks(store), []
    await marks.save("worker", 0)
    select = Selection("harbour", frozenset({LOCK}))
    follower = Follower("worker", it.stream, marks, select=select)
    await it.stream.publish(frame(1, 2, GAUGE, "harbour"))
    await it.stream.publish(frame(3, 4, LOCK))
    await it.stream.publish(frame(5, 6, LOCK, "harbour"))
    await it.stream.publish(frame(7, 8, GAUGE, "harbour"))
    async with at_work(follower, handled):
        await until(lambda: follower.counters.position == 8)
    assert numbers(handled) == [5, 6]
    assert len(handled) == 1


async def test_a_follower_that_begins_within_a_frame_gets_the_rest_of_it(
    it: Running, store: SqliteStore
) -> None:
    await Marks(store).save("worker", 3)
    await it.stream.publish(frame(1, 5))
    assert numbers(await take(Follower("worker", it.stream, Marks(store)), 1)) == [4, 5]


async def test_after_a_gap_it_goes_on_with_the_oldest_change_that_is_held(
    it: Running, store: SqliteStore
) -> None:
    await Marks(store).save("worker", 2)
    for seq in range(1, 11):
        await it.stream.publish(frame(seq))
    await purge(it, keep=4)
    follower = Follower("worker", it.stream, Marks(store))
    gap, *others = await take(follower, 5)
    assert (gap.after, gap.last, gap.missed, gap.changes()) == (2, 6, 4, [])
    assert numbers(others) == [7, 8, 9, 10]
    assert follower.counters.missed == 4
    assert follower.lag(12) == 2


async def test_after_a_gap_a_follower_of_the_present_goes_on_after_the_newest(
    it: Running, store: SqliteStore
) -> None:
    await Marks(store).save("worker", 2)
    for seq in range(1, 11):
        await it.stream.publish(frame(seq))
    await purge(it, keep=4)
    follower = Follower("worker", it.stream, Marks(store), gap=Gap.NEWEST)
    handled: list[Batch] = []
    async with at_work(follower, handled):
        await until(lambda: follower.counters.position == 10)
        await it.stream.publish(frame(11))
        await until(lambda: numbers(handled) == [11])
    assert follower.counters.missed == 8


async def test_a_gap_within_the_stream_is_passed_once(it: Running, store: SqliteStore) -> None:
    """As after a store that lost the end of its log: the numbers in between were never published."""
    await Marks(store).save("worker", 0)
    await it.stream.publish(frame(1, 3))
    await it.stream.publish(frame(8, 9))
    follower = Follower("worker", it.stream, Marks(store))
    assert numbers(await take(follower, 3)) == [1, 2, 3, 8, 9]
    assert follower.counters.missed == 4


async def test_a_paused_follower_gets_nothing_until_it_is_resumed(it: Running, store: SqliteStore) -> None:
    await Marks(store).save("worker", 0)
    follower, handled = Follower("worker", it.stream, Marks(store)), []
    other, seen = Follower("other", it.stream), []
    async with at_work(follower, handled), at_work(other, seen):
        await it.stream.publish(frame(1))
        await until(lambda: numbers(handled) == [1])
        follower.pause()
        assert follower.is_paused
        await it.stream.publish(frame(2))
        await it.stream.publish(frame(3))
        await until(lambda: numbers(seen) == [1, 2, 3])
        assert numbers(handled) == [1]
        follower.resume()
        await until(lambda: numbers(handled) == [1, 2, 3])


async def test_two_that_run_under_one_name_both_get_all_and_harm_no_mark(
    it: Running, store: SqliteStore
) -> None:
    marks = Marks(store)
    await marks.save("worker", 0)
    one, two = [], []
    async with at_work(Follower("worker", it.stream, marks), one):
        for seq in range(1, 6):
            await it.stream.publish(frame(seq))
        async with at_work(Follower("worker", it.stream, marks), two):
            await until(lambda: numbers(one) == numbers(two) == [1, 2, 3, 4, 5])
    assert await marks.load("worker") == 5


async def test_a_mark_that_cannot_be_read_is_the_newest_change(it: Running, store: SqliteStore) -> None:
    await it.stream.publish(frame(1, 4))
    await store.put_records([Record(KIND, "", "worker", b"\xff00")])
    handled: list[Batch] = []
    follower = Follower("worker", it.stream, Marks(store))
    async with at_work(follower, handled):
        await until(lambda: follower.counters.position == 4)
        await it.stream.publish(frame(5))
        await until(lambda: numbers(handled) == [5])


async def test_while_the_stream_is_away_it_waits(it: Running, store: SqliteStore) -> None:
    await Marks(store).save("worker", 0)
    handled: list[Batch] = []
    async with at_work(Follower("worker", it.stream, Marks(store)), handled):
        await it.stream.publish(frame(1))
        await until(lambda: numbers(handled) == [1])
        await it.server.stop()
        await it.server._launch()
        async with asyncio.timeout(60):
            while not it.stream.connected:
                await asyncio.sleep(0.02)
        await it.stream.publish(frame(2))
        await until(lambda: numbers(handled) == [1, 2])


async def test_the_error_of_an_outage_goes_with_it_though_no_change_comes(
    it: Running, store: SqliteStore
) -> None:
    follower, handled = Follower("worker", it.stream, Marks(store)), []
    await it.server.stop()
    async with at_work(follower, handled):
        await until(lambda: follower.counters.error != "")
        await it.server._launch()
        await until(lambda: follower.counters.error == "")
    assert handled == []


class EmptyingStream:
    """A stream that says again and again that a change is gone, and that it holds the very next one."""

    calls = 0

    async def tail(self, after: int, *, urgent: bool = False) -> AsyncIterator[Frame]:
        self.calls += 1
        raise Gone(after, after + 1)
        yield


async def test_a_stream_that_only_says_gone_does_not_keep_the_others_from_working() -> None:
    stream = EmptyingStream()
    async with at_work(Follower("worker", stream), []):  # type: ignore[arg-type]
        await until(lambda: stream.calls > 2)


async def test_a_mark_is_not_written_again_after_it_was_closed(store: SqliteStore) -> None:
    """The loop of a worker that failed may be closed after its successor has gone on."""
    old, new = SavedMark(Marks(store), "worker"), SavedMark(Marks(store), "worker")
    old.move(3)
    await old.close()
    new.move(7)
    await new.close()
    old.move(4)
    await old.save()
    await old.close()
    assert await Marks(store).load("worker") == 7
