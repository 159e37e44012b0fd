"""Checkpoints the write-ahead log into the file without blocking the writer.

SQLite's own checkpoint runs inside a commit and delays it. So a thread with its own connection does the work (PASSIVE:
it waits for no lock and holds none). It works in small steps and syncs each: a commit in between waits until the disk
has written what it was given before, and SQLite itself would sync everything at the end. Under continuous writing the
log would still never be checkpointed completely, and grow without bound; so when it is long, the writer checkpoints
the small rest between two transactions, after which SQLite starts the log again.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import apsw

from rhinecloud.store.sqlite.committer import Committer
from rhinecloud.store.sqlite.schema import connect

STEP_PAGES = 256
"""Pages (of 8 KiB) in one step: with half as many, each write takes a few percent more processor time."""
REST_PAGES = STEP_PAGES // 2
LONG_PAGES, LONGEST_PAGES = 2_048, 8_192
"""A log of the first length is restarted when at most `REST_PAGES` are left, one of the second in any case."""

sync = getattr(os, "fdatasync", os.fsync)


class Checkpoint:
    """Watches the length of the log; called by the writer's thread after each commit."""

    def __init__(self, path: Path, file: int) -> None:
        """`file` is the open file at `path`. Closing it releases all locks of this process on it, SQLite's too, so it
        must be closed after the last connection.
        """
        self._connection = connect(path)
        self._file = file
        self._thread = Committer("store-checkpoint")
        self._busy = threading.Lock()
        self._pages = 0
        self._done = 0
        """Pages of the log that are checkpointed, or cannot be because a reader still needs the older ones."""
        self._may_end = False
        """Whether the thread has made a checkpoint since the writer did."""

    def watch(self, writer: apsw.Connection) -> None:
        """Let `writer` report the length of the log."""
        self._thread.start()
        writer.set_wal_hook(self._note)

    def run_if_due(self, writer: apsw.Connection) -> None:
        """Make a checkpoint if it is due; called between two transactions of `writer`. Never raise."""
        if not self._busy.acquire(blocking=False):
            return
        pages = self._pages
        if pages < self._done:
            self._done = 0
        rest, is_long = pages - self._done, pages >= LONG_PAGES
        if is_long and self._may_end and (rest <= REST_PAGES or pages >= LONGEST_PAGES):
            self._may_end = False
            self._checkpoint(writer, pages)
        elif rest > (REST_PAGES if is_long else STEP_PAGES):
            self._thread.submit(self._take_step)
            return
        self._busy.release()

    def close(self) -> None:
        """Wait for a running checkpoint, make a last one, and release the file."""
        self._thread.stop()
        with contextlib.suppress(apsw.Error):  # a full disk: the next process finds the log and uses it
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.close()

    def _note(self, _writer: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _take_step(self) -> None:
        """Runs in the thread."""
        self._checkpoint(self._connection, self._pages)
        with contextlib.suppress(
            OSError
        ):  # SQLite syncs again before it restarts the log, and gets the error then
            sync(self._file)
        self._may_end = True
        self._busy.release()

    def _checkpoint(self, connection: apsw.Connection, pages: int) -> None:
        with contextlib.suppress(apsw.Error):  # a full disk: the log is kept, and a later commit tries again
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._done = pages
