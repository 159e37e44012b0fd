"""Writes: batches against the same rows put straight into SQLite, creates against a bare group-committing callable."""

from __future__ import annotations

import json
import time
from pathlib import Path

import apsw
import psutil

from bench.city import API, JSON, BenchCity, entity, running_city
from bench.processes import bare_server, cpu_seconds, load, spread
from bench.result import Figure, median_ratio
from rhinecloud.store.sqlite.schema import PAGE_BYTES

BATCH = 1000
UPSERT = f"{API}/entityOperations/upsert"
ENTITIES = """
SELECT entity.* FROM change, entity
WHERE seq BETWEEN ? AND ? AND tenant = 1 AND id = change.body ->> '$.entity.id'
"""
"""The entities of some changes, as they are by now."""


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Measure batch upserts and single creates."""
    (folder / "bare").mkdir(parents=True)
    with running_city(folder / "city") as city:
        copies = _Copies(city.folder / "data", folder / "straight.db")
        return [
            _batches(city, copies, rounds * 5),
            _sustained(city, copies, rounds * 5),
            _creates(city, folder, seconds, rounds),
        ]


def _batches(city: BenchCity, copies: _Copies, rounds: int) -> Figure:
    """New entities and updates of them in turn, as a city's feeds bring them; each round writes the same rows twice."""
    ours, straight = [], []
    for number in range(rounds):
        body = _batch(0, number)
        began = time.perf_counter()
        city.send("POST", UPSERT, body)
        ours.append(BATCH / (time.perf_counter() - began))
        straight.append(copies.write_again(BATCH))
    return Figure(
        f"batch upsert of {BATCH} entities, acknowledged",
        f"{spread(ours)} entities/s",
        f"{spread(straight)} entities/s",
        median_ratio(ours, straight),
        0.3,
        note="peer: the same state and change rows, one transaction, synchronous=FULL",
    )


def _sustained(city: BenchCity, copies: _Copies, rounds: int) -> Figure:
    """The same without a pause, until the stream and the history hold all: nothing that is put off is left out."""
    bodies = [_batch(500_000, number) for number in range(rounds)]
    wait_until_caught_up(city)
    spent, began = _processor_s(city), time.perf_counter()
    for body in bodies:
        city.send("POST", UPSERT, body)
    acknowledged = time.perf_counter() - began
    took = wait_until_caught_up(city) - began
    count = rounds * BATCH
    straight = copies.write_again(count, fold=True)
    each_us = (_processor_s(city) - spent) / count * 1e6
    return Figure(
        f"{rounds} such batches without a pause, until stream and history hold all",
        f"{count / took:,.0f} entities/s",
        f"{straight:,.0f} entities/s",
        count / took / straight,
        0.3,
        note=f"{count / acknowledged:,.0f} entities/s acknowledged meanwhile;"
        f" {each_us:.0f} µs of processor time an entity in all, the stream's server included",
    )


def _batch(first: int, number: int) -> bytes:
    """Make a batch: new entities where `number` is even, other values for the same ones where it is odd."""
    entities = [entity(first + number // 2 * BATCH + each) for each in range(BATCH)]
    for each in entities:
        each["level"]["value"] += number
    return json.dumps(entities).encode()


def wait_until_caught_up(city: BenchCity) -> float:
    """Wait until the history has every change and no other consumer is behind, and return the time."""
    history = apsw.Connection(str(city.folder / "data" / "history.db"), flags=apsw.SQLITE_OPEN_READONLY)
    newest = newest_change(city.folder / "data")
    while _number(history, "SELECT max(seq) FROM mark") < newest:
        time.sleep(0.005)
    time.sleep(0.1)  # the city tells its lags once a second, so that asking too early would cost a second
    moment = time.perf_counter()
    while _lag(city):
        time.sleep(0.05)
        moment = time.perf_counter()
    return moment


def _lag(city: BenchCity) -> int:
    status = json.loads(city.call("GET", "/api/v1/status"))
    return int(status["stream"]["lag"]) + sum(int(each["lag"]) for each in status["consumers"])


def _processor_s(city: BenchCity) -> float:
    process = psutil.Process(city.pid)
    return sum(cpu_seconds(each.pid) for each in (process, *process.children(recursive=True)))


def newest_change(data: Path) -> int:
    """Read the number of the newest change from the city's store."""
    return _number(_store(data), "SELECT max(seq) FROM change")


def _store(data: Path) -> apsw.Connection:
    path = next(each for each in data.glob("*.db") if not each.name.startswith("history"))
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)


def _number(connection: apsw.Connection, query: str) -> int:
    return int(str(connection.execute(query).fetchall()[0][0] or 0))


class _Copies:
    """Takes the rows that the city has just written and writes them again into a database of its own."""

    def __init__(self, data: Path, target: Path) -> None:
        self._city = _store(data)
        self._database = database = apsw.Connection(str(target))
        self._seen = newest_change(data)
        for statement in (
            f"PRAGMA page_size = {PAGE_BYTES}",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA wal_autocheckpoint = 25000",
        ):
            database.execute(statement)
        tables = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name IN ('entity', 'change')"
        for (created,) in self._city.execute(tables).fetchall():
            database.execute(str(created))

    def write_again(self, count: int, *, fold: bool = False) -> float:
        """Write the `count` changes since the last call, a batch per transaction, and return entities a second.

        `fold` says to bring the log back into the file at the end, as the city does beside its work.
        """
        took = 0.0
        for first in range(self._seen + 1, self._seen + count + 1, BATCH):
            seqs = (first, first + BATCH - 1)
            changes = self._city.execute("SELECT * FROM change WHERE seq BETWEEN ? AND ?", seqs).fetchall()
            rows = self._city.execute(ENTITIES, seqs).fetchall()
            if len(changes) != BATCH or len(rows) != BATCH:
                raise RuntimeError(f"the city wrote {len(rows)} entities and {len(changes)} changes")
            began = time.perf_counter()
            with self._database:
                self._database.executemany(f"REPLACE INTO entity VALUES ({_holes(rows[0])})", rows)
                self._database.executemany(f"INSERT INTO change VALUES ({_holes(changes[0])})", changes)
            took += time.perf_counter() - began
        self._seen += count
        if fold:
            began = time.perf_counter()
            self._database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            took += time.perf_counter() - began
        return count / took


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
