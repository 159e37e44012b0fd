"""Answers queries: at once where they are asked when that takes no longer than a thread would, else in a thread.

Whatever was judged quick and is not is broken off after some milliseconds and begun again in a thread; so nobody's
query holds up the loop.
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
from rhinecloud.store.sqlite.page_cache import PageCache, is_lasting
from rhinecloud.store.sqlite.plan import FEW, LOOK_LONG, Planner, SqlitePlan
from rhinecloud.store.sqlite.population import Population
from rhinecloud.store.sqlite.schema import connect
from rhinecloud.store.sqlite.search import SqliteSearch, TooLong, is_quick, run_query
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes
from rhinecloud.store.terms import terms_of

QUICK_S = 0.002
"""So long a query may take on the loop before it is handed to a thread."""

ENGINE_STEPS = 2_000
"""SQLite's own steps, some ten microseconds, between two looks at the clock."""

AT_ONCE = 2
"""So many long queries run at a time."""


class QueryRunner:
    """Finds pages in the file `path`; `recent` returns one entity, `missed` hears which attributes lack an index: their
    IRIs, how many documents were looked into, and how many entities the tenant has.
    """

    def __init__(
        self,
        path: Path,
        census: Population,
        values: SqliteAttributeIndexes,
        recent: Callable[[str, str], Stored | None],
    ) -> None:
        self.missed: Callable[[set[str], int, int], None] | None = None
        self._path = path
        self._census = census
        self._values = values
        self._recent = recent
        self._planner = Planner(census, values)
        self._pages = PageCache()
        self._look = SqliteSearch()
        self._threads = ThreadPoolExecutor(AT_ONCE, "store-scan")
        self._of_thread = threading.local()
        self._connections: list[apsw.Connection] = []

    def open(self, connection: apsw.Connection) -> None:
        """Use the loop's connection for what is quick."""
        self._here = connection
        connection.set_progress_handler(self._is_over, ENGINE_STEPS)

    def close(self) -> None:
        """Wait for the threads and release their connections."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    async def find(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return the page of entities that match; raises apsw's errors."""
        if not is_lasting(query):
            return self._find_here(tenant, query) or await self._find_in_thread(tenant, query)
        question, generation = (tenant, query), self._census.generation
        page = self._pages.find(question, generation, self._recent)
        if page is None:
            page = self._find_here(tenant, query) or await self._find_in_thread(tenant, query)
            self._pages.keep(question, generation, page)
        return page

    def _is_over(self) -> bool:
        return self._look.is_over()

    def _find_here(self, tenant: str, query: EntityQuery) -> Page[Stored] | None:
        """Answer what is quick; None for the rest."""
        self._look = SqliteSearch(until=time.thread_time() + QUICK_S)
        try:
            plan = self._planner.plan(self._here, tenant, query)
            if plan is None:
                return _nothing(query)
            if not is_quick(plan, query):
                return None
            page = run_query(self._here, plan, query, self._look)
        except (TooLong, apsw.InterruptError):
            return None
        finally:
            self._look = SqliteSearch()
        self._values.use(plan.way.attributes, plan.spared)
        return page

    async def _find_in_thread(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Answer however long it takes, no further once nobody waits for it."""
        abandoned = threading.Event()
        look = SqliteSearch(abandoned=abandoned.is_set)

        def find() -> tuple[SqlitePlan | None, Page[Stored]]:
            connection = self._connection()
            plan = self._planner.plan(connection, tenant, query, LOOK_LONG)
            return plan, _nothing(query) if plan is None else run_query(connection, plan, query, look)

        try:
            plan, page = await asyncio.get_running_loop().run_in_executor(self._threads, find)
        finally:
            abandoned.set()
        if plan is not None and plan.way.attributes:
            self._values.use(plan.way.attributes, plan.spared)
        elif look.documents > FEW * (len(page.items) + 1) and self.missed is not None:
            wanted = {name for term in terms_of(query, lambda _: True) for name in term.attributes}
            self.missed(wanted, look.documents, self._census.count(self._census.tenant(tenant)))
        return page

    def _connection(self) -> apsw.Connection:
        """Return the connection that belongs to this thread."""
        connection: apsw.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = connect(self._path, read_only=True)
            self._connections.append(connection)
        return connection


def _nothing(query: EntityQuery) -> Page[Stored]:
    return Page([], query.offset, False, 0 if query.count else None)
