"""The hot table: the recent past in one SQLite file, clustered by entity.

The key of a row is its entity, the time when it was true, and its change: so a change that is appended twice leaves one
sample, and a correction of an old reading is a row beside what was known before. One row has all samples of a change
with one time: a row for each attribute would write a page of the file for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw
import orjson

from rhinecloud.history.names import Names
from rhinecloud.history.port import Sample
from rhinecloud.history.samples import Label, Row, microseconds, rows_of, time_of
from rhinecloud.history.schema import prepare
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import format_time
from rhinecloud.ngsild.change import Change, decode_change, encode_change

T = TypeVar("T")

Whole = tuple[str, str, int, bytes]
"""A whole change: tenant, entity, number, bytes."""

ROWS_AT_ONCE = 64
"""Rows in one statement, which runs without the GIL; a statement for each row would compete with the loop for it."""
_HOLES = "(?, ?, ?, ?, ?, ?)"
KEEP = f"INSERT OR REPLACE INTO moment VALUES {_HOLES}"
KEEP_MANY = KEEP + f", {_HOLES}" * (ROWS_AT_ONCE - 1)
MARK = "INSERT INTO mark VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET seq = max(seq, excluded.seq)"
SERIES = """
SELECT observed, recorded, body FROM moment
WHERE tenant = ? AND entity = ? AND observed >= ? AND observed < ? AND instr(body, ?)
ORDER BY observed DESC, seq DESC
"""
NEXT_ENTITY = """
SELECT tenant, entity FROM moment WHERE (tenant, entity) > (?, ?) ORDER BY tenant, entity LIMIT 1
"""
EXPIRE = """
DELETE FROM moment WHERE tenant = ? AND entity = ? AND observed < ? AND recorded < ?
RETURNING json_array_length(CAST(body AS TEXT))
"""
FOREVER = 1 << 62
NICENESS = 5
"""Lower priority of the writing thread: answers are more urgent than the history."""
ENTITIES_A_STEP = 100
"""Entities that are expired in one transaction, so that appending never waits long."""


class HotTable:
    """`history.port.History` on SQLite: one thread writes and one reads, so that the loop never waits."""

    def __init__(self, path: Path, timeline_types: Sequence[str] = ()) -> None:
        self._path = path
        self._timeline_types = frozenset(timeline_types)
        self._names = Names({})
        self._rows: list[Row] = []
        self._whole: list[Whole] = []
        self._last = 0
        """The newest change that was taken."""
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None
        self._writing = ThreadPoolExecutor(1, "history writer", initializer=_lower_priority)
        self._reading = ThreadPoolExecutor(1, "history reader")

    async def open(self) -> None:
        """Open or create the file."""
        await self._run(self._writing, self._open)

    async def close(self) -> None:
        """Finish what was started and close the file."""
        await self._run(self._writing, self._close)
        self._writing.shutdown()
        self._reading.shutdown()

    async def append(self, changes: Sequence[Change]) -> None:
        """Append the samples of `changes`, durably, in one transaction."""
        self.take(changes)
        await self.keep()

    def take(self, changes: Sequence[Change]) -> None:
        """Make samples of `changes` and hold them in memory."""
        rows, label = self._rows, self._names.label
        for change in changes:
            rows += rows_of(change, label)
            if not self._timeline_types.isdisjoint(change.entity.type):
                self._whole.append((change.tenant, change.entity.id, change.seq, encode_change(change)))
            self._last = change.seq

    async def keep(self) -> None:
        """Write the samples held in memory, durably, in one transaction."""
        rows, whole, fresh = self._rows, self._whole, dict(self._names.fresh)
        self._rows, self._whole = [], []
        try:
            await self._run(self._writing, self._append, rows, whole, fresh, self._last)
        except BaseException:
            self._rows, self._whole = rows + self._rows, whole + self._whole
            raise
        self._names.keep(fresh)

    async def position(self) -> int:
        """Return the sequence number of the newest change that was appended, 0 for none."""
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
        """Return the newest `limit` samples with since <= observed_at < until, oldest first."""
        begin = microseconds(since) if since else -FOREVER
        end = microseconds(until) if until else FOREVER
        where = (tenant, entity_id, begin, end)
        return await self._run(self._reading, self._series, where, self._names.find(attribute), limit)

    async def changes_of(self, tenant: str, entity_id: str, *, limit: int = 500) -> list[Change]:
        """Return the last `limit` whole changes of an entity of the timeline types, oldest first."""
        return await self._run(self._reading, self._changes_of, tenant, entity_id, limit)

    async def expire(self, before: str) -> int:
        """Delete samples that were true and recorded before a time; return how many."""
        before_us = microseconds(before)
        deleted = 0
        after: tuple[str, str] | None = ("", "")
        while True:
            after, count = await self._run(self._writing, self._expire_step, before_us, after)
            deleted += count
            if after is None:
                return deleted

    async def backup(self, target: str) -> None:
        """Write a consistent copy of the table to the file `target`, while the table is in use."""
        await self._run(self._reading, self._backup, target)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except apsw.Error as error:
            raise Unavailable(f"the history is not available: {error}") from error

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = apsw.Connection(str(self._path))
        self._writer.set_busy_timeout(5_000)
        prepare(self._writer)
        self._names = Names({iri: n for n, iri in self._writer.execute("SELECT number, iri FROM attribute")})
        self._reader = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        self._reader.set_busy_timeout(5_000)

    def _close(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()

    def _append(self, rows: list[Row], whole: list[Whole], fresh: Mapping[str, int], last: int) -> None:
        connection = _opened(self._writer)
        with _transaction(connection):
            connection.executemany("INSERT INTO attribute (iri, number) VALUES (?, ?)", fresh.items())
            there = len(rows) - len(rows) % ROWS_AT_ONCE
            for start in range(0, there, ROWS_AT_ONCE):
                many = rows[start : start + ROWS_AT_ONCE]
                connection.execute(KEEP_MANY, [value for row in many for value in row])
            connection.executemany(KEEP, rows[there:])
            connection.executemany("INSERT OR REPLACE INTO whole VALUES (?, ?, ?, ?)", whole)
            connection.execute(MARK, (last,))

    def _position(self) -> int:
        rows: list[Any] = _opened(self._reader).execute("SELECT seq FROM mark").fetchall()
        return int(rows[0][0]) if rows else 0

    def _series(self, where: tuple[str, str, int, int], label: Label, limit: int) -> list[Sample]:
        sign = b"[%b," % orjson.dumps(label)
        rows: Any = _opened(self._reader).execute(SERIES, (*where, sign))
        found: list[Sample] = []
        for observed, recorded, body in rows:
            times = (format_time(time_of(observed)), format_time(time_of(recorded)))
            for found_label, value, *more in reversed(orjson.loads(body)):
                if found_label == label:
                    dataset_id, unit_code = more or ("", "")
                    found.append(Sample(*times, value, unit_code, dataset_id))
            if len(found) >= limit:
                break
        rows.close()
        return found[:limit][::-1]

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

    def _expire_step(self, before: int, after: tuple[str, str]) -> tuple[tuple[str, str] | None, int]:
        """Expire the next entities; return the last one, None where there are no more, and how many were deleted."""
        connection = _opened(self._writer)
        deleted = 0
        with _transaction(connection):
            for _ in range(ENTITIES_A_STEP):
                found: list[Any] = connection.execute(NEXT_ENTITY, after).fetchall()
                if not found:
                    return None, deleted
                after = found[0]
                counts: list[Any] = connection.execute(EXPIRE, (*after, before, before)).fetchall()
                deleted += sum(count for (count,) in counts)
        return after, deleted

    def _backup(self, target: str) -> None:
        copy = apsw.Connection(target)
        try:
            with copy.backup("main", _opened(self._reader), "main") as backup:
                backup.step()
        finally:
            copy.close()


@contextlib.contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    """Commit all or nothing. The connection's own `with` waits for the disk with the GIL held."""
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


def _lower_priority() -> None:
    """Let the event loop run first; only Linux has priorities of single threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
