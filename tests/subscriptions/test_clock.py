"""The present time is printed once a millisecond, and is never an old one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import uvloop

from rhinecloud.subscriptions.clock import CachedClock


def test_within_a_millisecond_the_clock_is_read_once() -> None:
    readings: list[datetime] = []

    def clock() -> datetime:
        readings.append(datetime(2026, 11, 22, 12, 0, 0, len(readings), tzinfo=UTC))
        return readings[-1]

    async def read() -> None:
        cached = CachedClock(clock)
        seen = [cached.now() for _ in range(1_000)]
        assert seen[0].text == "2026-11-22T12:00:00Z"
        assert len(set(seen)) == len(readings)
        assert len(readings) < len(seen)
        await asyncio.sleep(0.01)
        assert cached.now() not in seen

    uvloop.run(read())


def test_a_clock_that_stands_still_has_many_instants() -> None:
    async def read() -> None:
        cached = CachedClock(lambda: datetime(2026, 11, 22, tzinfo=UTC))
        before = cached.now()
        await asyncio.sleep(0.01)
        assert cached.now().text == before.text
        assert cached.now() != before

    uvloop.run(read())
