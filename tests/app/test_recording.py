"""What comes of a recording without times: marked wherever it shows, from the vessel to the incident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from app.conftest import write_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.identity import Token
from rhinecloud.kernel.actor import Role

SENTENCE = "!AIVDM,1,1,,A,15O8@Tf0?w<tSF0l4Q@>4?wj0000,0*53\n"
"""A report of 2018 that names no time; its navigational status is 0 or more."""

FEED = """
[feeds.old]
connector = "ais"
mapping = "port.ais"
path = "old.nmea"
speed = 0
"""
RULE = """
id: any-vessel
version: 1
title: {de: Schiff, en: Vessel}
type: Vessel
when: navigationStatus >= 0
severity: high
category: traffic
message: {de: Schiff, en: Vessel}
incident: {severity_at_least: high}
"""


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Run a city until its recording has been played; give an operator's client."""
    city = RunningCity(read_city(folder))
    await city.start()
    try:
        name = f"tester-{city.server.port}"
        token = await city.foundation.identity.add_token(Token(name=name, digest="", roles=(Role.OPERATOR,)))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=city.url, headers=headers) as client:
            await until(lambda: played(client))
            yield client
    finally:
        await city.stop()


async def until(holds: Any) -> Any:
    async with asyncio.timeout(60):
        while not (found := await holds()):
            await asyncio.sleep(0.05)
        return found


async def played(client: httpx.AsyncClient) -> bool:
    feeds = (await client.get("/api/v1/feeds")).json()
    return [feed["state"] for feed in feeds] == ["ended"]


async def vessels(client: httpx.AsyncClient, **query: str) -> Any:
    """Ask for vessels in the city's own words."""
    context = f"{client.base_url}/ngsi-ld/v1/jsonldContexts/city"
    headers = {"Link": f'<{context}>; rel="http://www.w3.org/ns/json-ld#context"'}
    params = {"type": "Vessel", **query}
    answer = await client.get("/ngsi-ld/v1/entities", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def items(client: httpx.AsyncClient, path: str) -> list[Any]:
    answer = (await client.get(f"/api/v1/{path}")).json()
    return answer["items"] if isinstance(answer, dict) else answer


def city_of(folder: Path, more: str = "") -> Path:
    write_city(folder, FEED + more)
    (folder / "rules").mkdir()
    (folder / "rules" / "any.yaml").write_text(RULE, encoding="utf-8")
    (folder / "old.nmea").write_text(SENTENCE, encoding="utf-8")
    return folder


async def test_the_vessel_its_alert_and_its_incident_are_marked(tmp_path: Path) -> None:
    async with playing(city_of(tmp_path / "city")) as client:
        await until(lambda: items(client, "incidents"))
        [alert] = await items(client, "alerts")
        [incident] = await items(client, "incidents")
        assert (alert["simulated"], incident["simulated"]) == (True, True)
        assert len(await vessels(client)) == 1
        assert await vessels(client, q="!simulated") == []


async def test_a_recording_with_its_date_raises_nothing_that_is_of_now_not_even_after_a_restart(
    tmp_path: Path,
) -> None:
    folder = city_of(tmp_path / "city", 'recorded_at = "2018-09-04"\n')
    rule = folder / "rules" / "any.yaml"
    rule.write_text(RULE + "evidence: {max_age: 1 h}\n", encoding="utf-8")
    for _ in range(2):
        async with playing(folder) as client:
            [vessel] = await vessels(client)
            assert vessel["navigationStatus"]["observedAt"] == "2018-09-04T00:00:00Z"
            await until(lambda client=client: judged(client))
            assert await items(client, "alerts") == []
            assert await items(client, "incidents") == []


async def judged(client: httpx.AsyncClient) -> bool:
    return any(rule["id"] == "any-vessel" and rule["evaluated"] for rule in await items(client, "rules"))
