"""Writes: batches against the same rows put straight into SQLite, creates against a bare group-committing callable."""

from __future__ import annotations

import json
import time
from pathlib import Path

import apsw

from bench.city import API, JSON, BenchCity, entity, running_city
from bench.processes import bare_server, load, spread
from bench.result import Figure, median_ratio

BATCH = 1000


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Measure batch upserts and single creates."""
    (folder / "bare").mkdir(parents=True)
    with running_city(folder / "city") as city:
        return [_batches(city, folder, rounds * 5), _creates(city, folder, seconds, rounds)]


def _batches(city: BenchCity, folder: Path, rounds: int) -> Figure:
    """New entities and updates of them in turn, as a city's feeds bring them; each round writes the same rows twice."""
    ours, straight = [], []
    database = apsw.Connection(str(folder / "straight.db"))
    copies = _Copies(city.folder / "data", database)
    for number in range(rounds):
        entities = [entity(number // 2 * BATCH + each) for each in range(BATCH)]
        for each in entities:
            each["level"]["value"] += number
        body = json.dumps(entities).encode()
        began = time.perf_counter()
        city.call("POST", f"{API}/entityOperations/upsert", json.loads(body))
        ours.append(BATCH / (time.perf_counter() - began))
        straight.append(BATCH / copies.write_again())
    return Figure(
        f"batch upsert of {BATCH} entities",
        f"{spread(ours)} entities/s",
        f"{spread(straight)} entities/s",
        median_ratio(ours, straight),
        0.3,
        note="peer: the same state and change rows, one transaction, synchronous=FULL",
    )


class _Copies:
    """Takes the rows that the city has just written and writes them again into a database of its own."""

    def __init__(self, data: Path, database: apsw.Connection) -> None:
        path = next(each for each in data.glob("*.db") if not each.name.startswith("history"))
        self._city = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self._database = database
        self._seen = self._newest()
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA wal_autocheckpoint = 50000",
        ):
            database.execute(statement)
        tables = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name IN ('entity', 'change')"
        for (created,) in self._city.execute(tables).fetchall():
            database.execute(str(created))

    def _newest(self) -> int:
        return int(str(self._city.execute("SELECT coalesce(max(seq), 0) FROM change").fetchall()[0][0]))

    def write_again(self) -> float:
        """Write what is new since the last call; give the seconds that it took."""
        changes = self._city.execute("SELECT * FROM change WHERE seq > ?", (self._seen,)).fetchall()
        entities = self._city.execute("SELECT * FROM entity WHERE version > ?", (self._seen,)).fetchall()
        if len(entities) != BATCH:
            raise RuntimeError(f"the city wrote {len(entities)} entities")
        self._seen = self._newest()
        began = time.perf_counter()
        with self._database:
            self._database.executemany(f"REPLACE INTO entity VALUES ({_holes(entities[0])})", entities)
            self._database.executemany(f"INSERT INTO change VALUES ({_holes(changes[0])})", changes)
        return time.perf_counter() - began


def _holes(row: tuple[object, ...]) -> str:
    return ", ".join("?" * len(row))


def _creates(city: BenchCity, folder: Path, seconds: float, rounds: int) -> Figure:
    template = folder / "template.json"
    template.write_text(json.dumps(entity("@ID@")), encoding="utf-8")
    ours, bare = [], []
    with bare_server(folder / "bare") as (port, pid):
        for number in range(rounds):
            more = ["--template", str(template), "--prefix", f"{number}-", "--header", JSON]
            bare.append(load(port, pid, "/", seconds=seconds, more=more).rate)
            path = f"{API}/entities"
            ours.append(
                load(city.port, city.pid, path, seconds=seconds, headers=city.headers, more=more).rate
            )
    return Figure(
        "durable single creates, 32 clients",
        f"{spread(ours)}/s",
        f"{spread(bare)}/s",
        median_ratio(ours, bare),
        0.4,
        note="peer: bare ASGI callable, group commit of the same body twice",
    )
