"""The store's engines beside each other: the same work on SQLite and on PostgreSQL, in turns, in one process.

Time is that of the processor, of this process and of PostgreSQL's together: what an engine costs, whoever else works.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from bench.processes import spread
from bench.result import Figure, median_ratio
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Edit, Put, Store

AT = "2026-03-01T10:00:00Z"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
KINDS = 10
STOCK, BATCH, CLIENTS = 5_000, 1_000, 32

Work = Callable[[Store, int], Awaitable[int]]
"""Does the work of round n; returns how many things were done."""


def measure(folder: Path, _seconds: float, rounds: int) -> list[Figure]:
    """Measure reads and writes on both engines; nothing where there is no PostgreSQL."""
    servers = _servers()
    if servers.programs() is None:
        return [Figure("PostgreSQL beside SQLite", "", "", note="needs PostgreSQL and PostGIS")]
    server = servers.Server(durable=True)
    try:
        server.start()
        server.prepare()
        return asyncio.run(_measure(folder, server.make_database(), server.pid, rounds))
    finally:
        server.remove()


async def _measure(folder: Path, url: str, pid: int, rounds: int) -> list[Figure]:
    stores = [make_store(StoreSettings(url=url), folder), make_store(StoreSettings(), folder)]
    for store in stores:
        await store.open()
        await store.write([_put(number, 0) for number in range(STOCK)])
    tasks: list[tuple[str, Work, float]] = [
        (f"one entity, {CLIENTS} readers", _retrieve, 0.05),
        (f"list of 20 of a type, {CLIENTS} readers", _list, 0.05),
        (f"batch upsert of {BATCH} entities", _upsert, 0.5),
        (f"durable single creates, {CLIENTS} writers", _create, 0.5),
    ]
    figures = [await _compare(name, work, goal, stores, pid, rounds * 2) for name, work, goal in tasks]
    for store in stores:
        await store.close()
    return figures


async def _compare(name: str, work: Work, goal: float, stores: list[Store], pid: int, rounds: int) -> Figure:
    rates: list[list[float]] = [[], []]
    for number in range(-1, rounds):
        for store, mine in zip(stores, rates, strict=True):
            began = time.process_time() + _processor_s(pid)
            done = await work(store, number)
            spent = max(time.process_time() + _processor_s(pid) - began, 1e-6)
            if number >= 0:  # the one before is for warming up
                mine.append(done / spent)
    postgres, sqlite = rates
    return Figure(
        f"PostgreSQL: {name}",
        f"{spread(postgres)} a processor second",
        f"{spread(sqlite)} a processor second",
        median_ratio(postgres, sqlite),
        goal,
        note="peer: SQLite; PostgreSQL's own processor time is counted",
    )


async def _retrieve(store: Store, _round: int) -> int:
    async def read(client: int) -> None:
        for number in range(200):
            await store.get("", _name((client * 977 + number * 31) % STOCK))

    await asyncio.gather(*map(read, range(CLIENTS)))
    return 200 * CLIENTS


async def _list(store: Store, _round: int) -> int:
    async def read(client: int) -> None:
        for number in range(40):
            await store.query("", EntityQuery(types=((_kind(client + number),),), limit=20))

    await asyncio.gather(*map(read, range(CLIENTS)))
    return 40 * CLIENTS


async def _upsert(store: Store, turn: int) -> int:
    for batch in range(3):
        await store.write([_put(number, turn * 3 + batch + 1) for number in range(BATCH)])
    return 3 * BATCH


async def _create(store: Store, turn: int) -> int:
    async def write(client: int) -> None:
        for number in range(30):
            await store.write([_put(1_000_000 + (turn + 1) * 100_000 + client * 1_000 + number, 0)])

    await asyncio.gather(*map(write, range(CLIENTS)))
    return 30 * CLIENTS


def _put(number: int, level: int) -> Edit:
    place = {"type": "Point", "coordinates": [6.5 + number % 1_000 / 2_000, 51.2 + number % 997 / 2_000]}
    attrs = {
        f"https://example.org/attribute{each}": [
            Instance(value=level + each, observed_at=AT, unit_code="CMT")
        ]
        for each in range(5)
    }
    attrs[LOCATION] = [Instance(type="GeoProperty", value=place)]
    it = Entity(id=_name(number), type=[_kind(number)], created_at=AT, modified_at=AT, attrs=attrs)
    return Edit("", it.id, lambda _: Put(it, list(attrs)), AT, "bench")


def _name(number: int) -> str:
    return f"urn:ngsi-ld:WaterObserved:{number}"


def _kind(number: int) -> str:
    return f"https://example.org/Type{number % KINDS}"


def _processor_s(pid: int) -> float:
    """Return the processor time of a server and of all its processes that live."""
    spent = 0.0
    postmaster = psutil.Process(pid)
    for each in [postmaster, *postmaster.children(recursive=True)]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent


def _servers() -> ModuleType:
    """Load what starts a throw-away PostgreSQL for the tests."""
    path = Path(__file__).parents[1] / "tests" / "postgres_server.py"
    spec: Any = importlib.util.spec_from_file_location("postgres_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
