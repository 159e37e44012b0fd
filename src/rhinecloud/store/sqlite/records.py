"""Records: small documents by kind, tenant and id, and the listeners to their changes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import apsw

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.port import Record, RecordsListener
from rhinecloud.store.sqlite.schema import connect
from rhinecloud.store.sqlite.transaction import Transaction, put_records
from rhinecloud.store.sqlite.writer import SqliteWriter

Rows: TypeAlias = Callable[[str, tuple[Any, ...]], list[Any]]
"""Runs a statement that reads, to its last row."""


class SqliteRecords:
    """The records of one file."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.listeners: list[RecordsListener] = []

    async def put(self, writer: SqliteWriter, records: Sequence[Record]) -> None:
        """Create or replace records."""

        def put(transaction: Transaction) -> None:
            put_records(transaction.cursor, records)

        await writer.submit((), put)
        self.announce(records)

    async def delete(self, writer: SqliteWriter, kind: str, tenant: str, record_id: str) -> bool:
        """Delete a record. Return whether it was there."""

        def delete(transaction: Transaction) -> bool:
            gone = transaction.cursor.execute(
                "DELETE FROM record WHERE kind = ? AND tenant = ? AND id = ? RETURNING 1",
                (kind, tenant, record_id),
            )
            return bool(gone.fetchall())

        gone: bool = await writer.submit((), delete)
        if gone:
            self._notify(kind, tenant, record_id)
        return gone

    def get(self, kind: str, tenant: str, record_id: str) -> Record | None:
        """Return one record."""
        found = self._rows(
            "SELECT body FROM record WHERE kind = ? AND tenant = ? AND id = ?", (kind, tenant, record_id)
        )
        return Record(kind, tenant, record_id, found[0][0]) if found else None

    def list(self, kind: str, tenant: str | None, after: str, limit: int) -> list[Record]:
        """Return records in order of tenant and id."""
        where, bindings = _of(tenant)
        rows = self._rows(
            f"SELECT kind, tenant, id, body FROM record WHERE kind = ?{where} AND id > ? ORDER BY tenant, id LIMIT ?",
            (kind, *bindings, after, limit),
        )
        return [Record(*row) for row in rows]

    def count(self, kind: str, tenant: str | None) -> int:
        """Count records of a kind."""
        where, bindings = _of(tenant)
        rows = self._rows(f"SELECT count(*) FROM record WHERE kind = ?{where}", (kind, *bindings))
        return int(rows[0][0])

    def tenants(self, kind: str) -> builtins.list[str]:
        """Return the tenants that have records of a kind."""
        return [
            name
            for (name,) in self._rows(
                "SELECT DISTINCT tenant FROM record WHERE kind = ? ORDER BY tenant", (kind,)
            )
        ]

    def announce(self, records: Sequence[Record]) -> None:
        """Call the listeners after records were put."""
        for record in records:
            self._notify(record.kind, record.tenant, record.id)

    def _notify(self, kind: str, tenant: str, record_id: str) -> None:
        for listener in self.listeners:
            listener(kind, tenant, record_id)


def _of(tenant: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if tenant is None else (" AND tenant = ?", (tenant,))


def read_records(path: Path, kind: str) -> list[Record] | None:
    """Return the records of a kind that a store's file holds, whether or not a city runs on it.

    Return None where nothing was ever stored. Raise Unavailable for a file that is not a store.
    """
    if not path.exists():
        return None
    try:
        connection = connect(path, read_only=True)
        try:
            rows: Any = connection.execute(
                "SELECT kind, tenant, id, body FROM record WHERE kind = ? ORDER BY tenant, id", (kind,)
            ).fetchall()
            is_empty = not rows and not connection.execute("SELECT 1 FROM entity LIMIT 1").fetchall()
        finally:
            connection.close()
    except apsw.Error as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error
    return None if is_empty else [Record(*row) for row in rows]
