"""The hot table: the recent past in one SQLite file, clustered so that a series lies together.

A sample's place is its series, when it was true, and the change that brought it: so a change that is appended twice
leaves one sample, and a correction of an old reading stands beside what was known before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw
import orjson

from rhinecloud.history.port import Sample
from rhinecloud.history.samples import microseconds, moment, rows_of
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import format_time
from rhinecloud.ngsild.change import Change, decode_change, encode_change

T = TypeVar("T")

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 10000;
CREATE TABLE IF NOT EXISTS series (
  number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, entity TEXT NOT NULL, attribute TEXT NOT NULL,
  UNIQUE (tenant, entity, attribute)
);
CREATE TABLE IF NOT EXISTS sample (
  series INTEGER NOT NULL, observed INTEGER NOT NULL, seq INTEGER NOT NULL, dataset TEXT NOT NULL,
  recorded INTEGER NOT NULL, value TEXT, unit TEXT NOT NULL,
  PRIMARY KEY (series, observed, seq, dataset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS whole (
  tenant TEXT NOT NULL, entity TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (tenant, entity, seq)
) WITHOUT ROWID;
"""
KEEP = """
INSERT OR REPLACE INTO sample
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM json_each(?)
"""
"""One statement for all samples: it runs without Python's lock, for which many would fight with the loop."""
ENTER = (
    "INSERT INTO series (tenant, entity, attribute) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING number"
)
MARK = "INSERT INTO mark VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET seq = max(seq, excluded.seq)"
FOREVER = 1 << 62
SERIES_REMEMBERED = 200_000
SERIES_A_STEP = 200
"""Series that are expired in one transaction, so that appending never waits long."""


