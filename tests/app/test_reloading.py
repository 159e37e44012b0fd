"""Edited files are taken into use without a restart; a fault refuses the whole, and what did not change runs on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.conftest import free_port, write_city
from app.test_city import bearer
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.loader import Packs

RULE = """
id: {name}
version: 1
title: {{en: Too warm, de: Zu warm}}
type: Thermometer
when: temperature > {limit}
severity: high
"""
FEED = """
[feeds.{name}]
connector = "json"
url = "http://127.0.0.1:{port}/{name}.json"
mapping = "mappings/{name}.yaml"
interval_s = {interval}
"""
MAPPING = """
id: urn:ngsi-ld:Thermometer:{id}
type: Thermometer
attributes:
  temperature: {from: t, unit: CEL}
"""
LAYER = {"id": "warmth", "types": ["Thermometer"], "geometry": "point", "title": {"en": "Warmth"}}


def write_rule(folder: Path, name: str, limit: object) -> None:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / f"{name}.yaml").write_text(RULE.format(name=name, limit=limit), encoding="utf-8")


def write_feeds(folder: Path, port: int, intervals: dict[str, int]) -> None:
    head = (folder / "city.toml").read_text(encoding="utf-8").partition("\n[feeds")[0]
    feeds = "".join(FEED.format(name=name, port=port, interval=each) for name, each in intervals.items())
    (folder / "city.toml").write_text(head + feeds, encoding="utf-8")
    (folder / "mappings").mkdir(exist_ok=True)
    for name in intervals:
        (folder / "mappings" / f"{name}.yaml").write_text(MAPPING, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_city(tmp_path / "city")
    write_rule(folder, "warm", 30)
    write_feeds(folder, free_port(), {"roof": 60, "cellar": 60})
    return folder


@pytest.fixture
async def city(folder: Path) -> AsyncIterator[RunningCity]:
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        yield city
    finally:
        await city.stop()


async def post(city: RunningCity, path: str, body: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as http,
        http.post(path, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None) if answer.status != 201 else None


async def get(city: RunningCity, path: str) -> Any:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http, http.get(path) as answer:
        return await answer.json()


async def alerts(city: RunningCity) -> list[str]:
    return [each["rule"] for each in (await get(city, "/api/v1/alerts"))["items"]]


async def test_an_edited_rule_judges_from_now_on(city: RunningCity, folder: Path) -> None:
    warm = {"id": "urn:ngsi-ld:Thermometer:1", "type": "Thermometer", "temperature": 25}
    assert (await post(city, "/ngsi-ld/v1/entities", warm))[0] == 201
    write_rule(folder, "warm", 20)
    status, report = await post(city, "/api/v1/reload")
    assert (status, report) == (200, {"changed": ["rule warm changed"], "restart": []})
    async with asyncio.timeout(60):
        while await alerts(city) != ["warm"]:
            await asyncio.sleep(0.05)


async def test_one_fault_refuses_the_whole_and_the_old_stays(city: RunningCity, folder: Path) -> None:
    write_rule(folder, "warm", 20)
    write_rule(folder, "cold", "(")
    (folder / "layers").mkdir()
    (folder / "layers" / "warmth.json").write_text(json.dumps(LAYER), encoding="utf-8")
    (folder / "layers" / "cold.json").write_text(json.dumps(LAYER | {"geometry": "pont"}), encoding="utf-8")
    status, problem = await post(city, "/api/v1/reload")
    assert status == 400
    reasons = [each["reason"] for each in problem["errors"]]
    assert any("layers/cold.json, line 1" in reason for reason in reasons)
    assert any("rules/cold.yaml, line" in reason for reason in reasons)
    (rule,) = (await get(city, "/api/v1/rules"))["items"]
    assert rule["id"] == "warm"
    assert (await get(city, "/api/v1/city"))["layers"] == []
    assert await post(city, "/ngsi-ld/v1/entities", {"id": "urn:x:1", "type": "Thermometer"}) == (201, None)


async def test_a_new_layer_is_shown(city: RunningCity, folder: Path) -> None:
    (folder / "layers").mkdir()
    (folder / "layers" / "warmth.json").write_text(json.dumps(LAYER), encoding="utf-8")
    status, report = await post(city, "/api/v1/reload")
    assert (status, report["changed"]) == (200, ["layer warmth is new"])
    assert [layer["id"] for layer in (await get(city, "/api/v1/city"))["layers"]] == ["warmth"]


async def test_feeds_that_did_not_change_are_not_touched(city: RunningCity, folder: Path) -> None:
    feeds = next(each.opened for each in city.space.assembly._opened if each.part.name == "connectors")
    service = feeds.prepare_reload.__self__.feeds  # type: ignore[union-attr]
    before = {name: service.get(name) for name in ("roof", "cellar")}
    write_feeds(folder, free_port(), {})
    text = (folder / "city.toml").read_text(encoding="utf-8")
    port = before["roof"]._plan.settings.url.rpartition(":")[2].partition("/")[0]
    (folder / "city.toml").write_text(text, encoding="utf-8")
    write_feeds(folder, int(port), {"roof": 60, "cellar": 30, "attic": 60})
    _, report = await post(city, "/api/v1/reload")
    assert report["changed"] == ["feed cellar changed and is started again", "feed attic is new"]
    assert service.get("roof") is before["roof"]
    assert service.get("cellar") is not before["cellar"]
    (folder / "mappings" / "roof.yaml").write_text(
        MAPPING.replace("from: t,", "from: temp,"), encoding="utf-8"
    )
    _, report = await post(city, "/api/v1/reload")
    assert report["changed"] == ["feed roof changed and is started again"]
    write_feeds(folder, int(port), {"cellar": 30})
    _, report = await post(city, "/api/v1/reload")
    assert report["changed"] == ["feed attic is gone", "feed roof is gone"]
    assert [feed["name"] for feed in await get(city, "/api/v1/feeds")] == ["cellar"]


async def test_settings_that_need_a_restart_are_named(city: RunningCity, folder: Path) -> None:
    text = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text(text.replace('"Testingen"', '"Testdorf"'), encoding="utf-8")
    assert (await post(city, "/api/v1/reload"))[1] == {"changed": [], "restart": ["city"]}


async def test_policies_and_areas_that_need_a_restart_are_named(city: RunningCity, folder: Path) -> None:
    assert (await post(city, "/api/v1/reload"))[1] == {"changed": [], "restart": []}
    (folder / "policies").mkdir()
    policy = folder / "policies/night.cedar"
    policy.write_text('forbid (principal, action == Action::"delete", resource);\n', encoding="utf-8")
    assert (await post(city, "/api/v1/reload"))[1] == {"changed": [], "restart": ["policies/night.cedar"]}


async def test_faults_of_settings_rules_and_policies_come_in_one_answer(
    city: RunningCity, folder: Path
) -> None:
    text = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text(f"{text}\n[log]\nlevl = 1\n", encoding="utf-8")
    write_rule(folder, "cold", "(")
    (folder / "policies").mkdir()
    (folder / "policies/night.cedar").write_text("forbid (principal, action", encoding="utf-8")
    for unreadable in (False, True):
        if unreadable:
            (folder / "city.toml").write_text("[city\n", encoding="utf-8")
        status, problem = await post(city, "/api/v1/reload")
        assert status == 400
        reasons = "\n".join(each["reason"] for each in problem["errors"])
        for place in ("city.toml", "rules/cold.yaml, line", "policies/night.cedar: line 1"):
            assert place in reasons, reasons
