"""The one writer of this process: it writes all queued jobs in one transaction and one round trip.

It decides by the cached or just read entities, without a lock; `write_group` then writes only if every entity is still
the same, under the lock that numbers the changes. An entity that is not cached is assumed to be new, without a read, as
long as all such entities were new recently: that saves a round trip for creations. If another process was faster, the
group is decided again by the present entities, and after two attempts while the lock is held. While the database makes
one group durable, the next one is collected.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from rhinecloud.kernel.errors import Conflict, Unavailable
from rhinecloud.store.entity_cache import CachedEntity, EntityCache, Key
from rhinecloud.store.joint import check_expected
from rhinecloud.store.port import Edit, JointEdit, Written
from rhinecloud.store.postgres.commits import CommitNotices
from rhinecloud.store.postgres.connection import (
    AGAIN,
    LOST,
    Connection,
    DatabaseAddress,
    DatabaseConnection,
    DatabasePool,
    explain,
)
from rhinecloud.store.postgres.group import DecidedEdit, EditGroup
from rhinecloud.store.postgres.names import NameNumbers
from rhinecloud.store.postgres.reader import look_up
from rhinecloud.store.postgres.records import body_of, put_records
from rhinecloud.store.postgres.values import PostgresAttributeIndexes
from rhinecloud.store.statistics import StoreStatistics
from rhinecloud.store.write_queue import COLLECT_S, WriteQueue

SLICE_S = 0.004
"""How long a large group works on the event loop before other tasks run."""
ATTEMPTS, TRIES = 6, 2
"""How often a group is decided at most, and how often without the lock."""
TRUSTED = 4
"""After this many groups in which every unknown entity was new, skip the existence check."""
FEW_UNKNOWN = 64
"""Skip it only for groups with at most this many unknown entities: a wrong guess costs another attempt."""
OUTCOME_S = 4.0
"""How long to try to find out whether a transaction was committed when its connection broke."""
ARGUMENTS = 17
_WRITE = f"SELECT * FROM write_group({', '.join(f'${n}' for n in range(1, ARGUMENTS + 1))})"

Reply = tuple[int, int]
"""The numbers before the group's first change and before its first new row."""


class PostgresJob:
    """The job of one caller: single edits, or one joint edit."""

    __slots__ = ("answer", "edits", "future", "joint")

    def __init__(
        self, future: asyncio.Future[Any], edits: Sequence[Edit], joint: JointEdit | None = None
    ) -> None:
        self.future = future
        self.edits = edits
        self.joint = joint
        self.answer: Any = []


class StaleRead(Exception):
    """Another process changed an entity between its read and the transaction."""


