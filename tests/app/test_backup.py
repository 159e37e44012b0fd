"""A city that comes back from a backup goes on: nothing of its past is missing, and the new is remembered too."""

from __future__ import annotations

import asyncio
import tarfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.conftest import write_city
from app.test_city import bearer
from rhinecloud.app.backup import BrokenBackup, read_manifest, restore
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs

LEVEL = "https://uri.etsi.org/ngsi-ld/default-context/level"
GAUGE = "urn:ngsi-ld:Gauge:1"


def gauge(value: int) -> dict[str, Any]:
    at = f"2026-03-01T12:{value:02}:00Z"
    return {"id": GAUGE, "type": "Gauge", "level": {"type": "Property", "value": value, "observedAt": at}}


async def write(http: aiohttp.ClientSession, value: int) -> None:
    async with http.post("/ngsi-ld/v1/entityOperations/upsert", json=[gauge(value)]) as made:
        assert made.status in (201, 204)


async def past(http: aiohttp.ClientSession) -> list[int]:
    async with http.get("/api/v1/history", params={"entity": GAUGE, "attribute": LEVEL}) as answer:
        return [sample["value"] for sample in (await answer.json()).get("samples", [])]


async def settled(http: aiohttp.ClientSession, wanted: list[int]) -> dict[str, Any]:
    """Wait until the past is as wanted and nothing lags; give the status."""
    deadline = time.monotonic() + 60
    while True:
        async with http.get("/api/v1/status") as answer:
            status: dict[str, Any] = await answer.json()
        lags = [status["stream"]["lag"], *(consumer["lag"] for consumer in status["consumers"])]
        if (await past(http) == wanted and not any(lags)) or time.monotonic() > deadline:
            return status
        await asyncio.sleep(0.1)


async def test_a_restored_city_goes_on_where_the_backup_was_made(tmp_path: Path) -> None:
    archive = tmp_path / "city.tar"
    city = RunningCity(read_city(write_city(tmp_path / "one")), packs=Packs())
    await city.start()
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        for value in range(5):
            await write(http, value)
        await settled(http, [0, 1, 2, 3, 4])
        async with http.get("/api/v1/backup") as answer:
            archive.write_bytes(await answer.read())
        await write(http, 50)
    await city.stop()

    folder = write_city(tmp_path / "two")
    restore(archive, read_city(folder).data, force=False, now=utc_now())
    again = RunningCity(read_city(folder), packs=Packs())
    await again.start()
    try:
        async with aiohttp.ClientSession(again.url, headers=bearer(again)) as http:
            assert await past(http) == [0, 1, 2, 3, 4]
            socket = await http.ws_connect("/live")
            cursor = (await socket.receive_json())["cursor"]
            await socket.send_json({"type": "subscribe", "types": ["Gauge"], "bbox": None, "after": cursor})
            await write(http, 9)
            status = await settled(http, [0, 1, 2, 3, 4, 9])
            assert await past(http) == [0, 1, 2, 3, 4, 9]
            assert [
                consumer for consumer in status["consumers"] if consumer["error"] or consumer["lag"]
            ] == []
            while "changes" not in (seen := await socket.receive_json(timeout=60)):
                pass
            assert [change["entity"]["level"] for change in seen["changes"]][-1] == 9
            await socket.close()
    finally:
        await again.stop()


def test_what_is_no_backup_is_named_as_such(tmp_path: Path) -> None:
    plain, other = tmp_path / "plain.tar", tmp_path / "other.tar"
    plain.write_text("no tar file", encoding="utf-8")
    with tarfile.open(other, "w") as archive:
        archive.add(plain, arcname="plain")
    for path, reason in ((plain, "not a complete tar file"), (other, "must have a manifest")):
        with pytest.raises(BrokenBackup, match=reason):
            read_manifest(path)
