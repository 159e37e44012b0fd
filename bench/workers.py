"""Readers: one entity retrieved by 32 clients, from a city with two readers against one of a single process.

Where there are more than two cores, the load generator has the last one for itself. On two cores it takes half of one
away, so that the rates say little of scaling there. So a second figure counts requests for each second of processor
time of the busiest process: what each would reach on a core of its own. The system shares out connections, not
requests: of 32 connections one reader may get 20, which is in both figures.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.city import API, BenchCity, entity, running_city
from bench.processes import CORES, cpu_seconds, load, spread
from bench.result import Figure, median_ratio

SERVERS = CORES[:-1] if len(CORES) > 2 else CORES
PATH = f"{API}/entities/urn:ngsi-ld:Gauge:7"
READERS = 2
HEARD_S = 0.5
"""By then readers have loaded a new token."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed: requests a second, and requests for a second of the busiest process."""

    rate: float
    capacity: float


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Measure both cities in turns."""
    with _city(folder / "one") as (one, own), _city(folder / "several", READERS) as (several, token):
        alone, shared = [], []
        for _ in range(rounds):
            alone.append(_run(one, own, seconds))
            shared.append(_run(several, token, seconds))
        sizes = [psutil.Process(pid).memory_full_info().uss for pid in _readers(several)]
    note = (
        f"{len(SERVERS)} cores for servers{'' if len(CORES) > 2 else ', one of them shared with the client'}"
    )
    memory = f"{statistics.mean(sizes) / 2**20:.0f} MB a reader that nobody else uses"
    title = f"retrieve, 32 clients, {READERS} readers to one process"
    rates, rates_alone = [each.rate for each in shared], [each.rate for each in alone]
    room, room_alone = [each.capacity for each in shared], [each.capacity for each in alone]
    return [
        _figure(title, rates, rates_alone, note),
        _figure("the same, for a second of the busiest process", room, room_alone, memory),
    ]


def _figure(title: str, ours: list[float], peer: list[float], note: str) -> Figure:
    return Figure(title, f"{spread(ours)}/s", f"{spread(peer)}/s", median_ratio(ours, peer), note=note)


@contextmanager
def _city(folder: Path, readers: int = 1) -> Iterator[tuple[BenchCity, str]]:
    """Run a filled city on the servers' cores, and yield it with the header of a token that its readers know."""
    with running_city(folder, flags=("--workers", str(readers))) as city:
        for pid in (city.pid, *_children(city)):
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(pid, set(SERVERS))
        city.fill([entity(number) for number in range(1000)])
        made = json.loads(city.call("POST", "/api/v1/tokens", {"name": "bench", "roles": ["reader"]}))
        time.sleep(HEARD_S)
        yield city, f"Authorization: Bearer {made['secret']}"


def _run(city: BenchCity, token: str, seconds: float) -> Run:
    answering = _readers(city) or [city.pid]
    before = [cpu_seconds(pid) for pid in answering]
    began = time.perf_counter()
    rate = load(city.port, city.pid, PATH, seconds=seconds, headers=[token]).rate
    requests = rate * min(seconds, time.perf_counter() - began)
    busiest = max(cpu_seconds(pid) - was for pid, was in zip(answering, before, strict=True))
    return Run(rate, requests / busiest)


def _readers(city: BenchCity) -> list[int]:
    mark = "rhinecloud.app.readers.reader"
    return [pid for pid in _children(city) if mark in psutil.Process(pid).cmdline()]


def _children(city: BenchCity) -> list[int]:
    return [each.pid for each in psutil.Process(city.pid).children(recursive=True)]
