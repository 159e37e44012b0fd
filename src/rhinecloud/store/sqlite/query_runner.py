"""Runs queries: on the event loop if that is faster than handing them to a thread, else in a thread.

A query that was expected to be quick and is not is interrupted after some milliseconds and runs again in a thread; so
no query blocks the event loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw

from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Stored
from rhinecloud.store.sqlite.page_cache import PageCache, is_cacheable
from rhinecloud.store.sqlite.plan import COUNTED_IN_THREAD, Planner, SqlitePlan
from rhinecloud.store.sqlite.population import Population
from rhinecloud.store.sqlite.schema import connect
from rhinecloud.store.sqlite.search import SqliteSearch, TooLong, is_quick, run_query
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes
from rhinecloud.store.terms import terms_of

QUICK_S = 0.002
"""How long a query may take on the event loop."""

ENGINE_STEPS = 2_000
"""SQLite's own steps, about ten microseconds, between two checks of the time."""

WORTH = 10
"""How many documents a query must look at for each that it finds, for an index to be quicker."""

THREADS = 2
"""How many long queries run at once."""


class QueryRunner:
    """Finds pages in the file `path`; `recent` returns one entity. `missed` is called with the attributes that need an
    index: their IRIs, how many documents were read, and how many entities the tenant has.
    """

    def __init__(
        self,
        path: Path,
        population: Population,
        values: SqliteAttributeIndexes,
        recent: Callable[[str, str], Stored | None],
    ) -> None:
        self.missed: Callable[[set[str], int, int], None] | None = None
        self._path = path
        self._population = population
        self._values = values
        self._recent = recent
        self._planner = Planner(population, values)
        self._pages = PageCache()
        self._search = SqliteSearch()
        self._threads = ThreadPoolExecutor(THREADS, "store-scan")
        self._of_thread = threading.local()
        self._connections: list[apsw.Connection] = []

    def open(self, connection: apsw.Connection) -> None:
        """Use the loop's connection for quick queries."""
        self._loop_connection = connection
        connection.set_progress_handler(self._is_over, ENGINE_STEPS)

    def close(self) -> None:
        """Wait for the threads and release their connections."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    async def find(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return the page of entities that match. Raise apsw's errors."""
        if not is_cacheable(query):
            return self._find_on_loop(tenant, query) or await self._find_in_thread(tenant, query)
        question, generation = (tenant, query), self._population.generation
        page = self._pages.find(question, generation, self._recent)
        if page is None:
            page = self._find_on_loop(tenant, query) or await self._find_in_thread(tenant, query)
            self._pages.keep(question, generation, page)
        return page

    def _is_over(self) -> bool:
        return self._search.is_over()

    def _find_on_loop(self, tenant: str, query: EntityQuery) -> Page[Stored] | None:
        """Return the page of a quick query, None for others."""
        search = self._search = SqliteSearch(until=time.thread_time() + QUICK_S)
        try:
            plan = self._planner.plan(self._loop_connection, tenant, query)
            if plan is None:
                return _nothing(query)
            if not is_quick(plan, query):
                return None
            page = run_query(self._loop_connection, plan, query, search)
        except (TooLong, apsw.InterruptError):
            return None
        finally:
            self._search = SqliteSearch()
        self._learn(tenant, query, plan, page, search)
        return page

    async def _find_in_thread(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return the page of a query, however long it takes, unless its caller was cancelled."""
        abandoned = threading.Event()
        search = SqliteSearch(abandoned=abandoned.is_set)

        def find() -> tuple[SqlitePlan | None, Page[Stored]]:
            connection = self._connection()
            plan = self._planner.plan(connection, tenant, query, COUNTED_IN_THREAD)
            return plan, _nothing(query) if plan is None else run_query(connection, plan, query, search)

        try:
            plan, page = await asyncio.get_running_loop().run_in_executor(self._threads, find)
        finally:
            abandoned.set()
        if plan is not None:
            self._learn(tenant, query, plan, page, search)
        return page

    def _learn(
        self, tenant: str, query: EntityQuery, plan: SqlitePlan, page: Page[Stored], search: SqliteSearch
    ) -> None:
        """Count the documents that an index spared, or would have spared."""
        if plan.path.attributes:
            self._values.use(plan.path.attributes, plan.spared)
        elif search.scanned > WORTH * (len(page.items) + 1) and self.missed is not None:
            wanted = {name for term in terms_of(query, lambda _: True) for name in term.attributes}
            self.missed(wanted, search.scanned, self._population.count(self._population.tenant(tenant)))

    def _connection(self) -> apsw.Connection:
        """Return the connection that belongs to this thread."""
        connection: apsw.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = connect(self._path, read_only=True)
            self._connections.append(connection)
        return connection


def _nothing(query: EntityQuery) -> Page[Stored]:
    return Page([], query.offset, False, 0 if query.count else None)
