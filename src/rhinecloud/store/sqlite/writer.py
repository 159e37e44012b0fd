"""The one writer: it writes all queued jobs in one transaction and one commit.

While the disk makes one group durable, the next one is collected; so a single caller never waits, and many share each
wait for the disk. No result, read or notification shows a write before it is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import apsw

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.entity_cache import EntityCache
from rhinecloud.store.port import Commit, Edit, StoreFull, Written
from rhinecloud.store.sqlite.checkpoint import Checkpoint
from rhinecloud.store.sqlite.committer import Committer
from rhinecloud.store.sqlite.population import Population
from rhinecloud.store.sqlite.schema import number_of
from rhinecloud.store.sqlite.transaction import Transaction
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes
from rhinecloud.store.statistics import StoreStatistics
from rhinecloud.store.write_queue import COLLECT_S, WriteQueue

LOOK_UP_EDITS = 256
"""How many entities of a job are read in one statement."""
SLICE_S = 0.004
"""How long a large group works on the event loop before other tasks run."""

Statement = Callable[[Transaction], Any]
"""A write that is not an edit; it runs inside the group's transaction and its result is the job's answer."""

Answer = list[Written | Exception]


class SqliteJob:
    """The job of one caller: edits, or a statement."""

    __slots__ = ("answer", "done", "edits", "future", "statement")

    def __init__(
        self, future: asyncio.Future[Any], edits: Sequence[Edit], statement: Statement | None = None
    ) -> None:
        self.future = future
        self.edits = edits
        self.statement = statement
        self.answer: Any = []
        self.done = 0


class SqliteWriter:
    """Groups the jobs of all callers; `recent` and `population` show only what is committed."""

    def __init__(
        self,
        connection: apsw.Connection,
        committer: Committer,
        recent: EntityCache,
        population: Population,
        values: SqliteAttributeIndexes,
        checkpoint: Checkpoint,
    ) -> None:
        self.last_seq = 0
        self.statistics = StoreStatistics()
        self.listeners: list[Callable[[Commit], None]] = []
        self._checkpoint = checkpoint
        self._connection = connection
        self._cursor = connection.cursor()
        self._committer = committer
        self._recent = recent
        self._population = population
        self._values = values
        self._last_row = 0
        self._queue: WriteQueue[SqliteJob] = WriteQueue()
        self._timer: asyncio.TimerHandle | None = None
        self._group: list[SqliteJob] = []
        self._position = 0
        self._dirty = False
        self._took_s = 0.0
        self._transaction: Transaction | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    def load(self) -> None:
        """Read the last numbers from the tables."""
        self._checkpoint.watch(self._connection)
        self._loop = asyncio.get_running_loop()
        self._population.load(self._connection)
        self._values.load(self._connection)
        self._last_row = number_of(self._connection, "SELECT max(row) FROM entity")
        forgotten = number_of(self._connection, "SELECT value FROM mark WHERE name = 'forgotten'")
        self.last_seq = max(number_of(self._connection, "SELECT max(seq) FROM change"), forgotten)

    def submit(self, edits: Sequence[Edit], statement: Statement | None = None) -> asyncio.Future[Any]:
        """Queue a job; the future has its result once it is durable. Raise Unavailable after `close`."""
        if self._loop is None or self._closing:
            raise Unavailable("the store is closed")
        job = SqliteJob(self._loop.create_future(), edits, statement)
        self._queue.add(job, running=len(self._group))
        if self._idle.is_set():
            self._idle.clear()
            self._loop.call_soon(self._collect)
        elif self._timer is not None and self._queue.is_enough:
            self._timer.cancel()
            self._timer = None
            self._loop.call_soon(self._start)
        return job.future

    async def close(self) -> None:
        """Refuse new jobs and finish those that were accepted."""
        self._closing = True
        await self._idle.wait()

    def _collect(self) -> None:
        """Start a group, or wait a moment for half of the callers that recently wrote at once; a single one
        never waits.
        """
        assert self._loop is not None
        if not self._queue:
            self._idle.set()
        elif self._closing or self._queue.is_enough:
            self._start()
        else:
            self._timer = self._loop.call_later(COLLECT_S, self._stop_waiting)

    def _stop_waiting(self) -> None:
        """Start a group: fewer callers write at once than before."""
        self._timer = None
        self._queue.expect_fewer()
        self._start()

    def _start(self) -> None:
        """Start a group of all queued jobs."""
        self._group = self._queue.take()
        self._position, self._dirty = 0, False
        self._transaction = Transaction(
            self._cursor, self._recent, self._population, self._values, self.last_seq, self._last_row
        )
        self._proceed()

    def _proceed(self) -> None:
        """Decide and write jobs until all are done or other tasks must run."""
        assert self._loop is not None
        assert self._transaction is not None
        until = time.monotonic() + SLICE_S
        try:
            if not self._connection.in_transaction:
                self._cursor.execute("BEGIN IMMEDIATE")
            while self._position < len(self._group):
                if not self._work(self._group[self._position], self._transaction, until):
                    self._write(self._transaction)
                    self._loop.call_soon(self._proceed)
                    return
                self._position += 1
            self._write(self._transaction)
        except Exception as error:  # noqa: BLE001 - every caller must get a result
            self._finish(error)
            return
        if self._dirty:
            self._committer.submit(self._commit)
        else:
            self._finish(None)

    def _work(self, job: SqliteJob, transaction: Transaction, until: float) -> bool:
        """Do one job. Return whether it is finished."""
        if job.statement is not None:
            self._dirty = True
            job.answer = job.statement(transaction)
            return True
        edits, answer, decide = job.edits, job.answer, transaction.decide
        while job.done < len(edits):
            if len(edits) > 1 and not job.done % LOOK_UP_EDITS:
                transaction.look_up(edits[job.done : job.done + LOOK_UP_EDITS])
            answer.append(decide(edits[job.done]))
            job.done += 1
            if not job.done & 15 and time.monotonic() > until:
                return job.done == len(edits)
        return True

    def _write(self, transaction: Transaction) -> None:
        if transaction.waiting:
            self._dirty = True
            transaction.write()

    def _commit(self) -> None:
        """Commit, in the committer's thread."""
        failure: Exception | None = None
        started = time.perf_counter()
        try:
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            failure = error
        else:
            self._checkpoint.run_if_due(self._connection)
        self._took_s = time.perf_counter() - started
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._finish, failure)

    def _finish(self, failure: Exception | None) -> None:
        """Show the group's result to readers, return it to its callers, and start the next group."""
        group, transaction = self._group, self._transaction
        assert transaction is not None
        self._group, self._transaction = [], None
        if self._dirty:
            edits = sum(len(job.edits) for job in group)
            self.statistics.committed(edits, self._took_s, failed=failure is not None)
        if self._connection.in_transaction:
            self._roll_back()
        if failure is not None:
            self._abandon(group, failure)
        else:
            grew = transaction.last_seq > self.last_seq
            self._settle(transaction)
            for job in group:
                if not job.future.done():
                    job.future.set_result(job.answer)
            if grew:
                self._notify(Commit(self.last_seq, transaction.logged))
            assert self._loop is not None
            self._loop.call_soon(self._recent.trim)
        self._collect()

    def _settle(self, transaction: Transaction) -> None:
        for key, held in transaction.settled.items():
            if held is None:
                self._recent.drop(key)
            else:
                self._recent.put(key, held, transaction.entities[key])
        self._population.keep(transaction.counts)
        self._last_row = transaction.last_row
        self.last_seq = transaction.last_seq

    def _notify(self, commit: Commit) -> None:
        """Call each listener in its own callback, so that their errors do not affect the writer."""
        assert self._loop is not None
        for listener in self.listeners:
            self._loop.call_soon(listener, commit)

    def _roll_back(self) -> None:
        with contextlib.suppress(apsw.Error):  # the engine may have rolled back itself
            self._connection.execute("ROLLBACK")

    def _abandon(self, group: list[SqliteJob], failure: Exception) -> None:
        self._population.undo()
        for job in group:
            if not job.future.done():
                error = explain(failure)
                error.__cause__ = failure
                job.future.set_exception(error)


def explain(failure: Exception) -> Unavailable:
    """Return the error for an engine's failure: the disk is full, or the engine is not available."""
    code = getattr(failure, "extendedresult", 0)
    disk_full = (
        apsw.SQLITE_IOERR_WRITE,
        apsw.SQLITE_IOERR_SHMSIZE,
        apsw.SQLITE_IOERR_TRUNCATE,
        apsw.SQLITE_IOERR_FSYNC,
    )
    if isinstance(failure, apsw.FullError) or code in disk_full:
        return StoreFull(f"the disk is full: {failure}")
    return Unavailable(f"the store is not available: {failure}")
