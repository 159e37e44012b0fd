"""What subscribers may rely on when things break: a city that is killed, a receiver that never answers.

The city is the installed program in a process of its own, killed without warning while it is written to.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from broker.receiving import Receiver, open_receiver
from faults.whole_city import City, running_city
from rhinecloud.store.engine import StoreSettings

pytestmark = pytest.mark.fault


def in_order(levels: list[int]) -> bool:
    """Return whether levels rise, but for stretches that are told again after a crash."""
    seen: list[int] = []
    for level in levels:
        if level in seen:
            seen = seen[: seen.index(level)]
        elif seen and level < seen[-1]:
            return False
        seen.append(level)
    return True


async def write(city: City, gauge: int, levels: list[int]) -> None:
    """Write ever higher levels until the city is gone, noting those that it acknowledged."""
    level = max(levels, default=0) + 1
    while city.process.returncode is None:
        if await city.put(gauge, level):
            levels.append(level)
        level += 1


async def test_a_killed_city_loses_no_notification(tmp_path: Path, either_store: StoreSettings) -> None:
    """Each acknowledged change reaches a receiver that is up, and one that was dead all the time, in order."""
    acknowledged: dict[int, list[int]] = {0: [], 1: [], 2: []}
    async with open_receiver() as receiver:
        receiver.hang.add("/dead")
        for round_number in range(3):
            async with running_city(tmp_path, "--store", either_store.url) as city:
                if round_number == 0:
                    await city.subscribe(receiver, "/up")
                    await city.subscribe(receiver, "/dead")
                writers = [asyncio.create_task(write(city, *each)) for each in acknowledged.items()]
                await asyncio.sleep(0.8 + 0.4 * round_number)
                city.process.kill()
                await city.process.wait()
                await asyncio.gather(*writers)
        wanted = {(gauge, level) for gauge, levels in acknowledged.items() for level in levels}
        assert len(wanted) > 200
        receiver.hang.clear()
        receiver.heard = [each for each in receiver.heard if each[0] != "/dead"]
        async with running_city(tmp_path, "--store", either_store.url):
            for path in ("/up", "/dead"):
                await receiver.until(lambda: not wanted - set(told(receiver, path)), 60)  # noqa: B023
                for gauge in acknowledged:
                    assert in_order([level for name, level in told(receiver, path) if name == gauge])


def told(receiver: Receiver, path: str) -> list[tuple[int, int]]:
    """List gauge and level of each entity that a path was told, in order."""
    return [
        (int(each["id"].rpartition(":")[2]), each["level"])
        for body in receiver.bodies(path)
        for each in body["data"]
    ]


async def test_a_subscriber_that_never_answers_delays_neither_writers_nor_others(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    async with open_receiver() as receiver, running_city(tmp_path, "--store", either_store.url) as city:
        for number in range(20):
            receiver.hang.add(f"/dead{number}")
            await city.subscribe(receiver, f"/dead{number}")
        await city.subscribe(receiver, "/alive")
        loop = asyncio.get_running_loop()
        slowest = 0.0
        for level in range(100):
            began = loop.time()
            assert await city.put(0, level)
            await receiver.until(lambda: (0, level) in told(receiver, "/alive"))  # noqa: B023
            slowest = max(slowest, loop.time() - began)
        assert slowest < 0.9  # a dead receiver is waited for a whole second
        async with asyncio.timeout(20):
            while (await city.call("GET", "/subscriptions/urn:s:dead0"))[1]["notification"].get(
                "timesFailed", 0
            ) < 1:
                await asyncio.sleep(0.05)
        _, shown = await city.call("GET", "/subscriptions/urn:s:dead0")
        assert shown["notification"]["status"] == "failed"
