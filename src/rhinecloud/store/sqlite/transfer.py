"""A SQLite file as the source or target of a copy between engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rhinecloud.store.port import LoggedChange, Record
from rhinecloud.store.sqlite.schema import number_of
from rhinecloud.store.sqlite.store import FORGOTTEN, SqliteStore
from rhinecloud.store.sqlite.transaction import Transaction
from rhinecloud.store.transfer import (
    START,
    UNFINISHED,
    TransferContents,
    TransferPosition,
    TransferRow,
    must_be_empty,
)

ROWS = 500
SLICE = 50
"""Entities that are written before other tasks run."""


class SqliteTransfer(SqliteStore):
    """A store that is copied as a whole; see `store.transfer.TransferableStore`."""

    takes_unfinished = True

    def __init__(self, path: Path) -> None:
        super().__init__(path, recent=0)

    async def contents(self) -> TransferContents:
        """Return the counts."""
        counts = [
            number_of(self._read, f"SELECT count(*) FROM {table}") for table in ("entity", "change", "record")
        ]
        return TransferContents(counts[0], counts[1], counts[2], self.last_change())

    async def read_entities(self, after: int) -> AsyncIterator[Sequence[TransferRow]]:
        """Yield the entities in order."""
        while rows := self._rows(
            "SELECT e.row, t.name, e.id, e.version, e.body FROM entity AS e JOIN tenant AS t ON t.id = e.tenant"
            " WHERE e.row > ? ORDER BY e.row LIMIT ?",
            (after, ROWS),
        ):
            yield [TransferRow(*row) for row in rows]
            after = rows[-1][0]

    async def read_changes(self, after: int) -> AsyncIterator[Sequence[LoggedChange]]:
        """Yield the changes in order."""
        while rows := await self.changes(after, ROWS):
            yield rows
            after = rows[-1].seq

    async def read_records(self, after: tuple[str, str, str]) -> AsyncIterator[Sequence[Record]]:
        """Yield the records in order."""
        while rows := self._rows(
            "SELECT kind, tenant, id, body FROM record WHERE (kind, tenant, id) > (?, ?, ?)"
            " ORDER BY kind, tenant, id LIMIT ?",
            (*after, ROWS),
        ):
            yield [Record(*row) for row in rows]
            after = rows[-1][:3]

    async def begin(self) -> TransferPosition:
        """Mark the file as unfinished; return how far the copy is."""
        unfinished = bool(number_of(self._read, "SELECT count(*) FROM mark WHERE name = ?", (UNFINISHED,)))
        must_be_empty(await self.contents(), unfinished=unfinished)

        def mark(transaction: Transaction) -> None:
            transaction.cursor.execute(
                "INSERT OR REPLACE INTO mark (name, value) VALUES (?, 1)", (UNFINISHED,)
            )

        await self._writer.submit((), mark)
        last: list[Any] = self._rows(
            "SELECT kind, tenant, id FROM record ORDER BY kind DESC, tenant DESC, id DESC LIMIT 1", ()
        )
        return TransferPosition(
            number_of(self._read, "SELECT max(row) FROM entity"),
            number_of(self._read, "SELECT max(seq) FROM change"),
            tuple(last[0]) if last else START.record,
        )

    async def put_entities(self, rows: Sequence[TransferRow]) -> None:
        """Write entities."""
        for start in range(0, len(rows), SLICE):
            await self._writer.submit((), partial(_enter, rows=rows[start : start + SLICE]))

    async def put_changes(self, changes: Sequence[LoggedChange]) -> None:
        """Write changes."""
        pairs = [(each.seq, each.body) for each in changes]

        def put(transaction: Transaction) -> None:
            transaction.cursor.executemany("INSERT INTO change (seq, body) VALUES (?, ?)", pairs)

        await self._writer.submit((), put)

    async def finish(self, last_change: int) -> None:
        """Continue the numbers after `last_change`, and remove the mark."""

        def end(transaction: Transaction) -> None:
            transaction.cursor.execute(FORGOTTEN, (last_change,))
            transaction.last_seq = max(transaction.last_seq, last_change)
            transaction.cursor.execute("DELETE FROM mark WHERE name = ?", (UNFINISHED,))

        await self._writer.submit((), end)


def _enter(transaction: Transaction, rows: Sequence[TransferRow]) -> None:
    for row in rows:
        transaction.restore((row.tenant, row.id), row.row, row.version, row.body)
    transaction.write()