class PostgresWriter:
    """Groups the jobs of all callers; `recent` has committed entities, as far as this process knows."""

    def __init__(
        self,
        address: DatabaseAddress,
        links: DatabasePool,
        recent: EntityCache,
        numbering: NameNumbers,
        values: PostgresAttributeIndexes,
        commits: CommitNotices,
    ) -> None:
        self.name = uuid.uuid4()
        self.channel = ""
        self.statistics = StoreStatistics()
        self._link = DatabaseConnection(address)
        self._links = links
        self._recent = recent
        self._numbering = numbering
        self._values = values
        self._commits = commits
        self._queue: WriteQueue[PostgresJob] = WriteQueue(_is_alone)
        self._enough = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._attempt = 0
        self._groups_of_new = 0
        """How many groups in a row had unknown entities, all of them new."""
        self._closing = False

    def submit(self, edits: Sequence[Edit]) -> asyncio.Future[list[Written | Exception]]:
        """Queue a job; the future returns its answer once it is durable."""
        return self._submit(PostgresJob(asyncio.get_running_loop().create_future(), edits))

    def _submit(self, job: PostgresJob) -> asyncio.Future[Any]:
        if self._closing:
            raise Unavailable("the store is closed")
        self._queue.add(job)
        if self._queue.is_enough:
            self._enough.set()
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="store-writer")
        return job.future

    async def submit_jointly(self, edit: JointEdit) -> dict[str, Written]:
        """Queue a joint edit; return the result for each entity, or raise its error."""
        answer = await self._submit(PostgresJob(asyncio.get_running_loop().create_future(), (), edit))
        if isinstance(answer, Exception):
            raise answer
        written: dict[str, Written] = answer
        return written

    async def close(self) -> None:
        """Refuse new jobs and finish those that were accepted."""
        self._closing = True
        self._enough.set()
        if self._working is not None:
            await self._working
        with contextlib.suppress(*LOST, asyncpg.PostgresError):
            connection = await self._link.get()
            await connection.execute("DELETE FROM writer WHERE name = $1", self.name)
        await self._link.close()

    async def _work(self) -> None:
        while self._queue:
            await self._collect()
            await self._serve(self._queue.take())
        self._working = None

    async def _serve(self, jobs: list[PostgresJob]) -> None:
        """Write a group and answer its callers; if the database refuses it, write each job alone."""
        started, edits = time.perf_counter(), sum(len(job.edits) for job in jobs)
        try:
            await self._write(jobs)
            self.statistics.committed(edits, time.perf_counter() - started)
        except Conflict as error:  # a record is not as a joint edit expects it; such a job is served alone
            jobs[0].future.set_result(error)
        except Exception as error:  # noqa: BLE001 - every caller must get a result
            self.statistics.committed(edits, time.perf_counter() - started, failed=True)
            refused = isinstance(error, asyncpg.PostgresError | asyncpg.DataError)
            if not refused or len(jobs) == 1:
                self._abandon(jobs, error)
                return
            for job in jobs:
                await self._serve([job])

    async def _collect(self) -> None:
        """Wait a moment for half of the callers that recently wrote at once; a single one never waits."""
        await asyncio.sleep(0)
        if self._closing or self._queue.is_enough:
            return
        self._enough.clear()
        try:
            async with asyncio.timeout(COLLECT_S):
                await self._enough.wait()
        except TimeoutError:
            self._queue.expect_fewer()

    async def _write(self, jobs: list[PostgresJob]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                group, reply = await (
                    self._try(jobs, guess=not attempt) if attempt < TRIES else self._write_locked(jobs)
                )
            except (StaleRead, *AGAIN):
                continue
            except LOST as error:  # nothing was written: the connection was lost before
                self._link.drop()
                if attempt:
                    raise
                with contextlib.suppress(*LOST):
                    await self._link.get()
                    continue
                raise explain(error) from error
            self._finish(jobs, group, reply)
            return
        raise Unavailable("other processes keep changing the same entities")

    async def _try(self, jobs: list[PostgresJob], *, guess: bool) -> tuple[EditGroup, Reply]:
        """Decide by the cached entities; read only others, unless these may be assumed to be new."""
        connection = await self._link.get()
        known: dict[Key, CachedEntity | None] = {}
        unknown = []
        for key in _keys(jobs):
            held = self._recent.get(key)
            if held is None:
                unknown.append(key)
            else:
                known[key] = held
        cached = len(known)
        guess = guess and self._groups_of_new >= TRUSTED and len(unknown) <= FEW_UNKNOWN
        if unknown and not guess:
            found = await look_up(connection, self._numbering.tenants, unknown)
            self._groups_of_new = 0 if found else self._groups_of_new + 1
            known.update(found)
        group = await self._decide(jobs, known)
        if not group.changed and not group.has_records and (cached or guess):
            fresh = await look_up(connection, self._numbering.tenants, _keys(jobs))
            self._groups_of_new = 0
            group = await self._decide(jobs, fresh)
        return group, await self._call(connection, group)

    async def _write_locked(self, jobs: list[PostgresJob]) -> tuple[EditGroup, Reply]:
        """Decide while holding the lock that every writer takes, so that no other process is faster."""
        connection = await self._link.get()
        group, reply, committing = None, (0, 0), False
        try:
            async with connection.transaction():
                await connection.execute("SELECT FROM counter FOR UPDATE")
                known = await look_up(connection, self._numbering.tenants, _keys(jobs))
                group = await self._decide(jobs, known)
                await self._numbering.enter(self._links, *group.names())
                reply = await self._send(connection, group)
                committing = True
        except LOST:
            if not committing or group is None or not group.changed:
                raise
            return group, await self._find_outcome()
        return group, reply

    async def _decide(self, jobs: list[PostgresJob], known: Mapping[Key, CachedEntity | None]) -> EditGroup:
        """Decide all edits in order, in slices of time."""
        group = EditGroup(known, self._recent)
        until = time.monotonic() + SLICE_S
        for job in jobs:
            job.answer = [] if job.joint is None else group.decide_jointly(job.joint)
            for number, edit in enumerate(job.edits):
                job.answer.append(group.decide(edit))
                if number & 15 == 15 and time.monotonic() > until:
                    await asyncio.sleep(0)
                    until = time.monotonic() + SLICE_S
        return group

    async def _call(self, connection: Connection, group: EditGroup) -> Reply:
        """Write a group in a transaction of its own. Raise StaleRead, or LOST if it was certainly not written."""
        if not group.changed and not group.has_records:
            return 0, 0
        await self._numbering.enter(self._links, *group.names())
        try:
            return await self._send(connection, group)
        except LOST:
            if not group.changed:
                raise
            return await self._find_outcome()

    async def _send(self, connection: Connection, group: EditGroup) -> Reply:
        if not group.has_records:
            return await self._write_group(connection, group)
        async with connection.transaction():
            reply = await self._write_group(connection, group)
            for record in group.expected:
                check_expected(record, await body_of(connection, record))
            await put_records(connection, self.channel, group.records)
            return reply

    async def _write_group(self, connection: Connection, group: EditGroup) -> Reply:
        """Write the entities and changes of a group; raise StaleRead if one of them has changed."""
        if not group.changed:
            await connection.execute("SELECT FROM counter FOR UPDATE")
            return 0, 0
        self._attempt += 1
        arguments = group.arguments(self._numbering, self._values)
        await asyncio.sleep(0)
        row = await connection.fetchrow(_WRITE, self.channel, self.name, self._attempt, *arguments)
        assert row is not None
        if row["stale"] is not None:
            group.forget(row["stale"])
            if not row["stale"]:
                await self._values.load(connection)
            raise StaleRead
        return row["seq"], row["rows"]

    async def _find_outcome(self) -> Reply:
        """Return the numbers of the last transaction if it was committed although its connection broke.

        Raise ConnectionError if it was not, Unavailable if that cannot be found out.
        """
        self._link.drop()
        until = time.monotonic() + OUTCOME_S
        pause = 0.05
        while True:
            try:
                connection = await self._link.get()
                async with connection.transaction():
                    await connection.execute("SELECT FROM counter FOR UPDATE")
                    row = await connection.fetchrow(
                        "SELECT number, seq, rows FROM writer WHERE name = $1", self.name
                    )
            except LOST as error:
                self._link.drop()
                if time.monotonic() + pause > until:
                    raise Unavailable(
                        "PostgreSQL is not available; whether the last write was committed is unknown"
                    ) from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)
                continue
            if row is not None and row["number"] == self._attempt:
                return row["seq"], row["rows"]
            raise ConnectionError("the connection broke before the write")

    def _finish(self, jobs: list[PostgresJob], group: EditGroup, reply: Reply) -> None:
        """Cache the group's result, answer its callers, then notify the listeners."""
        logged = group.settle(*reply) if group.changed else []
        for job in jobs:
            if not job.future.done():
                job.future.set_result(_answered(job.answer, reply[0]))
        if logged:
            self._commits.notify_own(logged)
            asyncio.get_running_loop().call_soon(self._recent.trim)

    def _abandon(self, jobs: list[PostgresJob], failure: Exception) -> None:
        for job in jobs:
            if not job.future.done():
                error = explain(failure)
                if error is not failure:
                    error.__cause__ = failure
                job.future.set_exception(error)


def _keys(jobs: list[PostgresJob]) -> list[Key]:
    keys = [(edit.tenant, edit.entity_id) for job in jobs for edit in job.edits]
    keys += [(job.joint.tenant, each) for job in jobs if job.joint for each in job.joint.entity_ids]
    return list(dict.fromkeys(keys))


def _is_alone(job: PostgresJob) -> bool:
    """Return whether a job gets a transaction of its own: one that may fail for its records fails alone."""
    return job.joint is not None and bool(job.joint.records or job.joint.expected)


def _answered(answer: Any, seq: int) -> Any:
    if isinstance(answer, dict):
        return {name: _numbered(each, seq) for name, each in answer.items()}
    return [_numbered(each, seq) for each in answer] if isinstance(answer, list) else answer


def _numbered(answer: Any, seq: int) -> Written | Exception:
    if type(answer) is DecidedEdit:
        return Written(seq + answer.offset, answer.entity, answer.created, answer.late)
    result: Written | Exception = answer
    return result
