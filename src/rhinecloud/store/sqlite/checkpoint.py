"""Folding the write-ahead log back into the file, beside the writer and not in its way.

SQLite's own checkpoint runs inside a commit and stalls it for as long as it takes. So a thread with a connection of
its own does the work (PASSIVE: it waits for nobody and nobody waits for it). It goes in small steps and has each on the
disk before the next: a commit that comes meanwhile has to wait until the disk has taken what it was given before, and
SQLite itself would give it all at the end. Under steady writing the log would still never be found folded completely,
and grow for ever; so once it is long, the writer folds the small rest between two transactions, after which SQLite
starts the log afresh.
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
"""So many pages (8 KiB each) are folded at a time: half as many cost each write some hundredths more processor time."""
REST_PAGES = STEP_PAGES // 2
LONG_PAGES, LONGEST_PAGES = 2_048, 8_192
"""A log of so many pages is to end, when little is left to be folded or, at the latest, whatever is left."""

sync = getattr(os, "fdatasync", os.fsync)


class Checkpoint:
    """Watches the length of the log; asked by the writer's thread after each commit."""

    def __init__(self, path: Path, file: int) -> None:
        """`file` is the open file at `path`. Closing it takes away all locks that this process has on it, SQLite's
        too, so it is closed by who closes the last connection.
        """
        self._connection = connect(path)
        self._file = file
        self._thread = Committer("store-checkpoint")
        self._busy = threading.Lock()
        self._pages = 0
        self._folded = 0
        """So many pages of the log are folded, or were as good as that: a reader of the past may hold some back."""
        self._may_end = False
        """Whether the thread has folded since the writer did."""

    def watch(self, writer: apsw.Connection) -> None:
        """Be told by `writer` how long the log is."""
        self._thread.start()
        writer.set_wal_hook(self._note)

    def fold(self, writer: apsw.Connection) -> None:
        """Fold when it is time; called between two transactions of `writer`, and never raises."""
        if not self._busy.acquire(blocking=False):
            return
        pages = self._pages
        if pages < self._folded:
            self._folded = 0
        rest, is_long = pages - self._folded, pages >= LONG_PAGES
        if is_long and self._may_end and (rest <= REST_PAGES or pages >= LONGEST_PAGES):
            self._may_end = False
            self._fold(writer, pages)
        elif rest > (REST_PAGES if is_long else STEP_PAGES):
            self._thread.submit(self._take_step)
            return
        self._busy.release()

    def close(self) -> None:
        """Wait for a checkpoint that runs, fold what is left, and let go of the file."""
        self._thread.stop()
        with contextlib.suppress(
            apsw.Error
        ):  # a full disk: the next opening finds the log and goes on from it
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.close()

    def _note(self, _writer: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _take_step(self) -> None:
        """Runs in the thread."""
        self._fold(self._connection, self._pages)
        with contextlib.suppress(OSError):  # SQLite syncs again before it gives up the log, and is told then
            sync(self._file)
        self._may_end = True
        self._busy.release()

    def _fold(self, connection: apsw.Connection, pages: int) -> None:
        with contextlib.suppress(
            apsw.Error
        ):  # a full disk: the log stays as it is, and a later commit asks again
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._folded = pages
