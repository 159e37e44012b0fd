"""LISTENs for commits of other processes on its own connection, which is reopened when broken.

Notifications are lost while there is no connection, so the counter is read after each connect, and from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from typing import Any

import asyncpg
import msgspec

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.postgres.commits import CommitNotices
from rhinecloud.store.postgres.connection import LOST, Connection, DatabaseAddress, explain

HEARTBEAT_S = 10.0
"""How often the counter is read without a notification: a connection may be dead without an error."""
PAUSE_S, LONGEST_PAUSE_S = 0.1, 3.0
IN_USE = "SELECT pg_try_advisory_lock_shared(hashtextextended('rhinecloud in use ' || current_schema(), 0))"
"""Held while a process works on the store, so that no other city is copied over it."""


class NotificationListener:
    """Listens from `open` to `close`."""

    def __init__(self, address: DatabaseAddress, name: uuid.UUID, commits: CommitNotices) -> None:
        self._address = address
        self._name = str(name)
        self._commits = commits
        self._task: asyncio.Task[None] | None = None

    async def open(self, channel: str) -> None:
        """Start to listen. Raise Unavailable."""
        self._channel = channel
        try:
            connection = await self._listen()
        except (*LOST, asyncpg.PostgresError) as error:
            raise explain(error) from error
        self._task = asyncio.create_task(self._run(connection), name="store-listener")

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, connection: Connection | None) -> None:
        pause = PAUSE_S
        while True:
            try:
                if connection is None:
                    connection = await self._listen()
                    self._commits.notify_record("", "", "")
                pause = PAUSE_S
                await self._wait_until_lost(connection)
            except (*LOST, asyncpg.PostgresError, Unavailable):
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, LONGEST_PAUSE_S)
            finally:
                if connection is not None:
                    connection.terminate()
                connection = None

    async def _listen(self) -> Connection:
        """Connect, listen, and report commits that were missed."""
        connection = await self._address.connect()
        try:
            await _lock_shared(connection)
            await connection.add_listener(self._channel, self._on_notification)
            self._commits.notify_other(await connection.fetchval("SELECT seq FROM counter"))
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _wait_until_lost(self, connection: Connection) -> None:
        """Return when the connection is lost."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await lost.wait()
                raise ConnectionError("the connection was lost")
            self._commits.notify_other(await connection.fetchval("SELECT seq FROM counter"))

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        kind, text = str(payload)[:1], str(payload)[1:]
        if kind == "c":
            seq, _, name = text.partition(" ")
            if name != self._name:
                self._commits.notify_other(int(seq))
        elif kind == "r":
            self._commits.notify_record(*msgspec.json.decode(text, type=tuple[str, str, str]))


async def _lock_shared(connection: Connection) -> None:
    if not await connection.fetchval(IN_USE):
        raise Unavailable("a city is being copied into or out of this database")
