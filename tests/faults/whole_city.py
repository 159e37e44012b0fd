"""A whole city for fault tests: the installed program in a process of its own, to be killed without warning."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from broker.receiving import Receiver

SETTINGS = """
[city]
name = "Fault"
packs = []

[stream]
mqtt_port = 0

[notifications]
allow_private_receivers = true
timeout_s = 1.0
max_retry_s = 1.0
"""


@dataclass
class City:
    """A running city and a client of it."""

    process: asyncio.subprocess.Process
    client: aiohttp.ClientSession

    async def call(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.client.request(verb, f"/ngsi-ld/v1{path}", json=body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def subscribe(self, receiver: Receiver, path: str, **endpoint: Any) -> None:
        status, answer = await self.call(
            "POST",
            "/subscriptions",
            {
                "type": "Subscription",
                "id": f"urn:s:{path.strip('/')}",
                "entities": [{"type": "Gauge"}],
                "notification": {
                    "format": "simplified",
                    "endpoint": {"uri": receiver.url + path, **endpoint},
                },
            },
        )
        assert status == 201, answer

    async def put(self, name: int, level: int) -> bool:
        """Write a gauge's level; tells whether the city acknowledged it."""
        entity = [{"id": f"urn:g:{name}", "type": "Gauge", "level": level}]
        try:
            status, _ = await self.call("POST", "/entityOperations/upsert?options=update", entity)
        except (aiohttp.ClientError, OSError):
            return False
        return status in (201, 204)


@asynccontextmanager
async def running_city(folder: Path, *flags: str, settings: str = SETTINGS) -> AsyncIterator[City]:
    """Run the installed program, with more flags, on a free port until the block ends, or somebody kills it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(settings, encoding="utf-8")
    access = folder / "data" / "access.json"
    access.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rhinecloud", "up", "--city", str(folder), "--port", "0", *flags),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while not access.exists():
                assert process.returncode is None, "the city ended"
                await asyncio.sleep(0.02)
        found = json.loads(access.read_text(encoding="utf-8"))
        headers = {"Authorization": f"Bearer {found['token']}"}
        async with aiohttp.ClientSession(found["url"], headers=headers) as client:
            yield City(process, client)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
