"""One timer for all who wait, however long each of them does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rhinecloud.subscriptions.transports.http.deadlines import TICK_S, Deadlines


class Waiter:
    def __init__(self) -> None:
        self.late_at = 0.0

    def late(self) -> None:
        self.late_at = asyncio.get_running_loop().time()


@pytest.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    opened = Deadlines()
    yield opened
    opened.close()


async def test_each_is_told_when_its_own_time_is_over_and_once(deadlines: Deadlines) -> None:
    began = asyncio.get_running_loop().time()
    short, long, gone = Waiter(), Waiter(), Waiter()
    deadlines.add(long, 0.3)
    deadlines.add(short, 0.1)
    deadlines.add(gone, 0.1)
    deadlines.remove(gone, 0.1)
    async with asyncio.timeout(5):
        while not long.late_at:
            await asyncio.sleep(TICK_S)
    assert short.late_at - began >= 0.1
    assert long.late_at - began >= 0.3
    assert gone.late_at == 0
    deadlines.remove(short, 0.1)  # that it was late already does not matter


async def test_who_comes_later_is_told_too(deadlines: Deadlines) -> None:
    for _ in range(2):
        waiter = Waiter()
        deadlines.add(waiter, 0.02)
        async with asyncio.timeout(5):
            while not waiter.late_at:
                await asyncio.sleep(TICK_S)


async def test_nobody_is_told_after_the_end(deadlines: Deadlines) -> None:
    waiter = Waiter()
    deadlines.add(waiter, 0.02)
    deadlines.close()
    await asyncio.sleep(0.02 + 2 * TICK_S)
    deadlines.remove(waiter, 0.02)
    assert waiter.late_at == 0
