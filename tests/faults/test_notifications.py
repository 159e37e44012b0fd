"""What subscribers may rely on when things break: a city that is killed, a receiver that never answers.

The city is the installed program in a process of its own, killed without warning while it is written to.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from broker.receiving import Receiver, open_receiver
from faults.whole_city import City, running_city
from rhinecloud.store.engine import StoreSettings

pytestmark = pytest.mark.fault


def in_order(levels: list[int]) -> bool:
    """Return whether levels rise, but for stretches that are repeated after a crash."""
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
        receiver.received = [each for each in receiver.received if each[0] != "/dead"]
        async with running_city(tmp_path, "--store", either_store.url):
            for path in ("/up", "/dead"):
                await receiver.until(lambda: not wanted - set(notified(receiver, path)), 60)  # noqa: B023
                for gauge in acknowledged:
                    assert in_order([level for name, level in notified(receiver, path) if name == gauge])


def notified(receiver: Receiver, path: str) -> list[tuple[int, int]]:
    """Return gauge and level of each entity that a path was notified of, in order."""
    return [
        (int(each["id"].rpartition(":")[2]), each["level"])
        for body in receiver.bodies(path)
        for each in body["data"]
    ]


async def test_a_subscriber_that_never_answers_delays_neither_writers_nor_others(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    """All is delivered to one receiver while each of the others still holds its first notification."""
    async with open_receiver() as receiver, running_city(tmp_path, "--store", either_store.url) as city:
        dead = [f"/dead{number}" for number in range(20)]
        receiver.hang.update(dead)
        for path in dead:
            await city.subscribe(receiver, path, timeout=60_000)
        await city.subscribe(receiver, "/alive")
        for level in range(100):
            assert await city.put(0, level)
            await receiver.until(lambda: (0, level) in notified(receiver, "/alive"))  # noqa: B023
        assert all(len(receiver.bodies(path)) == 1 for path in dead)


async def test_a_subscriber_that_never_answers_is_shown_as_failed(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    async with open_receiver() as receiver, running_city(tmp_path, "--store", either_store.url) as city:
        receiver.hang.add("/dead")
        await city.subscribe(receiver, "/dead")
        assert await city.put(0, 1)
        async with asyncio.timeout(60):
            while (await shown(city)).get("status") != "failed":
                await asyncio.sleep(0.05)


async def shown(city: City) -> dict[str, Any]:
    """Return the notification member of the dead receiver's subscription."""
    _, found = await city.call("GET", "/subscriptions/urn:s:dead")
    member: dict[str, Any] = found["notification"]
    return member
