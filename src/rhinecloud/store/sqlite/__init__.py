"""The store on SQLite: one file, one writer, commits in groups; nothing to install and nothing to run beside it."""

from rhinecloud.store.sqlite.reading import SqliteReader
from rhinecloud.store.sqlite.store import SqliteStore

__all__ = ["SqliteReader", "SqliteStore"]
