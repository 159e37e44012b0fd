"""The present moment is printed once a turn of the loop, and is never an old one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import uvloop

from rhinecloud.broker.subscriptions.moments import Moments


def test_a_turn_has_one_moment_and_the_next_one_another() -> None:
    asked: list[datetime] = []

    def clock() -> datetime:
        asked.append(datetime(2026, 11, 22, 12, 0, len(asked), tzinfo=UTC))
        return asked[-1]

    async def look() -> None:
        moments = Moments(clock)
        assert {moments.now() for _ in range(100)} == {"2026-11-22T12:00:00Z"}
        await asyncio.sleep(0.01)
        assert moments.now() == "2026-11-22T12:00:01Z"

    uvloop.run(look())
