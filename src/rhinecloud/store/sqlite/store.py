"""The store on SQLite: quick reads on the event loop, long ones in threads, all writes by one writer."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.entity_cache import CachedEntity, EntityCache
from rhinecloud.store.port import (
    Commit,
    Edit,
    JointEdit,
    LoggedChange,
    Record,
    RecordsListener,
    Stored,
    Written,
)
from rhinecloud.store.sqlite.backup import copy_store
from rhinecloud.store.sqlite.checkpoint import Checkpoint
from rhinecloud.store.sqlite.committer import Committer
from rhinecloud.store.sqlite.indexing import SqliteIndexing
from rhinecloud.store.sqlite.population import Population
from rhinecloud.store.sqlite.prefetch import FilePrefetch
from rhinecloud.store.sqlite.query_runner import QueryRunner
from rhinecloud.store.sqlite.records import SqliteRecords
from rhinecloud.store.sqlite.schema import connect, migrate, number_of
from rhinecloud.store.sqlite.transaction import Transaction
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes, enter_first
from rhinecloud.store.sqlite.writer import SqliteWriter, explain
from rhinecloud.store.statistics import StoreStatistics
from rhinecloud.store.transfer import UNFINISHED

FORGET_AT_ONCE = 1_000
CACHE_KB = 16_384
FORGOTTEN = """
INSERT INTO mark (name, value) VALUES ('forgotten', ?)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
"""
"""The last deleted change: numbers continue from there if no change is left."""
IS_UNFINISHED = "SELECT count(*) FROM mark WHERE name = ?"


class SqliteStore:
    """One city's state in the file `path`; see `store.port.Store` for the contract of each method."""

    takes_unfinished = False
    """Whether the file may contain an unfinished copy of another store: only the copy itself may open that."""

    def __init__(self, path: Path, *, recent: int = 4_096, indexes: Sequence[str] = ()) -> None:
        """Make the store; `indexes` are IRIs of attributes that always have an index."""
        self._path = path
        self.statistics = StoreStatistics()
        self._population = Population()
        self._values = SqliteAttributeIndexes()
        self._indexes = indexes
        self._indexing: SqliteIndexing | None = None
        self._recent = EntityCache(recent)
        self._committer = Committer("store-commit")
        self._finder = QueryRunner(path, self._population, self._values, self._get)
        self._records = SqliteRecords(self._rows)

    async def open(self) -> None:
        """Open or create the file. Raise Unavailable if another process has it open, or it is not a store."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:  # releases what was opened if a later step fails
            held.callback(os.close, _lock(self._path.with_name(self._path.name + ".lock")))
            try:
                self._open(held)
            except apsw.Error as error:
                raise Unavailable(f"{self._path} cannot be opened: {error}") from error
            self._held = held.pop_all()
        self._committer.start()
        if self._indexing is not None:
            self._indexing.start()

    def _open(self, held: contextlib.ExitStack) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        held.callback(os.close, file)
        warming = FilePrefetch(file)
        held.callback(warming.stop)
        warming.start()
        self._write = connect(self._path, cache_kb=CACHE_KB)
        held.callback(self._write.close)
        migrate(self._write)
        if not self.takes_unfinished and number_of(self._write, IS_UNFINISHED, (UNFINISHED,)):
            raise Unavailable(
                f"{self._path} has an unfinished copy of a city; finish it with `rhinecloud copy`"
            )
        self._read = connect(self._path, read_only=True)
        held.callback(self._read.close)
        self._reader = self._read.cursor()
        checkpoint = Checkpoint(self._path, file)
        held.callback(checkpoint.close)
        self._writer = SqliteWriter(
            self._write, self._committer, self._recent, self._population, self._values, checkpoint
        )
        self._writer.statistics = self.statistics
        enter_first(self._write, self._indexes)
        self._writer.load()
        self._indexing = SqliteIndexing(self._writer, self._values, self._indexes)
        self._finder.open(self._read)
        self._finder.missed = self._indexing.missed

    async def close(self) -> None:
        """Finish what was accepted, make a checkpoint, and release everything."""
        if self._indexing is not None:
            await self._indexing.stop()
        await self._writer.close()
        self._committer.stop()
        self._finder.close()
        self._held.close()

    async def write(self, edits: Sequence[Edit]) -> list[Written | Exception]:
        """Apply edits; see the port."""
        if not edits:
            return []
        answer: list[Written | Exception] = await self._writer.submit(edits)
        return answer

    async def write_jointly(self, edit: JointEdit) -> dict[str, Written]:
        """Apply one decision about several entities; see the port."""
        answer = await self._writer.submit((), lambda transaction: transaction.decide_jointly(edit))
        if isinstance(answer, Exception):
            raise answer
        self._records.announce(edit.records)
        written: dict[str, Written] = answer
        return written

    async def get(self, tenant: str, entity_id: str) -> Stored | None:
        """Return one entity."""
        return self._get(tenant, entity_id)

    def _get(self, tenant: str, entity_id: str) -> Stored | None:
        key = (tenant, entity_id)
        held = self._recent.get(key)
        if held is not None:
            self.statistics.hits += 1
        else:
            self.statistics.misses += 1
            number = self._population.tenant(tenant)
            found = self._rows(
                "SELECT row, version, body FROM entity WHERE tenant = ? AND id = ?", (number, entity_id)
            )
            if not found:
                return None
            row, version, body = found[0]
            held = CachedEntity(row, Stored(entity_id, version, body))
            self._recent.put(key, held)
            self._recent.trim()
        return held.stored

    def version(self, tenant: str, entity_id: str) -> int | None:
        """Return the version of an entity or, for '', of all."""
        if not entity_id:
            return self.last_change()
        stored = self._get(tenant, entity_id)
        return None if stored is None else stored.version

    async def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Stored]:
        """Return those that exist."""
        found = ((entity_id, self._get(tenant, entity_id)) for entity_id in entity_ids)
        return {entity_id: stored for entity_id, stored in found if stored is not None}

    async def query(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return a page; see the port."""
        try:
            return await self._finder.find(tenant, query)
        except apsw.Error as error:
            raise explain(error) from error

    async def tenants(self) -> list[str]:
        """Return the tenants."""
        return self._population.tenants()

    async def count(self, tenant: str) -> int:
        """Count entities."""
        return self._population.count(self._population.tenant(tenant))

    async def types(self, tenant: str) -> dict[str, int]:
        """Count entities by type."""
        return dict(self._population.types(self._population.tenant(tenant)))

    async def expired(self, now: float, limit: int = 1_000) -> list[tuple[str, str]]:
        """Return entities that have expired."""
        return self._rows(
            "SELECT t.name, e.id FROM expiry AS x JOIN entity AS e ON e.row = x.row JOIN tenant AS t ON t.id = e.tenant"
            " WHERE x.at <= ? ORDER BY x.at LIMIT ?",
            (now, limit),
        )

    async def changes(self, after: int, limit: int, max_bytes: int = 4_194_304) -> list[LoggedChange]:
        """Read the change log."""
        rows, size = [], 0
        try:
            cursor: Any = self._read.execute(
                "SELECT seq, body FROM change WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
            )
            for seq, body in cursor:
                rows.append(LoggedChange(seq, body))
                size += len(body)
                if size >= max_bytes:
                    break
            cursor.close()
        except apsw.Error as error:
            raise explain(error) from error
        return rows

    def last_change(self) -> int:
        """Return the newest sequence number."""
        return self._writer.last_seq

    async def newest(self) -> int:
        """Return the newest change's number, which only this process changes."""
        return self.last_change()

    def on_commit(self, listener: Callable[[Commit], None]) -> None:
        """Call `listener` after commits."""
        self._writer.listeners.append(listener)

    async def forget_changes(self, up_to: int) -> int:
        """Delete change rows, a few at a time, so that writers do not wait."""
        gone, up_to = 0, min(up_to, self.last_change())

        def forget(transaction: Transaction) -> int:
            transaction.cursor.execute(FORGOTTEN, (up_to,))
            transaction.cursor.execute(
                "DELETE FROM change WHERE seq IN (SELECT seq FROM change WHERE seq <= ? ORDER BY seq LIMIT ?)",
                (up_to, FORGET_AT_ONCE),
            )
            return int(self._write.changes())

        while chunk := await self._writer.submit((), forget):
            gone += chunk
        return gone

    async def number_after(self, seq: int) -> None:
        """Number the next change after `seq`."""

        def skip(transaction: Transaction) -> None:
            transaction.cursor.execute(FORGOTTEN, (seq,))
            transaction.last_seq = max(transaction.last_seq, seq)

        await self._writer.submit((), skip)

    async def put_records(self, records: Sequence[Record]) -> None:
        """Create or replace records."""
        await self._records.put(self._writer, records)

    async def delete_record(self, kind: str, tenant: str, record_id: str) -> bool:
        """Delete a record."""
        return await self._records.delete(self._writer, kind, tenant, record_id)

    async def get_record(self, kind: str, tenant: str, record_id: str) -> Record | None:
        """Return one record."""
        return self._records.get(kind, tenant, record_id)

    async def list_records(
        self, kind: str, tenant: str | None = None, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        """Return records in order."""
        return self._records.list(kind, tenant, after, limit)

    async def tenants_of_records(self, kind: str) -> list[str]:
        """Return the tenants that have records of a kind."""
        return self._records.tenants(kind)

    async def count_records(self, kind: str, tenant: str | None = None) -> int:
        """Count records."""
        return self._records.count(kind, tenant)

    def on_records(self, listener: RecordsListener) -> None:
        """Call `listener` after records changed."""
        self._records.listeners.append(listener)

    async def backup(self, target: str) -> None:
        """Copy the store into a new file. Raise Invalid if it exists."""
        try:
            await asyncio.to_thread(copy_store, self._path, Path(target))
        except apsw.Error as error:
            raise explain(error) from error

    def _rows(self, query: str, bindings: tuple[Any, ...]) -> list[Any]:
        """Return all rows of a statement on the event loop: an unfinished one would keep an old snapshot open."""
        try:
            return self._reader.execute(query, bindings).fetchall()
        except apsw.Error as error:
            raise explain(error) from error


def _lock(path: Path) -> int:
    """Return an open file with a lock, which the kernel releases when the process ends in any way."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Unavailable(f"the store {path.stem} is open in another process") from None
    return handle
