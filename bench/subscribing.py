"""What ten thousand subscriptions cost an update that concerns ten of them: two cities, one of them without any.

Updates are acknowledged faster than one entity's states can be told one after the other, so the load runs ahead of the
notifications: what counts is the processor time until the last of them was taken.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.city import API, JSON, BenchCity, entity, running_city
from bench.latency import Writer
from bench.processes import CORES, cpu_seconds, free_port, load, process, spread, wait_for
from bench.result import Figure, median_ratio
from bench.sink import taken

SUBSCRIPTIONS = 10_000
CONCERNED = 10
GAUGE = 7
FAR = {"georel": "near;maxDistance==500", "geometry": "Point"}


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Update one attribute of one entity repeatedly in either city, in turns, until all was received."""
    folder.mkdir(parents=True, exist_ok=True)
    body = folder / "level.json"
    body.write_text('{"level": {"type": "Property", "value": @ID@}}', encoding="utf-8")
    port = free_port()
    arguments = [sys.executable, "-m", "bench.sink", str(port)]
    with (
        running_city(folder / "alone") as alone,
        running_city(folder / "crowded") as crowded,
        process(arguments, core=CORES[-1]) as sink,
    ):
        wait_for(port, sink)
        for city in (alone, crowded):
            city.fill([entity(GAUGE)])
        began = time.perf_counter()
        uvloop.run(_subscribe(crowded, f"http://127.0.0.1:{port}"))
        took = time.perf_counter() - began
        without, with_them = [], []
        for number in range(rounds):
            without.append(_update(alone, body, seconds, number))
            with_them.append(_update(crowded, body, seconds, number, port))
    theirs, ours = ([each.us for each in runs] for runs in (without, with_them))
    rates = [statistics.median(each.rate for each in runs) for runs in (with_them, without)]
    received = [
        statistics.median(getattr(each, name) for each in with_them) for name in ("share", "received_rate")
    ]
    return [
        Figure(
            f"update of an attribute, {SUBSCRIPTIONS:,} subscriptions, {CONCERNED} match",
            f"{spread(ours)} µs",
            f"{spread(theirs)} µs",
            median_ratio(theirs, ours),
            0.5,
            note=f"peer: a city without any; processor time an update until its {CONCERNED} notifications were taken; "
            f"{rates[0]:,.0f} and {rates[1]:,.0f} updates/s acknowledged meanwhile, "
            f"{received[0]:.0%} of them notified by "
            f"then; {received[1]:,.0f} notifications/s in all; {SUBSCRIPTIONS / took:,.0f} subscriptions/s made",
        )
    ]


@dataclass(frozen=True, slots=True)
class Run:
    """Updates a second, the city's processor time for one in microseconds, the `share` of notifications received at the
    end of the load, and their rate until all were received."""

    rate: float
    us: float
    share: float = 1.0
    received_rate: float = 0.0


def _update(city: BenchCity, body: Path, seconds: float, number: int, receiver: int = 0) -> Run:
    path = f"{API}/entities/{entity(GAUGE)['id']}/attrs"
    more = ["--template", str(body), "--prefix", str(number + 1), "--header", JSON]
    before = taken(receiver) if receiver else 0
    cpu, began = cpu_seconds(city.pid), time.perf_counter()
    loaded = load(city.port, city.pid, path, seconds=seconds, headers=city.headers, more=more)
    assert loaded.outcome is not None
    requests = loaded.outcome.requests
    if not receiver:
        return Run(loaded.rate, loaded.server_us)
    by_then = taken(receiver) - before
    all_received = wait_until(lambda: taken(receiver) - before >= requests * CONCERNED)
    us = (cpu_seconds(city.pid) - cpu) / requests * 1e6
    caused = requests * CONCERNED
    return Run(loaded.rate, us, by_then / caused, caused / (all_received - began))


def wait_until(holds: Callable[[], bool]) -> float:
    """Wait for a condition, and return the time. Raise RuntimeError after a minute."""
    until = time.perf_counter() + 60
    while not holds():
        if time.perf_counter() > until:
            raise RuntimeError("not all notifications were received")
        time.sleep(0.02)
    return time.perf_counter()


async def _subscribe(city: BenchCity, receiver: str) -> None:
    writer = Writer(f"127.0.0.1:{city.port}", list(city.headers))
    await writer.open(16)

    async def make(members: dict[str, Any]) -> None:
        status = await writer.request("POST", f"{API}/subscriptions", json.dumps(members).encode())
        if status != 201:
            raise RuntimeError(f"a subscription was answered with {status}")

    await asyncio.gather(*[make(each) for each in _documents(receiver)])


def _documents(receiver: str) -> Iterator[dict[str, Any]]:
    for number in range(SUBSCRIPTIONS):
        wanted = {"watchedAttributes": ["level"]} if number < CONCERNED else _elsewhere(number)
        yield {
            "type": "Subscription",
            "entities": [{"type": "Gauge"}],
            "notification": {"endpoint": {"uri": f"{receiver}/{number}"}},
            **wanted,
        }


def _elsewhere(number: int) -> dict[str, Any]:
    """Ask for something that no update brings: another type, entity, pattern, attribute, value, level or place."""
    kinds: list[dict[str, Any]] = [
        {"entities": [{"type": f"Gauge{number}"}]},
        {"entities": [{"type": "Gauge", "id": f"urn:ngsi-ld:Gauge:{number + 1_000_000}"}]},
        {"entities": [{"type": "Gauge", "idPattern": f"^urn:ngsi-ld:Gauge:{number + 1_000_000}$"}]},
        {"watchedAttributes": [f"level{number}"]},
        {"q": f'name=="Gauge {number + 1_000_000}"'},
        {"q": f"level<{-number}"},
        {"geoQ": {**FAR, "coordinates": [8 + number % 1000 / 500, 48 + number / 10_000]}},
    ]
    return kinds[number % len(kinds)]
