"""Feeds under fire: killed cities and servers, full disks, jumping clocks, floods of garbage."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from connectors.city import FIXTURES, City, open_city, status, until
from connectors.servers import free_port, nats, tcp_server
from connectors.test_mqtt import linked, reading, send
from faults.disk import Disk
from rhinecloud.connectors.model import FeedState
from rhinecloud.store.engine import StoreSettings

pytestmark = pytest.mark.fault

FEEDING = Path(__file__).with_name("feeding_city.py")
VESSEL = b"!AIVDM,1,1,,A,13aGD3PP00PN?5DMRh878wwn0>`<,0*59\r\n"


@pytest.fixture
async def city(tmp_path: Path, either_store: StoreSettings) -> AsyncIterator[City]:
    async with open_city(tmp_path, kept=either_store) as opened:
        yield opened


async def start_city(folder: Path, port: int, kept: StoreSettings) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(FEEDING), str(folder), f"mqtt://127.0.0.1:{port}", kept.url),
        stdout=asyncio.subprocess.PIPE,
    )


async def wrote(child: asyncio.subprocess.Process, at_least: int) -> None:
    """Wait until a city says that it has written so many entities."""
    assert child.stdout is not None
    async with asyncio.timeout(60):
        while line := await child.stdout.readline():
            if int(line) >= at_least:
                return
    raise AssertionError("the city ended by itself")


async def test_a_city_that_is_killed_again_and_again_loses_no_acknowledged_message(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    port, count = free_port(), 3000
    async with nats(tmp_path / "server", port):
        child = await start_city(tmp_path, port, either_store)
        await wrote(child, 0)
        await asyncio.sleep(0.5)
        sending = asyncio.create_task(send(port, [reading(f"s{number}", number) for number in range(count)]))
        for goal in (200, 300, 400):
            await wrote(child, goal)
            child.kill()
            await child.wait()
            child = await start_city(tmp_path, port, either_store)
        await sending
        child.kill()
        await child.wait()
        async with open_city(tmp_path, kept=either_store) as city:
            await city.feed(connector="mqtt", mapping="air", topic="air/#", url=f"mqtt://127.0.0.1:{port}")
            async with asyncio.timeout(60):
                while await city.store.count("") < count:
                    await asyncio.sleep(0.1)
            assert await city.store.count("") == count


async def test_a_server_that_is_killed_in_the_middle_is_found_again_and_nothing_is_lost(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    port, folder = free_port(), tmp_path / "server"
    async with open_city(tmp_path, kept=either_store) as city:
        async with nats(folder, port) as server:
            feeds = await city.feed(
                connector="mqtt", mapping="air", topic="air/#", url=f"mqtt://127.0.0.1:{port}"
            )
            await linked(feeds, port)
            await send(port, [reading(f"s{number}", number) for number in range(500)])
            server.kill()
            await server.wait()
        await until(lambda: status(feeds).state is FeedState.FAILING)
        async with nats(folder, port):
            async with asyncio.timeout(60):
                while await city.store.count("") < 501:
                    await asyncio.sleep(0.1)
            assert status(feeds).dead == 0


async def test_a_full_disk_makes_the_feed_wait_and_not_forget(tmp_path: Path, small_disk: Disk) -> None:
    log = (FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(log)
        await writer.drain()
        await asyncio.sleep(3600)

    small_disk.leave(1_000_000)
    async with open_city(tmp_path, kept=small_disk.kept) as city, tcp_server(serve) as port:
        feeds = await city.feed(connector="ais", mapping="ais", url=f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).state is FeedState.FAILING)
        assert "does not accept writes" in status(feeds).error
        assert status(feeds).accepted < 1000
        small_disk.clear()
        await until(lambda: status(feeds).accepted + status(feeds).unchanged == 1242)
        assert (status(feeds).state, status(feeds).dead) == (FeedState.LIVE, 0)
        assert len(await city.entities("Vessel")) == 1007


async def test_a_clock_that_jumps_changes_neither_state_nor_rate(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    offset = timedelta()

    def clock() -> datetime:
        return datetime.now(UTC) + offset

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(VESSEL)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with open_city(tmp_path, clock, either_store) as city, tcp_server(serve) as port:
        feeds = await city.feed(
            connector="ais", mapping="ais", url=f"tcp://127.0.0.1:{port}", silent_after_s=1
        )
        await until(lambda: status(feeds).received > 5)
        for jump in (timedelta(days=-400), timedelta(days=4000), timedelta()):
            offset = jump
            before = status(feeds).received
            await until(lambda: status(feeds).received > before + 5)  # noqa: B023 - awaited within the loop
            now = status(feeds)
            assert now.state is FeedState.LIVE
            assert 1 < now.rate_per_s < 200
            assert now.last_at[:4] == str(clock().year)


async def test_a_flood_of_garbage_keeps_memory_letters_and_the_other_feed(city: City) -> None:
    garbage = b"".join(b"this is line %d and no sentence of any kind\n" % number for number in range(1000))

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(garbage)
            await writer.drain()

    async def steady(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(VESSEL)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with tcp_server(flood) as noisy_port, tcp_server(steady) as port:
        limits = {"deadletters": 50}
        noisy = await city.feed(limits, connector="ais", mapping="ais", url=f"tcp://127.0.0.1:{noisy_port}")
        await until(lambda: status(noisy).dead > 5_000)
        memory = psutil.Process().memory_info().rss
        quiet = await city.feed(limits, connector="ais", mapping="ais", url=f"tcp://127.0.0.1:{port}")
        await until(lambda: status(quiet).received > 20)
        await until(lambda: status(noisy).dead > 20_000)
        assert psutil.Process().memory_info().rss - memory < 100_000_000
        assert await city.store.count_records("deadletter") <= 50
        assert status(noisy).state is FeedState.FAILING
        await noisy.stop()


async def test_a_mapping_that_breaks_on_one_message_spares_the_others(city: City) -> None:
    (city.root / "air.json").write_text(
        '[{"station": "a", "pm10": 1}, {"station": {"x": 1}, "pm10": 2}, {"station": "c", "pm10": 3}, 7, null]'
    )
    feeds = await city.feed(connector="json", mapping="air", path="air.json", speed=0)
    await feeds.get("test").finished()
    stations = await city.entities("AirQualityObserved")
    assert {"urn:ngsi-ld:AirQualityObserved:a", "urn:ngsi-ld:AirQualityObserved:c"} <= stations.keys()


async def test_an_error_that_nobody_meant_costs_one_parcel_and_not_the_feed(city: City) -> None:
    taken = city.broker.ingest

    async def stumble(*arguments: Any, **options: Any) -> Any:
        if any("204" in fragment["id"] for fragment in arguments[2]):
            raise ZeroDivisionError("a mistake of ours")
        return await taken(*arguments, **options)

    city.broker.ingest = stumble  # type: ignore[method-assign]
    lines = [b"a,204\n", b"b,1\n", b"c,2\n"]
    (city.root / "v.csv").write_bytes(b"station,pm10\n" + b"".join(lines))
    (city.root / "v.yaml").write_text(
        'id: "urn:x:{pm10}"\ntype: AirQualityObserved\nattributes: { pm10: { from: pm10, as: number } }\n'
    )
    feeds = await city.feed(connector="csv", mapping="v.yaml", path="v.csv", speed=0)
    await feeds.get("test").finished()
    assert status(feeds).accepted >= 2
    [letter] = (await feeds.deadletters.list()).items
    assert letter.reason == "the feed failed: ZeroDivisionError: a mistake of ours"
