"""The present moment is printed once a millisecond, and is never an old one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import uvloop

from rhinecloud.subscriptions.delivery.clock import CachedClock


def test_a_millisecond_has_one_moment_and_a_later_one_another() -> None:
    asked: list[datetime] = []

    def clock() -> datetime:
        asked.append(datetime(2026, 11, 22, 12, 0, 0, len(asked), tzinfo=UTC))
        return asked[-1]

    async def look() -> None:
        moments = CachedClock(clock)
        given = [moments.now() for _ in range(1_000)]
        assert given[0] == "2026-11-22T12:00:00Z"
        assert len({id(each) for each in given}) == len(asked) < 500  # some milliseconds on a slow machine
        await asyncio.sleep(0.01)
        assert moments.now() not in given

    uvloop.run(look())
