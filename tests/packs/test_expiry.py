"""A warning whose time is over is ended in the city, for whoever reads its status alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from app.conftest import write_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city

KINDS = ("WeatherAlert", "PublicWarning")


def warning(kind: str, name: str, valid_to: str) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Warning:{name}",
        "type": kind,
        "category": "weather",
        "alertSource": "x",
        "dateIssued": {"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"},
        "status": "active",
        "validTo": {"@type": "DateTime", "@value": valid_to},
    }


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Run a city with the pack, and give a client that uses the city's names."""
    city = RunningCity(read_city(folder))
    await city.start()
    link = f'<{city.url}/ngsi-ld/v1/jsonldContexts/city>; rel="http://www.w3.org/ns/json-ld#context"'
    try:
        async with aiohttp.ClientSession(city.url, headers={"Link": link}) as http:
            yield http
    finally:
        await city.stop()


async def statuses(http: aiohttp.ClientSession) -> dict[str, str]:
    found = {}
    for kind in KINDS:
        async with http.get(f"/ngsi-ld/v1/entities?type={kind}&options=keyValues") as answer:
            found |= {each["id"]: each["status"] for each in await answer.json(content_type=None)}
    return found


async def test_warnings_that_expire_are_ended_and_others_are_not(tmp_path: Path) -> None:
    folder = write_city(tmp_path / "city", '\n[identity]\naccess = "open"\n')
    text = (folder / "city.toml").read_text()
    (folder / "city.toml").write_text(text.replace("[city]", '[city]\npacks = ["environment"]', 1))
    async with running(folder) as http:
        for kind in KINDS:
            for name, valid_to in (("over", "2026-01-01T06:00:00Z"), ("later", "2099-01-01T06:00:00Z")):
                body = warning(kind, f"{kind}-{name}", valid_to)
                async with http.post("/ngsi-ld/v1/entities", json=body) as answer:
                    assert answer.status == 201
    async with running(folder) as http, asyncio.timeout(60):  # at a start, expiry is looked at once
        while list((found := await statuses(http)).values()).count("ended") < len(KINDS):
            await asyncio.sleep(0.05)
    assert {name.rpartition("-")[2]: value for name, value in found.items()} == {
        "over": "ended",
        "later": "active",
    }
