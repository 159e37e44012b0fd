"""Reads: one entity, and a list of 20, against a bare callable that answers the same bytes from memory."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from bench.city import API, entity, running_city
from bench.processes import Load, bare_server, load, spread
from bench.result import Figure, median_ratio

PATHS = {
    "one": (f"{API}/entities/urn:ngsi-ld:Gauge:7", "retrieve one entity", 0.5),
    "list": (f"{API}/entities?type=Gauge&limit=20", "list of 20 by type", 0.4),
}


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Measure both reads in turns."""
    files = folder / "bare"
    files.mkdir(parents=True)
    figures = []
    with running_city(folder / "city") as city:
        city.fill([entity(number) for number in range(1000)])
        for name, (path, _title, _goal) in PATHS.items():
            answer = city.call("GET", path)
            expected = 20 if name == "list" else None
            found = json.loads(answer)
            if expected and len(found) != expected:
                raise RuntimeError(f"the list holds {len(found)} entities")
            (files / f"{name}.json").write_bytes(answer)
        with bare_server(files) as (port, pid):
            for name, (path, title, goal) in PATHS.items():
                ours: list[Load] = []
                bare: list[Load] = []
                for _ in range(rounds):
                    bare.append(load(port, pid, f"/{name}.json", seconds=seconds))
                    ours.append(load(city.port, city.pid, path, seconds=seconds, headers=city.headers))
                figures.append(_figure(title, goal, ours, bare))
    return figures


def _figure(title: str, goal: float, ours: list[Load], bare: list[Load]) -> Figure:
    note = f"server µs/request {_cost(ours):.0f} to {_cost(bare):.0f}"
    rates, bare_rates = [each.rate for each in ours], [each.rate for each in bare]
    ratio = median_ratio(rates, bare_rates)
    return Figure(title, f"{spread(rates)}/s", f"{spread(bare_rates)}/s", ratio, goal, note=note)


def _cost(loads: list[Load]) -> float:
    return statistics.median(each.server_us for each in loads)
