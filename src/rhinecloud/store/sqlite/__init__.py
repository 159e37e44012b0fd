"""The store on SQLite: one file, one writer, grouped commits; it needs no server."""

from rhinecloud.store.sqlite.reading import SqliteReader
from rhinecloud.store.sqlite.store import SqliteStore

__all__ = ["SqliteReader", "SqliteStore"]
