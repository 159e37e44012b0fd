"""The promise that everything else stands on: the city is killed under writes, and nothing that was
acknowledged is gone.

On PostgreSQL there are fewer, since each engine's own kills are in `test_store_kill.py` and `test_postgres_kill.py`;
`RHINECLOUD_KILLS` sets the number for both: 100 for a longer night.
"""

from __future__ import annotations

import asyncio
import os
import random
from itertools import count
from pathlib import Path

import pytest

from broker.receiving import open_receiver
from faults.whole_city import City, running_city
from rhinecloud.store.engine import StoreSettings

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = {"sqlite": 30, "postgresql": 6}
WRITERS = 4
PAGE = 1000


async def write(city: City, numbers: count[int], acknowledged: set[int]) -> None:
    """Create one gauge after the other until the city is gone, noting those that it acknowledged."""
    while city.process.returncode is None:
        number = next(numbers)
        if await city.put(number, number):
            acknowledged.add(number)


async def kept(city: City) -> set[int]:
    """List the gauges that the city holds with the level that was written."""
    found: set[int] = set()
    for offset in count(0, PAGE):
        path = f"/entities?type=Gauge&format=simplified&limit={PAGE}&offset={offset}"
        status, page = await city.call("GET", path)
        assert status == 200, page
        found |= {each["level"] for each in page if each["id"] == f"urn:g:{each['level']}"}
        if len(page) < PAGE:
            return found
    raise AssertionError("unreachable")


async def test_kills_lose_no_acknowledged_write_and_no_notification(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    """At least once means: what was told twice is no fault, what was never told is one."""
    kills = int(os.environ.get("RHINECLOUD_KILLS", KILLS["postgresql" if either_store.shared else "sqlite"]))
    chance = random.Random(2018)
    numbers, acknowledged = count(1), set[int]()
    async with open_receiver() as receiver:
        for kill in range(kills):
            async with running_city(tmp_path, "--store", either_store.url) as city:
                if kill == 0:
                    await city.subscribe(receiver, "/all")
                writers = [asyncio.create_task(write(city, numbers, acknowledged)) for _ in range(WRITERS)]
                await asyncio.sleep(chance.uniform(0.02, 0.4))
                city.process.kill()
                await city.process.wait()
                await asyncio.gather(*writers)
        assert len(acknowledged) > kills * 5
        async with running_city(tmp_path, "--store", either_store.url) as city:
            missing = acknowledged - await kept(city)
            assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged writes are gone"
            await receiver.until(lambda: not acknowledged - told(receiver.bodies("/all")), 120)


def told(bodies: list[dict]) -> set[int]:
    """List the levels that a receiver was told."""
    return {each["level"] for body in bodies for each in body["data"]}
