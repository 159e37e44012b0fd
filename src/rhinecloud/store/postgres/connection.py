"""Connections to PostgreSQL: made when they are needed and again when they broke; what went wrong, said by meaning."""

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
"""So long after a connection failed nobody tries again: all who ask are told at once."""
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
"""Errors after which a connection is of no use, and what it was told last may have happened or not."""
AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Errors after which the same transaction may succeed."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is: a URL as asyncpg takes it, a password apart from it, and how long to wait for answers."""

    url: str
    password: str = ""
    timeout_s: float = 10.0
    plans_anew: bool = False
    """Whether each run of a statement is planned with its arguments: what is quick for a street is slow for a city."""

    async def connect(self) -> Connection:
        """Make a connection. Raise what asyncpg raises."""
        return await asyncpg.connect(
            self.url,
            password=self.password or None,
            timeout=self.timeout_s,
            command_timeout=self.timeout_s,
            server_settings={
                "application_name": "rhinecloud",
                "jit": "off",
                "plan_cache_mode": "force_custom_plan" if self.plans_anew else "auto",
                # A process that stops in the middle of a transaction must not hold up the others for ever.
                "idle_in_transaction_session_timeout": "60s",
                # PostgreSQL notices within seconds that a machine is gone without a word: its locks are another's then.
                "tcp_keepalives_idle": "5",
                "tcp_keepalives_interval": "2",
                "tcp_keepalives_count": "3",
                "tcp_user_timeout": "11000",
            },
        )


class DatabaseConnection:
    """One connection, made again when it broke."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._failed_at = 0.0
        self._failure: Exception | None = None

    async def get(self) -> Connection:
        """Return the connection, open. Raise what hinders it, for a moment without trying again."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if self._failure is not None and time.monotonic() - self._failed_at < PAUSE_S:
            raise ConnectionError(str(self._failure) or "it gave no answer a moment ago") from self._failure
        try:
            self._connection = await self._address.connect()
        except Exception as error:
            self._failed_at, self._failure = time.monotonic(), error
            raise
        self._failure = None
        return self._connection

    def drop(self) -> None:
        """Cut the connection: what it is in the middle of is nobody's any more."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """End the connection in order."""
        if self._connection is not None:
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await self._connection.close(timeout=FINISH_S)
            self._connection = None


class DatabasePool:
    """A few connections for whoever needs one for a moment."""

    def __init__(self, address: DatabaseAddress, size: int) -> None:
        self._links = [DatabaseConnection(address) for _ in range(size)]
        self._free = list(self._links)
        self._turn = asyncio.Semaphore(size)

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncIterator[Connection]:
        """Lend a connection; it is cut when it is given back in the middle of something. Raise Unavailable."""
        await self._turn.acquire()
        link = self._free.pop()
        try:
            yield await link.get()
        except BaseException as error:
            _drop_unless_whole(link, error)
            if isinstance(error, _EXPLAINED):
                raise explain(error) from error
            raise
        finally:
            self._free.append(link)
            self._turn.release()

    async def ask(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do some work that may be done twice; once more where the connection turns out to have broken meanwhile."""
        await self._turn.acquire()
        link = self._free.pop()
        try:
            try:
                return await work(await link.get())
            except _ONCE_MORE as error:
                _drop_unless_whole(link, error)
                if isinstance(error, TimeoutError):
                    raise
                return await work(await link.get())
        except BaseException as error:
            _drop_unless_whole(link, error)
            if isinstance(error, _EXPLAINED):
                raise explain(error) from error
            raise
        finally:
            self._free.append(link)
            self._turn.release()

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """Return the rows of a statement that may be run twice."""

        async def fetch(connection: Connection) -> list[Any]:
            return list(await connection.fetch(query, *arguments))

        return await self.ask(fetch)

    async def value(self, query: str, *arguments: Any) -> Any:
        """Return the one value of a statement that may be run twice, None where there is no row."""
        rows = await self.rows(query, *arguments)
        return rows[0][0] if rows else None

    async def close(self) -> None:
        """End all connections."""
        for link in self._links:
            await link.close()


_ONCE_MORE = (*LOST, *AGAIN)
_EXPLAINED = (*LOST, asyncpg.PostgresError)


def _drop_unless_whole(link: DatabaseConnection, error: BaseException) -> None:
    """Cut a connection that was left in the middle of something; a statement that was refused leaves it whole."""
    if isinstance(error, LOST) or not isinstance(error, asyncpg.PostgresError | RhineCloudError):
        link.drop()


def explain(failure: BaseException) -> Unavailable:
    """Say what an engine's failure means: no room (which passes), or an engine that cannot be used now."""
    if isinstance(failure, Unavailable):
        return failure
    if isinstance(failure, asyncpg.DiskFullError):
        return StoreFull(f"the database's disk takes no more: {failure}")
    if isinstance(failure, TimeoutError):
        return Unavailable("PostgreSQL does not answer in time")
    return Unavailable(f"PostgreSQL does not answer: {str(failure) or type(failure).__name__}")
