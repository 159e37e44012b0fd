"""What a file of the operations centre costs by the city's own server of files and by starlette's: processor time.

Both are asked in this process, in turns, for the page, a script and a script that the browser has already; starlette
compresses by its middleware, the city serves what the build compressed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import uvloop
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles as StarletteFiles

from bench.processes import spread
from bench.result import Figure, median_ratio
from rhinecloud.app.asgi import Application
from rhinecloud.app.static import StaticFiles

REQUESTS_A_SECOND = 500
SCRIPT = "/assets/page-Ab3dEf9h.js"
ACCEPTED = [(b"accept", b"text/html"), (b"accept-encoding", b"gzip")]


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Ask for files by either server."""
    web = folder / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_bytes(b"<!doctype html><title>City</title>" * 30)
    (web / SCRIPT[1:]).write_bytes(b"export const city = 1;\n" * 2_000)
    starlette = StarletteFiles(directory=web, html=True)
    servers: tuple[Application, Application] = (
        StaticFiles(web),
        GZipMiddleware(starlette, minimum_size=500),
    )
    count = int(seconds * REQUESTS_A_SECOND)
    return uvloop.run(_compare(servers, count, rounds))


async def _compare(servers: tuple[Application, Application], count: int, rounds: int) -> list[Figure]:
    figures = []
    for title, path, is_known in (
        ("page", "/", False),
        ("script", SCRIPT, False),
        ("known script", SCRIPT, True),
    ):
        costs: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for server, found in zip(servers, costs, strict=True):
                found.append(await _cost(server, path, count, is_known=is_known))
        ours, peer = costs
        figures.append(
            Figure(
                f"file: {title}",
                f"{spread(ours)} µs",
                f"{spread(peer)} µs",
                median_ratio(peer, ours),
                2.0,
                note="peer: starlette; processor time of a request in the process",
            )
        )
    return figures


async def _cost(server: Application, path: str, count: int, *, is_known: bool) -> float:
    """Return the processor time of one request in µs."""
    headers = list(ACCEPTED)
    if is_known:
        _, fields = await _ask(server, path, headers)
        headers.append((b"if-none-match", fields[b"etag"]))
    status, _ = await _ask(server, path, headers)
    if status != (304 if is_known else 200):
        raise RuntimeError(f"{path} answers {status}")
    began = time.process_time()
    for _ in range(count):
        await _ask(server, path, headers)
    return (time.process_time() - began) / count * 1e6


async def _ask(
    server: Application, path: str, headers: list[tuple[bytes, bytes]]
) -> tuple[int, dict[bytes, bytes]]:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nobody disconnects")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": headers}
    await server({**scope, "query_string": b"", "http_version": "1.1", "scheme": "http"}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])
