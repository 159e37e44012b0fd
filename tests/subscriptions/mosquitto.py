"""A real MQTT broker for tests."""

from __future__ import annotations

import asyncio
import getpass
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@asynccontextmanager
async def open_mosquitto(folder: Path, port: int, *more: str, anonymous: str = "true") -> AsyncIterator[None]:
    """Run mosquitto on a port until the block ends."""
    configuration = folder / "mosquitto.conf"
    lines = [
        f"user {getpass.getuser()}",
        f"listener {port} 127.0.0.1",
        *more,
        f"allow_anonymous {anonymous}",
        "persistence false",
        "",
    ]
    configuration.write_text("\n".join(lines))
    process = await asyncio.create_subprocess_exec(
        str(MOSQUITTO), "-c", str(configuration), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.01)
                    continue
                writer.close()
                break
        yield
    finally:
        process.terminate()
        await process.wait()
