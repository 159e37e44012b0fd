"""The tables and their migrations: numbered steps, each applied once, in order, in a transaction of its own.

Indexes are chosen by measurement: an entity and its change row cost one to two pages of the log; each changed index row
costs another page. So the type index is changed only with a type, the R*Tree only with the default location, the expiry
index only with an expiry, and attributes are indexed only if queries need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

from rhinecloud.kernel.errors import Unavailable

STEPS = (
    """
    CREATE TABLE tenant (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE type (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE entity (
      row INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL,
      version INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (tenant, id)
    );
    -- Type 0 stands for any type: so all entities of a tenant are listed in the same way as those of one type.
    CREATE TABLE entity_type (
      tenant INTEGER NOT NULL, type INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (tenant, type, row)
    ) WITHOUT ROWID;
    CREATE VIRTUAL TABLE place USING rtree (row, west, east, south, north);
    CREATE TABLE expiry (row INTEGER PRIMARY KEY, at REAL NOT NULL);
    CREATE INDEX expiry_at ON expiry (at);
    CREATE TABLE change (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE record (
      kind TEXT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, tenant, id)
    ) WITHOUT ROWID;
    CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO tenant (id, name) VALUES (1, '');
    """,
    """
    -- Counting a million index rows takes most of a second from a cold disk: so counts are kept.
    CREATE TABLE population (
      tenant INTEGER NOT NULL, type INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (tenant, type)
    ) WITHOUT ROWID;
    INSERT INTO population SELECT tenant, type, count(*) FROM entity_type GROUP BY tenant, type;
    -- `built` is the row up to which an index is built, NULL when it is whole. The rows of `dropped` ones go by and by.
    CREATE TABLE indexed (
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, asked INTEGER NOT NULL, built INTEGER
    );
    CREATE TABLE dropped (id INTEGER PRIMARY KEY);
    -- The key has no type of its own: numbers, texts and the rest keep their kinds and order in that order.
    CREATE TABLE value (
      attribute INTEGER NOT NULL, tenant INTEGER NOT NULL, key NOT NULL, row INTEGER NOT NULL,
      PRIMARY KEY (attribute, tenant, key, row)
    ) WITHOUT ROWID;
    """,
    """
    -- No table changes: from here on the data has versions of its own (`store.migrations`), which older code ignores.
    """,
    """
    -- Entities with several keys of an attribute have one more, `keys.SEVERAL`: the indexes are built again.
    UPDATE indexed SET built = 0;
    """,
)


PAGE_BYTES = 8_192
"""An entity and its change take 1 to 3 kB; few of them fit a page of 4 KiB, with which commits took 50 % longer."""


def connect(path: Path, *, read_only: bool = False, cache_kb: int = 4_096) -> apsw.Connection:
    """Return a connection whose commits are on disk when they return.

    The file is not mapped into memory: a read error of the disk would end the process, not the query.
    """
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags)
    connection.setbusytimeout(5_000)
    if not read_only:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; an existing one keeps its own
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute(f"PRAGMA cache_size = -{cache_kb}")
    connection.execute("PRAGMA temp_store = MEMORY")
    # A statement is planned once and not for each bound value, which took as long as running it.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection


def migrate(connection: apsw.Connection) -> None:
    """Bring the schema up to date. Raise Unavailable if the file was written by a newer Rhine Cloud."""
    version = number_of(connection, "PRAGMA user_version")
    if version > len(STEPS):
        raise Unavailable(
            f"the store has schema {version}, this Rhine Cloud knows {len(STEPS)}: it is too old"
        )
    for number in range(version, len(STEPS)):
        with connection:
            connection.execute(STEPS[number])
            connection.execute(f"PRAGMA user_version = {number + 1}")


def number_of(connection: apsw.Connection, query: str, bindings: tuple[Any, ...] = ()) -> int:
    """Return the one number of a query, 0 if there is no row."""
    rows: Any = connection.execute(query, bindings).fetchall()
    return int(rows[0][0] or 0) if rows else 0