class HotTable:
    """`history.port.History` on SQLite: one thread writes, one reads, and neither holds the loop."""

    def __init__(self, path: Path, timeline_types: Sequence[str] = ()) -> None:
        self._path = path
        self._timeline_types = frozenset(timeline_types)
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None
        self._writing = ThreadPoolExecutor(1, "history writer")
        self._reading = ThreadPoolExecutor(1, "history reader")

    async def open(self) -> None:
        """Open or create the file."""
        await self._run(self._writing, self._open)

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await self._run(self._writing, self._close)
        self._writing.shutdown()
        self._reading.shutdown()

    async def append(self, changes: Sequence[Change]) -> None:
        """Keep what `changes` brought, durably, in one transaction."""
        await self._run(self._writing, self._append, changes)

    async def position(self) -> int:
        """Give the sequence number of the newest change that was appended, 0 for none."""
        return await self._run(self._reading, self._position)

    async def series(
        self,
        tenant: str,
        entity_id: str,
        attribute: str,
        *,
        since: str = "",
        until: str = "",
        limit: int = 1000,
    ) -> list[Sample]:
        """Give the newest `limit` samples with since <= observed_at < until, in rising order."""
        begin = microseconds(since) if since else -FOREVER
        end = microseconds(until) if until else FOREVER
        key = (tenant, entity_id, attribute)
        return await self._run(self._reading, self._series, key, begin, end, limit)

    async def changes_of(self, tenant: str, entity_id: str, *, limit: int = 500) -> list[Change]:
        """Give the last `limit` whole changes of an entity of the timeline types, oldest first."""
        return await self._run(self._reading, self._changes_of, tenant, entity_id, limit)

    async def expire(self, before: str) -> int:
        """Drop samples that were true and recorded before a moment; return how many went."""
        moment_us = microseconds(before)
        dropped = 0
        after = 0
        while True:
            after, count = await self._run(self._writing, self._expire_step, moment_us, after)
            dropped += count
            if not after:
                return dropped

    async def backup(self, target: str) -> None:
        """Write a consistent copy of the table to the file `target` while the city runs."""
        await self._run(self._reading, self._backup, target)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except apsw.Error as error:
            raise Unavailable(f"the history does not answer: {error}") from error

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = apsw.Connection(str(self._path))
        self._writer.set_busy_timeout(5_000)
        self._writer.execute(SCHEMA).fetchall()  # apsw goes on to the next statement as rows are read
        self._reader = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        self._reader.set_busy_timeout(5_000)

    def _close(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()

    def _append(self, changes: Sequence[Change]) -> None:
        connection = _opened(self._writer)
        try:
            with _transaction(connection):
                self._keep(connection, changes)
        except apsw.Error:
            self._numbers.clear()  # some may have been rolled back
            raise

    def _keep(self, connection: apsw.Connection, changes: Sequence[Change]) -> None:
        samples = []
        whole = []
        for change in changes:
            entity_id = change.entity.id
            for row in rows_of(change):
                number = self._number(connection, (change.tenant, entity_id, row.attribute))
                samples.append(
                    (number, row.observed, change.seq, row.dataset_id, row.recorded, row.value, row.unit_code)
                )
            if not self._timeline_types.isdisjoint(change.entity.type):
                whole.append((change.tenant, entity_id, change.seq, encode_change(change)))
        connection.execute(KEEP, (orjson.dumps(samples).decode(),))
        connection.executemany("INSERT OR REPLACE INTO whole VALUES (?, ?, ?, ?)", whole)
        connection.execute(MARK, (max((change.seq for change in changes), default=0),))

    def _position(self) -> int:
        rows: list[Any] = _opened(self._reader).execute("SELECT seq FROM mark").fetchall()
        return int(rows[0][0]) if rows else 0

    def _number(self, connection: apsw.Connection, key: tuple[str, str, str]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = _enter(connection, key) or _find(connection, key)
            if len(self._numbers) >= SERIES_REMEMBERED:
                self._numbers.clear()
            self._numbers[key] = number
        return number

    def _series(self, key: tuple[str, str, str], begin: int, end: int, limit: int) -> list[Sample]:
        connection = _opened(self._reader)
        rows = connection.execute(
            "SELECT observed, recorded, value, unit, dataset FROM sample"
            " WHERE series = ? AND observed >= ? AND observed < ? ORDER BY observed DESC, seq DESC LIMIT ?",
            (_find(connection, key), begin, end, limit),
        ).fetchall()
        return [
            Sample(
                observed_at=format_time(moment(observed)),
                recorded_at=format_time(moment(recorded)),
                value=orjson.loads(value) if value is not None else None,
                unit_code=unit,
                dataset_id=dataset,
            )
            for observed, recorded, value, unit, dataset in reversed(rows)
        ]

    def _changes_of(self, tenant: str, entity_id: str, limit: int) -> list[Change]:
        rows = (
            _opened(self._reader)
            .execute(
                "SELECT body FROM whole WHERE tenant = ? AND entity = ? ORDER BY seq DESC LIMIT ?",
                (tenant, entity_id, limit),
            )
            .fetchall()
        )
        return [decode_change(body) for (body,) in reversed(rows)]

    def _expire_step(self, before: int, after: int) -> tuple[int, int]:
        """Expire the next series; give the last one looked at, 0 when there are no more, and how many samples went."""
        connection = _opened(self._writer)
        numbers = [
            row[0]
            for row in connection.execute(
                "SELECT number FROM series WHERE number > ? ORDER BY number LIMIT ?", (after, SERIES_A_STEP)
            )
        ]
        began = connection.total_changes()
        with _transaction(connection):
            connection.executemany(
                "DELETE FROM sample WHERE series = ? AND observed < ? AND recorded < ?",
                [(number, before, before) for number in numbers],
            )
        return (numbers[-1] if numbers else 0), connection.total_changes() - began

    def _backup(self, target: str) -> None:
        copy = apsw.Connection(target)
        try:
            with copy.backup("main", _opened(self._reader), "main") as backup:
                backup.step()
        finally:
            copy.close()


@contextlib.contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    """All or nothing. The connection's own `with` waits for the disk holding Python's lock, and the city with it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(apsw.Error):  # the engine may have rolled back by itself
            connection.execute("ROLLBACK")
        raise


def _opened(connection: apsw.Connection | None) -> apsw.Connection:
    if connection is None:
        raise Unavailable("the history is closed")
    return connection


def _enter(connection: apsw.Connection, key: tuple[str, str, str]) -> int:
    """Enter a series and give its number, 0 when it was entered before."""
    rows: list[Any] = connection.execute(ENTER, key).fetchall()
    return int(rows[0][0]) if rows else 0


def _find(connection: apsw.Connection, key: tuple[str, str, str]) -> int:
    rows: list[Any] = connection.execute(
        "SELECT number FROM series WHERE tenant = ? AND entity = ? AND attribute = ?", key
    ).fetchall()
    return int(rows[0][0]) if rows else 0
