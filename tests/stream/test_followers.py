"""The short cut within one process."""

from __future__ import annotations

import asyncio

from rhinecloud.stream.local_followers import LocalFollowers
from rhinecloud.stream.port import Frame


async def test_everybody_hears_each_frame_once_and_the_urgent_hear_it_first() -> None:
    followers = LocalFollowers()
    followers.offer(Frame(1, 1, b"[]"))
    heard: list[tuple[str, int]] = []

    async def listen(name: str, urgent: bool) -> None:
        async for frame in followers.follow(1, urgent=urgent):
            heard.append((name, frame.last))  # noqa: PERF401 - it never ends

    tasks = [asyncio.create_task(listen(f"calm {number}", False)) for number in range(5)]
    tasks.append(asyncio.create_task(listen("urgent", True)))
    for last in range(2, 5):
        await asyncio.sleep(0.01)
        followers.offer(Frame(last, last, b"[]"))
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    for last in range(2, 5):
        told = [name for name, number in heard if number == last]
        assert told[0] == "urgent"
        assert len(told) == len(set(told)) == 6
