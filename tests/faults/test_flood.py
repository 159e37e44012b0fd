"""A caller who is not signed in cannot fill the city's memory, whatever it sends and however often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from faults.whole_city import running_city

pytestmark = pytest.mark.fault

GROWTH_MB = 60
"""What the process may grow by. Without bounds nearly all of these floods make it grow by 110 to 750 MB."""
AT_ONCE = 4
FIELD = 390_000
"""Bytes of a header field that the HTTP server lets through."""

LINE = 60_000
"""Bytes of a query string that it lets through."""

Call = Callable[[aiohttp.ClientSession, int], Coroutine[Any, Any, int]]


async def sign_in(client: aiohttp.ClientSession, number: int) -> int:
    body = {"name": f"n{number}-" + "a" * 900_000, "password": "p" * 1_100}
    async with client.post("/api/v1/session", json=body) as answer:
        return answer.status


async def sign_in_with_long_password(client: aiohttp.ClientSession, number: int) -> int:
    body = {"name": f"name{number}", "password": f"{number}" + "p" * 900_000}
    async with client.post("/api/v1/session", json=body) as answer:
        return answer.status


async def bring_token(client: aiohttp.ClientSession, number: int) -> int:
    headers = {"Authorization": f"Bearer rct_{number}-" + "a" * FIELD}
    async with client.get("/api/v1/session", headers=headers) as answer:
        return answer.status


async def bring_cookie(client: aiohttp.ClientSession, number: int) -> int:
    headers = {"Cookie": f"rhinecloud_session={number}-" + "a" * FIELD}
    async with client.get("/api/v1/session", headers=headers) as answer:
        return answer.status


async def ask_broker_with_token(client: aiohttp.ClientSession, number: int) -> int:
    headers = {"Authorization": f"Bearer {number}-" + "a" * FIELD}
    async with client.get("/ngsi-ld/v1/entities?type=X", headers=headers) as answer:
        return answer.status


async def ask_for_context(client: aiohttp.ClientSession, number: int) -> int:
    """Ask for what everybody may read, with a query string of no use."""
    path = f"/ngsi-ld/v1/jsonldContexts/urn:x?details={number}" + "a" * LINE
    async with client.get(path) as answer:
        return answer.status


async def ask_with_accept(client: aiohttp.ClientSession, number: int) -> int:
    headers = {"Accept": f"application/json;x={number}" + "a" * FIELD}
    async with client.get("/ngsi-ld/v1/jsonldContexts/urn:x", headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("call", "times", "statuses"),
    [
        (sign_in, 400, {401}),
        (sign_in_with_long_password, 400, {401}),
        (bring_token, 1_100, {401}),
        (bring_cookie, 1_100, {401}),
        (ask_broker_with_token, 1_100, {401}),
        (ask_for_context, 1_100, {400}),
        (ask_with_accept, 1_100, {404}),
    ],
)
async def test_a_flood_leaves_the_memory_as_it_was(
    tmp_path: Path, call: Call, times: int, statuses: set[int]
) -> None:
    async with running_city(tmp_path) as city, aiohttp.ClientSession(city.client._base_url) as stranger:
        await flood(call, stranger, range(20))
        before = memory_mb(city.process.pid)
        assert await flood(call, stranger, range(20, times)) <= statuses
        grown = memory_mb(city.process.pid) - before
        assert grown < GROWTH_MB, f"{grown:.0f} MB more"
        assert await city.put(1, 1), "it works on"


async def flood(call: Call, client: aiohttp.ClientSession, numbers: Iterable[int]) -> set[int]:
    """Make a call for each number, some at once; give the statuses of the answers."""
    waiting = iter(numbers)
    seen: set[int] = set()

    async def work() -> None:
        for number in waiting:
            seen.add(await call(client, number))

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return seen


def memory_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / (1 << 20)
