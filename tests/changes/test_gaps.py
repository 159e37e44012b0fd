"""Whatever the stream drops and however often a follower stops: what is held is handled in order, the rest counted."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changes.following import frame
from rhinecloud.changes.follower import Follower
from stream.running import Running, running

PUBLISH = st.tuples(st.just("publish"), st.integers(1, 4), st.integers(0, 2))
"""So many changes in a frame, after so many numbers that are never published."""
DROP = st.tuples(st.just("drop"), st.integers(0, 3), st.just(0))
"""The stream keeps so many of its newest frames."""
FOLLOW = st.tuples(st.just("follow"), st.integers(1, 3), st.booleans())
"""Take so many batches, and stop before the last one is done, or after."""


class World:
    """A stream with one consumer, and what became of each number."""

    def __init__(self, it: Running, base: int) -> None:
        self.it = it
        self.base = self.newest = self.position = base
        self.frames: list[range] = []
        self.dropped: set[int] = set()
        self.handled: list[int] = []
        self.missed = 0

    async def publish(self, size: int, skip: int) -> None:
        first = self.newest + 1 + skip
        await self.it.stream.publish(frame(first, first + size - 1))
        self.newest = first + size - 1
        self.frames.append(range(first, first + size))

    async def drop(self, keep: int, _: int) -> None:
        gone = self.frames[: len(self.frames) - keep]
        self.frames = self.frames[len(gone) :]
        self.dropped.update(*gone)
        state = (await self.it.stream._js().stream_info("CHANGES")).state
        await self.it.stream._js().purge_stream("CHANGES", seq=state.last_seq - len(self.frames) + 1)

    async def follow(self, count: int, stops_early: bool) -> None:
        """Follow as a consumer that keeps its position itself."""
        follower = Follower("worker", self.it.stream)
        follower.start_after(self.position)
        async with asyncio.timeout(60), aclosing(follower.batches()) as batches:
            while count and self.is_behind():
                batch = await anext(batches)
                count -= 1
                if not count and stops_early:
                    return
                assert batch.after == self.position
                self.handled += [each.seq for each in batch.changes()]
                self.missed += batch.missed
                self.position = batch.last

    def is_behind(self) -> bool:
        return any(each[-1] > self.position for each in self.frames)

    def check(self) -> None:
        published = {seq for each in self.frames for seq in each} | self.dropped
        assert self.handled == sorted(set(self.handled))
        assert published - set(self.handled) <= self.dropped
        assert self.missed == self.position - self.base - len(self.handled)


@contextmanager
def stream_at_work() -> Iterator[tuple[asyncio.Runner, Running]]:
    """Run one server for all examples."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        it = runner.run(stack.enter_async_context(running(Path(folder))))
        try:
            yield runner, it
        finally:
            runner.run(stack.aclose())


def test_what_is_held_is_handled_once_in_order_and_the_rest_is_counted() -> None:
    with stream_at_work() as (runner, it):

        async def play(steps: list[tuple[str, int, int]]) -> None:
            await it.stream._js().purge_stream("CHANGES")
            world = World(it, it.stream._held)
            for what, *arguments in steps:
                await getattr(world, what)(*arguments)
            await world.follow(len(world.frames) * 2 + 1, False)
            world.check()

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.one_of(PUBLISH, PUBLISH, DROP, FOLLOW), max_size=14))
        def holds(steps: list[tuple[str, int, int]]) -> None:
            runner.run(play(steps))

        holds()
