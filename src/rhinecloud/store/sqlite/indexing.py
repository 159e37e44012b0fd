"""Builds attribute indexes while the city runs: those of the settings, and those that queries need often.

A build processes a few entities at a time, each step a transaction of the one writer that also stores its progress; so
it may be interrupted at any time and continues at the next start. Meanwhile each write maintains the rows of the
entities that it changes, so that nothing is missing at the end of the build.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.entity import decode
from rhinecloud.store.index_costs import MOST_LEARNT, PERIOD_S, AttributeIndex, IndexCosts, idle_of
from rhinecloud.store.keys import keys_of
from rhinecloud.store.sqlite.transaction import Transaction
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes, enter, write_rows
from rhinecloud.store.sqlite.writer import SqliteWriter

STEP = 200
"""Entities per step: about two milliseconds of the event loop."""

SHARE = 0.2
"""The share of the time that a build may take."""

DROPPED_WAIT_S = 600.0
"""Rows of a dropped index are kept for this time: a query that began before may still read them."""

logger = logging.getLogger(__name__)


class SqliteIndexing:
    """Builds and drops the indexes in `values`, from `start` to `stop`."""

    def __init__(self, writer: SqliteWriter, values: SqliteAttributeIndexes, asked: Iterable[str]) -> None:
        self._writer = writer
        self._values = values
        self._asked = frozenset(asked)
        self._costs = IndexCosts()
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to build indexes."""
        self._task = asyncio.create_task(self._run(), name="store indexes")

    async def stop(self) -> None:
        """Interrupt a build, which continues at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def missed(self, names: Iterable[str], documents: int, entities: int) -> None:
        """Count a query that read documents because these attributes have no index."""
        now = time.monotonic()
        learnt = sum(not index.asked for index in self._values.kept.values()) + len(self._wanted)
        if learnt >= MOST_LEARNT:
            return
        for name in names:
            if name not in self._values.kept and self._costs.miss(name, documents, entities, now):
                self._wanted.add(name)
                self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether an index is being built."""
        return bool(self._wanted) or any(not index.ready for index in self._values.kept.values())

    async def _run(self) -> None:
        try:
            await self._apply_settings()
            await self._delete_rows()
            while True:
                await self._build_all()
                self._wake.clear()
                try:
                    await asyncio.wait_for(self._wake.wait(), PERIOD_S)
                except TimeoutError:
                    await self._drop(idle_of(self._values.kept.values()))
        except Unavailable as error:
            logger.warning("no more indexes are built until the next start: %s", error)

    async def _apply_settings(self) -> None:
        """Add the indexes of the settings; others are kept from now on only if they are worth their cost."""
        kept = self._values.kept
        no_more = [name for name, index in kept.items() if index.asked and name not in self._asked]
        new = [name for name in self._asked if name not in kept or not kept[name].asked]
        for name in no_more:
            await self._add(name, asked=False)
        for name in new:
            await self._add(name, asked=True)

    async def _add(self, name: str, *, asked: bool) -> None:
        """Add an index, durably; from then on writes maintain it."""
        entered = await self._writer.submit(
            (), lambda transaction: enter(transaction.cursor, name, asked=asked)
        )
        known = self._values.kept.setdefault(name, entered)
        known.asked = asked

    async def _build_all(self) -> None:
        while self.busy:
            wanted, self._wanted = sorted(self._wanted), set()
            for name in wanted:
                await self._add(name, asked=False)
            for index in list(self._values.kept.values()):
                if not index.ready:
                    await self._build(index)

    async def _build(self, index: AttributeIndex) -> None:
        logger.info("building an index for %s", index.name)
        while not index.ready:
            began = time.perf_counter()
            index.built = await self._writer.submit((), lambda transaction: _step(transaction, index))
            await asyncio.sleep((time.perf_counter() - began) * (1 / SHARE - 1))

    async def _drop(self, idle: list[AttributeIndex]) -> None:
        for index in idle:
            logger.info("dropping the index for %s: it costs more than it saves", index.name)
            await self._writer.submit((), partial(_drop, number=index.number))
            del self._values.kept[index.name]
        if idle:
            await asyncio.sleep(DROPPED_WAIT_S)
            await self._delete_rows()

    async def _delete_rows(self) -> None:
        """Delete the rows of dropped indexes, a few at a time."""
        more = True
        while more:
            more = await self._writer.submit((), _delete_rows)
            await asyncio.sleep(0.01)


def _step(transaction: Transaction, index: AttributeIndex) -> int | None:
    """Index some more entities. Return up to which row the index is built then, None when it is complete."""
    found: Any = transaction.cursor.execute(
        "SELECT row, tenant, body FROM entity WHERE row > ? ORDER BY row LIMIT ?", (index.built, STEP)
    ).fetchall()
    rows = [
        (index.number, tenant, key, row)
        for row, tenant, body in found
        for key in keys_of(decode(body), index.name)
    ]
    write_rows(transaction.cursor, (), rows)
    built = int(found[-1][0]) if len(found) == STEP else None
    transaction.cursor.execute("UPDATE indexed SET built = ? WHERE id = ?", (built, index.number))
    return built


def _drop(transaction: Transaction, *, number: int) -> None:
    transaction.cursor.execute("DELETE FROM indexed WHERE id = ?", (number,))
    transaction.cursor.execute("INSERT INTO dropped (id) VALUES (?)", (number,))


def _delete_rows(transaction: Transaction) -> bool:
    """Delete some rows of an index that was dropped. Return whether there may be more."""
    cursor = transaction.cursor
    numbers: Any = cursor.execute("SELECT id FROM dropped LIMIT 1").fetchall()
    if not numbers:
        return False
    rows: Any = cursor.execute(
        "SELECT attribute, tenant, key, row FROM value WHERE attribute = ? LIMIT ?", (*numbers[0], STEP)
    ).fetchall()
    write_rows(cursor, rows, ())
    if not rows:
        cursor.execute("DELETE FROM dropped WHERE id = ?", numbers[0])
    return True
