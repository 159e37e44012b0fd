"""The store in another process: it only reads, and sees each commit of the writing process when that is durable.

SQLite's `data_version` shows in a microsecond or two whether another process has committed; then everything in memory
is read again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import apsw

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Edit, JointEdit, Record, Stored, Written
from rhinecloud.store.sqlite.schema import connect, number_of
from rhinecloud.store.sqlite.store import SqliteStore

READ_ONLY = "this process only reads the store"


class SqliteReader(SqliteStore):
    """A store that another process writes; every write raises Unavailable."""

    async def open(self) -> None:
        """Open the file. Raise Unavailable if it does not exist or is not a store."""
        with contextlib.ExitStack() as held:
            try:
                self._read = connect(self._path, read_only=True)
                held.callback(self._read.close)
                self._reader = self._read.cursor()
                self._finder.open(self._read)
                self._version = -1
                self._last = 0
                self._refresh()
            except apsw.Error as error:
                raise Unavailable(f"{self._path} cannot be opened: {error}") from error
            self._held = held.pop_all()

    async def close(self) -> None:
        """Release everything."""
        self._finder.close()
        self._held.close()

    def last_change(self) -> int:
        """Return the newest sequence number."""
        self._refresh()
        return self._last

    async def query(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return a page; see the port."""
        self._refresh()
        return await super().query(tenant, query)

    async def tenants(self) -> list[str]:
        """Return the tenants."""
        self._refresh()
        return await super().tenants()

    async def count(self, tenant: str) -> int:
        """Count entities."""
        self._refresh()
        return await super().count(tenant)

    async def types(self, tenant: str) -> dict[str, int]:
        """Count entities by type."""
        self._refresh()
        return await super().types(tenant)

    async def write(self, edits: Sequence[Edit]) -> list[Written | Exception]:
        """Raise Unavailable."""
        raise Unavailable(READ_ONLY)

    async def write_jointly(self, edit: JointEdit) -> dict[str, Written]:
        """Raise Unavailable."""
        raise Unavailable(READ_ONLY)

    async def forget_changes(self, up_to: int) -> int:
        """Raise Unavailable."""
        raise Unavailable(READ_ONLY)

    async def number_after(self, seq: int) -> None:
        """Raise Unavailable."""
        raise Unavailable(READ_ONLY)

    async def put_records(self, records: Sequence[Record]) -> None:
        """Raise Unavailable."""
        raise Unavailable(READ_ONLY)

    async def delete_record(self, kind: str, tenant: str, record_id: str) -> bool:
        """Raise Unavailable."""
        raise Unavailable(READ_ONLY)

    def _get(self, tenant: str, entity_id: str) -> Stored | None:
        self._refresh()
        return super()._get(tenant, entity_id)

    def _refresh(self) -> None:
        """Forget what another process may have changed since the last call."""
        rows: Any = self._reader.execute("PRAGMA data_version").fetchall()
        if rows[0][0] == self._version:
            return
        self._version = rows[0][0]
        self._recent.clear()
        self._population.load(self._read)
        self._values.load(self._read)
        self._last = max(
            number_of(self._read, "SELECT max(seq) FROM change"),
            number_of(self._read, "SELECT value FROM mark WHERE name = 'forgotten'"),
        )
