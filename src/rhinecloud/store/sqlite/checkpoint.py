"""Folding the write-ahead log back into the file, beside the writer and not in its way.

SQLite's own checkpoint runs inside a commit and stalls it for as long as it takes. So a thread with a connection of
its own does the work (PASSIVE: it waits for nobody and nobody waits for it). Under steady writing the log would
still never be found folded completely, and grow for ever; so once it is long, the writer folds the small rest
between two transactions, after which SQLite starts the log afresh.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import apsw

from rhinecloud.store.sqlite.schema import connect

EVERY_PAGES = 1_024
"""A log of so many pages (8 KiB each) is worth folding: with four times as many the slowest of a hundred writes took
nearly twice as long and nothing was quicker; with half as many there was a tenth less of writes."""


class Checkpoint:
    """Watches the length of the log; asked by the writer's thread after each commit."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._pages = 0
        self._folding = threading.Lock()
        self._next = EVERY_PAGES
        self._folded = False

    def watch(self, writer: apsw.Connection) -> None:
        """Be told by `writer` how long the log is."""
        writer.set_wal_hook(self._note)

    def fold(self, writer: apsw.Connection) -> None:
        """Fold when it is time; called between two transactions of `writer`, and never raises."""
        if self._pages < EVERY_PAGES:
            self._next = EVERY_PAGES
        if self._pages < self._next or not self._folding.acquire(blocking=False):
            return
        if self._folded:
            self._folded = False
            self._next = self._pages + EVERY_PAGES
            with contextlib.suppress(apsw.Error):
                writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._folding.release()
        else:
            threading.Thread(target=self._run, name="store-checkpoint", daemon=True).start()

    def close(self) -> None:
        """Wait for a checkpoint that runs, fold what is left, and let go of the file."""
        with self._folding:
            with contextlib.suppress(
                apsw.Error
            ):  # a full disk: the next opening finds the log and goes on from it
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._connection.close()

    def _note(self, _writer: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _run(self) -> None:
        with contextlib.suppress(
            apsw.Error
        ):  # a full disk: the log stays as it is, and the next commit asks again
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._folded = True
        self._folding.release()
