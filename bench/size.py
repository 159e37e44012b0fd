"""How quickly a city starts, empty and with 100,000 entities, and how much memory it takes."""

from __future__ import annotations

from pathlib import Path

import psutil

from bench.city import API, entity, running_city
from bench.result import Figure

ENTITIES = 100_000


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Start empty, fill, start again."""
    with running_city(folder / "city") as city:
        empty, first = _memory(city.pid), city.started_s
        city.fill([entity(number) for number in range(ENTITIES)])
        filled = _memory(city.pid)
    with running_city(folder / "city") as city:
        city.call("GET", f"{API}/entities?type=Gauge&limit=20")
        again, second = _memory(city.pid), city.started_s
    thousands = f"{ENTITIES:,} entities"
    return [
        Figure("start-up, empty, first time", f"{first:.2f} s", ""),
        Figure(
            f"start-up, {thousands}",
            f"{second:.2f} s",
            "",
            second,
            3.0,
            smaller_is_better=True,
            note="seconds",
        ),
        Figure("memory, empty", f"{empty:.0f} MB", "", note="resident, with the stream's process"),
        Figure(
            f"memory, {thousands} just written",
            f"{filled:.0f} MB",
            "",
            filled,
            300.0,
            smaller_is_better=True,
            note="megabytes",
        ),
        Figure(f"memory, {thousands}, after a start", f"{again:.0f} MB", ""),
    ]


def _memory(pid: int) -> float:
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(each.memory_info().rss for each in family) / 1e6
