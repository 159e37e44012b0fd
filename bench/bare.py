"""The peer: a bare ASGI callable on the same server, which does nothing but what the figure is about.

`GET` answers bytes read once from a file; `POST` keeps the body in SQLite, two rows a request (state and log) in group
commits with synchronous=FULL, and answers 201 once they are durable. Run: `python -m bench.bare PORT FOLDER`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import apsw
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from rhinecloud.store.sqlite.schema import PAGE_BYTES

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class GroupCommit:
    """Writes all that waits in one transaction; the commit itself runs in a thread."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        for statement in (
            f"PRAGMA page_size = {PAGE_BYTES}",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA wal_autocheckpoint = 25000",
            "CREATE TABLE state (row INTEGER PRIMARY KEY, body BLOB)",
            "CREATE TABLE log (seq INTEGER PRIMARY KEY, body BLOB)",
        ):
            self._connection.execute(statement)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._busy = False
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def keep(self, body: bytes) -> asyncio.Future[None]:
        """Queue a body; the future is done when it is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((body, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start, loop)
        return future

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting, []
        if not group:
            self._busy = False
            return
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [(body,) for body, _future in group]
        self._connection.executemany("INSERT INTO state (body) VALUES (?)", rows)
        self._connection.executemany("INSERT INTO log (body) VALUES (?)", rows)

        def commit() -> None:
            self._connection.execute("COMMIT")
            loop.call_soon_threadsafe(self._finish, loop, [future for _body, future in group])

        self._jobs.put(commit)

    def _finish(self, loop: asyncio.AbstractEventLoop, futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            future.set_result(None)
        self._start(loop)

    def _run(self) -> None:
        while True:
            self._jobs.get()()


def application(folder: Path) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """Make the callable; `folder` holds the files that it answers and its database."""
    answers = {f"/{each.name}": each.read_bytes() for each in folder.iterdir() if each.suffix == ".json"}
    commits = GroupCommit(folder / "bare.db")
    headers = [(b"content-type", b"application/json")]

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _live(receive, send)
            return
        if scope["method"] == "POST":
            body = await _read(receive)
            await commits.keep(body)
            await send({"type": "http.response.start", "status": 201, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        answer = answers[scope["path"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message["body"])
        if not message.get("more_body"):
            return body


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def main() -> None:
    """Serve until ended."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])

    async def serve() -> None:
        server = Server(
            application(folder), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False
        )
        await server.serve()

    uvloop.run(serve())


if __name__ == "__main__":
    main()
