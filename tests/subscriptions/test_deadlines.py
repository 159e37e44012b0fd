"""One timer serves all timeouts, however long each of them is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rhinecloud.subscriptions.transports.http.deadlines import TICK_S, Deadlines


class Waiter:
    def __init__(self) -> None:
        self.timed_out_at = 0.0

    def time_out(self) -> None:
        self.timed_out_at = asyncio.get_running_loop().time()


@pytest.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    opened = Deadlines()
    yield opened
    opened.close()


async def test_each_times_out_after_its_own_time_and_once(deadlines: Deadlines) -> None:
    began = asyncio.get_running_loop().time()
    short, long, gone = Waiter(), Waiter(), Waiter()
    deadlines.add(long, 0.3)
    deadlines.add(short, 0.1)
    deadlines.add(gone, 0.1)
    deadlines.remove(gone, 0.1)
    async with asyncio.timeout(60):
        while not long.timed_out_at:
            await asyncio.sleep(TICK_S)
    assert short.timed_out_at - began >= 0.1
    assert long.timed_out_at - began >= 0.3
    assert gone.timed_out_at == 0
    deadlines.remove(short, 0.1)  # it may have timed out already


async def test_a_listener_that_is_added_later_times_out_too(deadlines: Deadlines) -> None:
    for _ in range(2):
        waiter = Waiter()
        deadlines.add(waiter, 0.02)
        async with asyncio.timeout(60):
            while not waiter.timed_out_at:
                await asyncio.sleep(TICK_S)


async def test_nothing_times_out_after_close(deadlines: Deadlines) -> None:
    waiter = Waiter()
    deadlines.add(waiter, 0.02)
    deadlines.close()
    await asyncio.sleep(0.02 + 2 * TICK_S)
    deadlines.remove(waiter, 0.02)
    assert waiter.timed_out_at == 0
