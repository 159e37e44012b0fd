"""Queries by values: with an index that the city learnt from the queries before, and without one.

The peer answers the bytes of one page from memory; a scan is compared with SQLite reading the same documents.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import apsw

from bench import workload
from bench.city import API, BenchCity, entity, running_city
from bench.loads import Load, Server
from bench.processes import CORES, bare_server, process, settle, spread
from bench.result import Figure, median_ratio
from bench.traffic import write_requests
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.store.port import Edit, Put
from rhinecloud.store.sqlite.store import SqliteStore

FOUND = 20
CLIENTS = 32
VARIANTS = 2_000
CHANGES_PER_S = 50
LEARNT_WITHIN_S = 60.0
DOCUMENTS = 20_000
PRECISE = "{:.2f}"
AT = "2026-01-01T12:00:00Z"


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Measure the queries of one value and of two bounds, and a scan."""
    return [
        _query(folder / "few", 1_000, _by_value, "q=a==v, 20 of 1,000", (seconds, rounds)),
        _query(folder / "many", 10_000, _by_value, "q=a==v, 20 of 10,000", (seconds, rounds)),
        _query(folder / "bounds", 10_000, _by_bounds, "q=a>=x;a<y, 20 of 10,000", (seconds, rounds)),
        _scan(folder / "scan", rounds),
    ]


def _by_value(chance: random.Random, size: int) -> str:
    """Return a query that was not asked before: what is asked again need not be read again."""
    return f"flow=={chance.randrange(size // FOUND)}.{'0' * chance.randrange(1, 100)}"


def _by_bounds(chance: random.Random, size: int) -> str:
    low, zeros = chance.randrange(size // FOUND), "0" * chance.randrange(1, 100)
    return f"flow>={low}.{zeros};flow<{low + 1}"


def _query(
    folder: Path, size: int, make: Callable[[random.Random, int], str], title: str, runs: tuple[float, int]
) -> Figure:
    seconds, rounds = runs
    chance = random.Random(1)
    with running_city(folder / "city") as city:
        city.fill([_gauge(number, size) for number in range(size)])
        queries = [make(chance, size) for _ in range(VARIANTS)]
        files = folder / "bare"
        files.mkdir()
        (files / "page.json").write_bytes(city.call("GET", _path(queries[0])))
        ours = Load(folder / "requests", [_get(_path(each), city.headers) for each in queries], seconds)
        server = Server(city.port, city.pid)
        _learn(city, ours, server)
        with bare_server(files) as (port, pid):
            bare = Load(folder / "bare-requests", [_get("/page.json", city.headers)], seconds)
            rates, peers = [], []
            for _ in range(rounds):
                peers.append(bare.run(Server(port, pid), CLIENTS))
                with _changing(folder / "changes", city, size):
                    rates.append(ours.run(server, CLIENTS))
    found, peer = [each.rate for each in rates], [each.rate for each in peers]
    note = f"server µs/request {statistics.median(each.server_us for each in rates):.0f}"
    return Figure(
        title, f"{spread(found)}/s", f"{spread(peer)}/s", median_ratio(found, peer), 0.05, note=note
    )


def _gauge(number: int, size: int) -> dict[str, object]:
    made = entity(number)
    made["flow"]["value"] = number % (size // FOUND)
    return made


def _path(query: str) -> str:
    return f"{API}/entities?type=Gauge&limit={FOUND}&q={quote(query)}"


def _get(path: str, headers: Sequence[str]) -> bytes:
    fields = "".join(f"{each}\r\n" for each in ("Host: 127.0.0.1", *headers))
    return f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()


@contextmanager
def _changing(file: Path, city: BenchCity, size: int) -> Iterator[None]:
    """Update entities now and then until the block ends, so that no page is right for long."""
    write_requests(file, workload.requests(workload.update, size, city.headers))
    arguments = [sys.executable, "-m", "bench.traffic", f"127.0.0.1:{city.port}", str(file)]
    arguments += ["--connections", "2", "--seconds", "600", "--rate", str(CHANGES_PER_S)]
    with process(arguments, core=CORES[-1]):
        time.sleep(0.3)
        yield


def _learn(city: BenchCity, load: Load, server: Server) -> None:
    """Ask until the city has learnt that an index is worth its cost."""
    until = time.monotonic() + LEARNT_WITHIN_S
    slow = load.run(server, CLIENTS).rate
    while load.run(server, CLIENTS).rate < 2 * slow and time.monotonic() < until:
        pass
    settle(city.pid)


def _scan(folder: Path, rounds: int) -> Figure:
    """Measure what a query costs that finds nothing and has no index, in processor time a document."""
    folder.mkdir()
    ours, bare = asyncio.run(_scans(folder / "scan.db", rounds))
    return Figure(
        "scan without an index",
        f"{spread(ours, PRECISE)} µs/document",
        f"{spread(bare, PRECISE)} µs/document",
        statistics.median(bare) / statistics.median(ours),
        None,
        note="peer: SQLite hands no document to anybody; goal of 1 µs "
        + ("met" if statistics.median(ours) <= 1 else "missed"),
    )


async def _scans(path: Path, rounds: int) -> tuple[list[float], list[float]]:
    context = core_context()
    store = SqliteStore(path)
    await store.open()
    flow = context.expand("flow")
    for start in range(0, DOCUMENTS, 1_000):
        await store.write([_edit(number, flow) for number in range(start, start + 1_000)])
    store._finder.missed = None  # so that it learns no index
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    ours, bare = [], []
    for number in range(rounds):
        query = EntityQuery(q=parse_q(f"flow>={DOCUMENTS + number};flow<{DOCUMENTS + number + 1}", context))
        began = time.process_time()
        await store.query("", query)
        ours.append((time.process_time() - began) / DOCUMENTS * 1e6)
        began = time.process_time()
        connection.execute("SELECT count(*) FROM entity WHERE instr(body, 'no such text')").fetchall()
        bare.append((time.process_time() - began) / DOCUMENTS * 1e6)
    await store.close()
    return ours, bare


def _edit(number: int, flow: str) -> Edit:
    made = entity(number)
    attrs = {
        core_context().expand(name): [
            Instance(value=member.get("value", member.get("object")), created_at=AT)
        ]
        for name, member in made.items()
        if isinstance(member, dict)
    }
    attrs[flow] = [Instance(value=number, unit_code="MQS", observed_at=AT)]
    it = Entity(id=made["id"], type=[core_context().expand("Gauge")], created_at=AT, attrs=attrs)
    return Edit("", it.id, lambda _: Put(it), AT)
