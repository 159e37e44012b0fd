"""The attribute indexes: which exist, and what a write changes in them.

One table for all: an attribute's number, the tenant, a key, and the entity's row. An index costs one or two
pages of the log for each value that changes; so there are only those of the settings and those that queries need often
(see `indexing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.index_costs import AttributeIndex
from rhinecloud.store.keys import Key, keeps_keys, keys_of
from rhinecloud.store.sqlite.schema import number_of

Row = tuple[int, int, Key, int]
"""Attribute, tenant, key, entity's row: one row of the table `value`."""

INSERT = "INSERT OR IGNORE INTO value (attribute, tenant, key, row) VALUES (?, ?, ?, ?)"
DELETE = "DELETE FROM value WHERE attribute = ? AND tenant = ? AND key = ? AND row = ?"


class SqliteAttributeIndexes:
    """The indexes; writes call `moved`, queries call `ready`."""

    def __init__(self) -> None:
        self.kept: dict[str, AttributeIndex] = {}

    def load(self, connection: apsw.Connection) -> None:
        """Read which indexes exist."""
        rows: Any = connection.execute("SELECT id, name, asked, built FROM indexed")
        self.kept = {
            name: AttributeIndex(number, name, bool(asked), built) for number, name, asked, built in rows
        }

    def ready(self, name: str) -> bool:
        """Return whether queries about an attribute may use an index."""
        index = self.kept.get(name)
        return index is not None and index.ready

    def number(self, name: str) -> int:
        """Return the number of an attribute that has an index."""
        return self.kept[name].number

    def use(self, names: Iterable[str], spared: int) -> None:
        """Count a query that used these indexes, and the documents that it did not have to read."""
        for name in names:
            if name in self.kept:
                self.kept[name].spared += spared

    def moved(
        self, tenant: int, row: int, before: Entity | None, after: Entity | None
    ) -> tuple[list[Row], list[Row]]:
        """Return the rows to delete and those to insert when an entity is created, changed or deleted."""
        gone: list[Row] = []
        come: list[Row] = []
        for name, index in self.kept.items():
            if before is not None and after is not None and keeps_keys(before, after, name):
                continue
            old, new = keys_of(before, name), keys_of(after, name)
            if old != new:
                gone += [(index.number, tenant, key, row) for key in old - new]
                come += [(index.number, tenant, key, row) for key in new - old]
                index.upkeep += len(old ^ new)
        return gone, come


def write_rows(cursor: apsw.Cursor, gone: Sequence[Row], come: Iterable[Row]) -> None:
    """Delete rows, then insert rows: one row may be in both."""
    if gone:
        cursor.executemany(DELETE, gone)
    if come:
        cursor.executemany(INSERT, come)


def enter(cursor: apsw.Cursor, name: str, *, asked: bool) -> AttributeIndex:
    """Add an index to be built; of one that exists, change only `asked`."""
    cursor.execute(
        "INSERT INTO indexed (name, asked, built) VALUES (?, ?, 0)"
        " ON CONFLICT (name) DO UPDATE SET asked = excluded.asked",
        (name, asked),
    )
    found: Any = cursor.execute("SELECT id, built FROM indexed WHERE name = ?", (name,)).fetchall()
    return AttributeIndex(found[0][0], name, asked, found[0][1])


def enter_first(connection: apsw.Connection, names: Iterable[str]) -> None:
    """Add the indexes of the settings to an empty store: writes maintain them from the start."""
    if number_of(connection, "SELECT EXISTS (SELECT 1 FROM entity)"):
        return
    with connection:
        connection.executemany(
            "INSERT OR IGNORE INTO indexed (name, asked, built) VALUES (?, 1, NULL)",
            [(name,) for name in names],
        )
