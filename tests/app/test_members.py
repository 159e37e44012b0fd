"""Several city processes on one PostgreSQL and one NATS: they are one broker, and outlive whichever leads."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.conftest import free_port
from broker.receiving import Receiver, open_receiver
from conformance.attacked import ask
from conformance.programs import write_at_once
from postgres_server import Server, programs
from rhinecloud.app.readers.upstream import find_leader
from rhinecloud.store.engine import StoreSettings, make_store

API = "/ngsi-ld/v1"
TOML = """
[city]
name = "Zwillingen"
packs = []

[identity]
access = "open"

[store]
url = "{store}"

[stream]
url = "{stream}"
mqtt_port = 0

[notifications]
allow_private_receivers = true
"""


@dataclass
class Member:
    """One process of the city."""

    url: str
    process: asyncio.subprocess.Process

    async def call(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(self.url) as client,
            client.request(verb, path, json=body, timeout=aiohttp.ClientTimeout(total=10)) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def until(self, verb: str, path: str, expected: int, body: Any = None) -> Any:
        """Ask until the answer is the expected one; who is not there yet does not answer."""
        async with asyncio.timeout(60):
            while True:
                try:
                    status, shown = await self.call(verb, path, body)
                except aiohttp.ClientError:
                    status, shown = 0, None
                if status == expected:
                    return shown
                await asyncio.sleep(0.1)


@asynccontextmanager
async def nats(folder: Path, port: int = 0) -> AsyncIterator[str]:
    """Run a nats-server for all members."""
    port = port or free_port()
    server = Path(sys.executable).parent / "nats-server"
    process = await asyncio.create_subprocess_exec(
        *(server, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def member(
    folder: Path, store: str, stream: str, *flags: str, stdout: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[Member]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(TOML.format(store=store, stream=stream), encoding="utf-8")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rhinecloud", "up", "--city", str(folder), "--port", str(port), *flags),
        stdout=stdout,
    )
    try:
        yield Member(f"http://127.0.0.1:{port}", process)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)


@pytest.fixture
async def members(tmp_path: Path, postgres_url: str) -> AsyncIterator[tuple[Member, Member]]:
    """Two members; the first one leads."""
    async with AsyncExitStack() as running:
        stream = await running.enter_async_context(nats(tmp_path / "nats"))
        leader = await running.enter_async_context(member(tmp_path / "one", postgres_url, stream))
        await leader.until("GET", "/health/ready", 200)
        follower = await running.enter_async_context(member(tmp_path / "two", postgres_url, stream))
        await follower.until("GET", "/health/ready", 200)
        yield leader, follower


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as found:
        yield found


def gauge(level: int) -> dict[str, Any]:
    return {"id": "urn:g:1", "type": "Gauge", "level": level}


async def test_what_one_writes_the_other_reads_at_once(members: tuple[Member, Member]) -> None:
    for round_ in range(15):
        writer, reader = members if round_ % 2 else members[::-1]
        status, _ = await writer.call("POST", f"{API}/entityOperations/upsert", [gauge(round_)])
        assert status in (201, 204)
        one = await reader.call("GET", f"{API}/entities/urn:g:1?options=keyValues")
        many = await reader.call("GET", f"{API}/entities?type=Gauge&options=keyValues&count=true")
        assert (one, many) == ((200, gauge(round_)), (200, [gauge(round_)]))


async def test_a_subscription_made_at_one_notifies_of_a_write_at_the_other(
    members: tuple[Member, Member], receiver: Receiver
) -> None:
    leader, follower = members
    for name, maker in (("a", follower), ("b", leader)):
        subscription = {
            "id": f"urn:s:{name}",
            "type": "Subscription",
            "entities": [{"type": "Gauge"}],
            "notification": {"format": "keyValues", "endpoint": {"uri": f"{receiver.url}/{name}"}},
        }
        assert (await maker.call("POST", f"{API}/subscriptions", subscription))[0] == 201
        assert (await maker.call("GET", f"{API}/subscriptions/urn:s:{name}"))[0] == 200
    for number, writer in enumerate((follower, leader, follower)):
        assert (await writer.call("POST", f"{API}/entityOperations/upsert", [gauge(number)]))[0] < 300
    await receiver.until(lambda: all(len(receiver.values("level", path)) == 3 for path in ("/a", "/b")))
    assert receiver.values("level", "/a") == receiver.values("level", "/b") == [0, 1, 2]


async def test_writers_at_two_members_lose_nothing(members: tuple[Member, Member]) -> None:
    """They write one by one and in batches, to the same entities, and read at either what they wrote at the other."""
    doors = [partial(ask, each.url) for each in members]
    await asyncio.to_thread(write_at_once, doors, 6, 40, seed=1)


async def test_when_the_leader_is_killed_the_other_one_leads_and_nothing_is_lost(
    members: tuple[Member, Member], receiver: Receiver
) -> None:
    leader, follower = members
    subscription = {
        "id": "urn:s:a",
        "type": "Subscription",
        "entities": [{"type": "Gauge"}],
        "notification": {"format": "keyValues", "endpoint": {"uri": f"{receiver.url}/a"}},
    }
    assert (await follower.call("POST", f"{API}/subscriptions", subscription))[0] == 201
    leader.process.kill()
    await leader.process.wait()
    acknowledged = 0
    for number in range(1, 200):
        try:
            status, _ = await follower.call("POST", f"{API}/entityOperations/upsert", [gauge(number)])
        except aiohttp.ClientError:
            status = 0  # it changes its part
        if status in (201, 204):
            acknowledged = number
        await asyncio.sleep(0.02)
        if number > 50 and acknowledged == number and receiver.values("level", "/a"):
            break
    await follower.until("GET", "/health/ready", 200)
    await receiver.until(lambda: acknowledged in receiver.values("level", "/a"), 30)
    assert (await follower.call("GET", f"{API}/subscriptions/urn:s:a"))[0] == 200


@pytest.mark.skipif(programs() is None, reason="needs PostgreSQL with PostGIS")
async def test_when_postgresql_is_killed_one_goes_on_leading_and_both_answer_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    server = Server()
    try:
        server.start()
        server.prepare()
        async with AsyncExitStack() as running:
            stream = await running.enter_async_context(nats(tmp_path / "nats"))
            store = server.make_database()
            both = [await running.enter_async_context(member(tmp_path / "0", store, stream))]
            await both[0].until("GET", "/health/ready", 200)
            both.append(await running.enter_async_context(member(tmp_path / "1", store, stream)))
            await both[1].until("GET", "/health/ready", 200)
            subscription = {
                "id": "urn:s:a",
                "type": "Subscription",
                "entities": [{"type": "Gauge"}],
                "notification": {"format": "keyValues", "endpoint": {"uri": f"{receiver.url}/a"}},
            }
            assert (await both[0].call("POST", f"{API}/subscriptions", subscription))[0] == 201
            await both[1].until("POST", f"{API}/entityOperations/upsert", 201, [gauge(1)])
            server.kill()
            assert (await both[1].call("POST", f"{API}/entityOperations/upsert", [gauge(2)]))[0] == 503
            server.start()
            for level, each in enumerate(both, 3):
                await each.until("POST", f"{API}/entityOperations/upsert", 204, [gauge(level)])
                await each.until("GET", "/health/ready", 200)
                assert (await each.call("GET", f"{API}/subscriptions/urn:s:a"))[0] == 200
            assert [each.process.returncode for each in both] == [None, None]
            await receiver.until(lambda: receiver.values("level", "/a")[-1:] == [4], 30)
            first_heard = list(dict.fromkeys(receiver.values("level", "/a")))
            assert first_heard == sorted(first_heard)  # what is sent again is followed by what came after it
    finally:
        server.remove()


async def test_a_member_with_workers_reads_and_writes_through_all_of_them(
    tmp_path: Path, postgres_url: str
) -> None:
    async with (
        nats(tmp_path / "nats") as stream,
        member(tmp_path / "city", postgres_url, stream, "--workers", "2") as city,
    ):
        await city.until("GET", "/health/ready", 200)
        for level in range(12):  # each call is a connection of its own, so that any process may answer
            status, _ = await city.call("POST", f"{API}/entityOperations/upsert", [gauge(level)])
            assert status in (201, 204)
            found = await city.call("GET", f"{API}/entities/urn:g:1?options=keyValues")
            assert found == (200, gauge(level))
        assert (await city.call("GET", "/api/v1/city"))[0] == 200
        store = make_store(StoreSettings(url=postgres_url), tmp_path)
        await store.open()
        async with asyncio.timeout(60):
            # It is announced when all workers are there; the first answers before.
            while (leader := await find_leader(store)) is None:
                await asyncio.sleep(0.05)
        await store.close()
        assert (leader.url, leader.socket) == (city.url, "")


async def test_who_takes_over_waits_for_a_stream_that_ended_with_the_leader(
    tmp_path: Path, postgres_url: str
) -> None:
    port = free_port()
    async with AsyncExitStack() as running:
        async with nats(tmp_path / "nats", port) as stream:
            leader = await running.enter_async_context(member(tmp_path / "one", postgres_url, stream))
            await leader.until("GET", "/health/ready", 200)
            follower = await running.enter_async_context(member(tmp_path / "two", postgres_url, stream))
            await follower.until("GET", "/health/ready", 200)
            leader.process.kill()
        await asyncio.sleep(8)
        assert follower.process.returncode is None
        async with nats(tmp_path / "nats", port):
            await follower.until("GET", "/health/ready", 200)
            assert (await follower.call("GET", "/api/v1/city"))[0] == 200
            follower.process.terminate()
            assert await asyncio.wait_for(follower.process.wait(), 60) == 0
