"""What ten thousand subscriptions cost an update that concerns ten of them: two cities, one of them without any."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from bench.city import API, JSON, BenchCity, entity, running_city
from bench.latency import Writer
from bench.processes import CORES, Load, free_port, load, process, spread, wait_for
from bench.result import Figure, median_ratio

SUBSCRIPTIONS = 10_000
CONCERNED = 10
GAUGE = 7
FAR = {"georel": "near;maxDistance==500", "geometry": "Point"}


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Update one attribute of one entity over and over in either city, in turns."""
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
            with_them.append(_update(crowded, body, seconds, number))
    us = [statistics.median(each.server_us for each in loads) for loads in (with_them, without)]
    return [
        Figure(
            f"update of an attribute, {SUBSCRIPTIONS:,} subscriptions, {CONCERNED} match",
            f"{spread([each.rate for each in with_them])}/s",
            f"{spread([each.rate for each in without])}/s",
            median_ratio([each.rate for each in with_them], [each.rate for each in without]),
            0.5,
            note=f"peer: a city without any; {us[0]:.0f} and {us[1]:.0f} µs of processor time an update, "
            f"notifications included; {SUBSCRIPTIONS / took:,.0f} subscriptions/s made",
        )
    ]


def _update(city: BenchCity, body: Path, seconds: float, number: int) -> Load:
    path = f"{API}/entities/{entity(GAUGE)['id']}/attrs"
    more = ["--template", str(body), "--prefix", str(number + 1), "--header", JSON]
    return load(city.port, city.pid, path, seconds=seconds, headers=city.headers, more=more)


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
