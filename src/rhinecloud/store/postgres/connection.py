"""Connections to PostgreSQL: opened on demand, reopened when broken, with errors of our own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg

from rhinecloud.kernel.errors import RhineCloudError, Unavailable
from rhinecloud.store.port import StoreFull

T = TypeVar("T")

Connection: TypeAlias = asyncpg.Connection

PAUSE_S = 0.2
"""Fail fast: for this time after a failed connect, callers get the last error."""
FINISH_S = 2.0
LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Errors after which a connection is broken, and its last statement may or may not have been executed."""
AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Errors after which the same transaction may succeed."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The address of the database: a URL of asyncpg, a separate password, and the timeout."""

    url: str
    password: str = ""
    timeout_s: float = 10.0
    plans_anew: bool = False
    """Whether a statement is planned for its arguments each time: a good plan for few rows is a bad one for many."""

    async def connect(self) -> Connection:
        """Return a new connection. Raise what asyncpg raises."""
        return await asyncpg.connect(
            self.url,
            password=self.password or None,
            timeout=self.timeout_s,
            command_timeout=self.timeout_s,
            server_settings={
                "application_name": "rhinecloud",
                "jit": "off",
                "plan_cache_mode": "force_custom_plan" if self.plans_anew else "auto",
                # A process that stops within a transaction must not block the others.
                "idle_in_transaction_session_timeout": "60s",
                # PostgreSQL detects within seconds that a machine has failed, and releases its locks.
                "tcp_keepalives_idle": "5",
                "tcp_keepalives_interval": "2",
                "tcp_keepalives_count": "3",
                "tcp_user_timeout": "11000",
            },
        )


class DatabaseConnection:
    """One connection, reopened when broken."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._failed_at = 0.0
        self._failure: Exception | None = None

    async def get(self) -> Connection:
        """Return the open connection. Raise the error of connecting, or of the last attempt if that was a
        moment ago.
        """
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if self._failure is not None and time.monotonic() - self._failed_at < PAUSE_S:
            raise ConnectionError(
                str(self._failure) or "the last attempt failed a moment ago"
            ) from self._failure
        try:
            self._connection = await self._address.connect()
        except Exception as error:
            self._failed_at, self._failure = time.monotonic(), error
            raise
        self._failure = None
        return self._connection

    def drop(self) -> None:
        """Close the connection at once, whatever it is doing."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await self._connection.close(timeout=FINISH_S)
            self._connection = None


class DatabasePool:
    """A pool of connections."""

    def __init__(self, address: DatabaseAddress, size: int) -> None:
        self._links = [DatabaseConnection(address) for _ in range(size)]
        self._free = list(self._links)
        self._semaphore = asyncio.Semaphore(size)

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncIterator[Connection]:
        """Provide a connection; it is closed if it is returned within a transaction. Raise Unavailable."""
        await self._semaphore.acquire()
        link = self._free.pop()
        try:
            yield await link.get()
        except BaseException as error:
            _drop_if_broken(link, error)
            if isinstance(error, _EXPLAINED):
                raise explain(error) from error
            raise
        finally:
            self._free.append(link)
            self._semaphore.release()

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Return the result of idempotent work; repeat it once if the connection was broken."""
        await self._semaphore.acquire()
        link = self._free.pop()
        try:
            try:
                return await work(await link.get())
            except _REPEATED as error:
                _drop_if_broken(link, error)
                if isinstance(error, TimeoutError):
                    raise
                return await work(await link.get())
        except BaseException as error:
            _drop_if_broken(link, error)
            if isinstance(error, _EXPLAINED):
                raise explain(error) from error
            raise
        finally:
            self._free.append(link)
            self._semaphore.release()

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """Return the rows of a statement that may be run twice."""

        async def fetch(connection: Connection) -> list[Any]:
            return list(await connection.fetch(query, *arguments))

        return await self.run(fetch)

    async def value(self, query: str, *arguments: Any) -> Any:
        """Return the one value of a statement that may be run twice, None if there is no row."""
        rows = await self.rows(query, *arguments)
        return rows[0][0] if rows else None

    async def close(self) -> None:
        """Close all connections."""
        for link in self._links:
            await link.close()


_REPEATED = (*LOST, *AGAIN)
_EXPLAINED = (*LOST, asyncpg.PostgresError)


def _drop_if_broken(link: DatabaseConnection, error: BaseException) -> None:
    """Close a connection that was interrupted; a statement that was refused leaves it usable."""
    if isinstance(error, LOST) or not isinstance(error, asyncpg.PostgresError | RhineCloudError):
        link.drop()


def explain(failure: BaseException) -> Unavailable:
    """Return the error for an engine's failure: the disk is full, or the engine is not available."""
    if isinstance(failure, Unavailable):
        return failure
    if isinstance(failure, asyncpg.DiskFullError):
        return StoreFull(f"the database's disk takes no more: {failure}")
    if isinstance(failure, TimeoutError):
        return Unavailable("PostgreSQL does not answer in time")
    return Unavailable(f"PostgreSQL does not answer: {str(failure) or type(failure).__name__}")
