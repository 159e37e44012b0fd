"""Work that is shared out: each frame is handled by one member, in order, and by another when that one fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from changes.following import GAUGE, LOCK, frame, until
from rhinecloud.changes.batch import Batch, Selection
from rhinecloud.changes.shared import SharedFollower
from stream.running import Running, running


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "stream") as it:
        yield it


class Member:
    """A member of a group that notes what it handled; `faults` are raised first."""

    def __init__(self, it: Running, select: Selection = Selection()) -> None:  # noqa: B008
        self.follower = SharedFollower("group", it.stream, select=select)
        self.handled: list[int] = []
        self.faults: list[Exception] = []
        self.is_stuck = False
        self.has_begun = asyncio.Event()

    async def handle(self, batch: Batch) -> None:
        self.has_begun.set()
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.faults:
            raise self.faults.pop(0)
        await asyncio.sleep(0.001)
        self.handled += [each.seq for each in batch.changes()]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.follower.run(self.handle))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_members_share_the_work_and_lose_none(it: Running) -> None:
    one, two = Member(it), Member(it)
    async with one.at_work(), two.at_work():
        for seq in range(1, 101):
            await it.stream.publish(frame(seq))
        await until(lambda: len(one.handled) + len(two.handled) == 100)
    assert sorted(one.handled + two.handled) == list(range(1, 101))
    assert one.handled == sorted(one.handled)
    assert one.handled
    assert two.handled


async def test_a_frame_that_fails_comes_again_before_the_next(it: Running) -> None:
    one = Member(it)
    one.faults = [ValueError("first"), KeyError("second")]
    for seq in (1, 2, 3):
        await it.stream.publish(frame(seq))
    async with one.at_work():
        await until(lambda: one.handled == [1, 2, 3])
    assert one.follower.counters.failures == 2
    assert one.follower.counters.error == ""


async def test_when_one_member_stops_the_other_gets_its_frame(it: Running) -> None:
    one, two = Member(it), Member(it)
    one.is_stuck = True
    async with one.at_work():
        await it.stream.publish(frame(1))
        await it.stream.publish(frame(2))
        await one.has_begun.wait()
    async with two.at_work():
        await until(lambda: two.handled == [1, 2])


async def test_a_paused_member_leaves_the_work_to_the_others(it: Running) -> None:
    one, two = Member(it), Member(it)
    async with one.at_work(), two.at_work():
        one.follower.pause()
        for seq in range(1, 11):
            await it.stream.publish(frame(seq))
        await until(lambda: two.handled == list(range(1, 11)))
        two.follower.pause()
        one.follower.resume()
        await it.stream.publish(frame(11))
        await until(lambda: one.handled == [11])


async def test_only_selected_changes_are_handed_over(it: Running) -> None:
    one = Member(it, Selection("", frozenset({LOCK})))
    await it.stream.publish(frame(1, 2, GAUGE))
    await it.stream.publish(frame(3, 4, LOCK))
    await it.stream.publish(frame(5, 6, LOCK, "harbour"))
    async with one.at_work():
        await until(lambda: one.follower.counters.position == 6)
    assert one.handled == [3, 4]
