"""Alerts of a burst keep their incidents, also where the city is killed before it opened them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from faults.whole_city import SETTINGS, City, running_city
from rhinecloud.store.engine import StoreSettings

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(300)]

RULE = """id: hot
title: {de: Heiß, en: Hot}
type: Gauge
when: level >= 100
severity: high
incident: {severity_at_least: low, resolve_with_alert: true}
"""
FLIPS = 20


async def listed(city: City, path: str) -> list[dict]:
    async with city.client.get(f"/api/v1/{path}", params={"limit": 100}) as answer:
        page = await answer.json()
        assert answer.status == 200, page
        return page["items"]


@pytest.mark.parametrize("pause_s", [0.0, 0.3])
async def test_a_kill_after_a_burst_costs_no_incident(
    tmp_path: Path, either_store: StoreSettings, pause_s: float
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "hot.yaml").write_text(RULE, encoding="utf-8")
    settings = SETTINGS + "\n[risk]\nsave_every_s = 0.1\n"
    async with running_city(tmp_path, "--store", either_store.url, settings=settings) as city:
        await city.put(1, 0)
        for _ in range(FLIPS):
            assert await city.put(1, 150)
            assert await city.put(1, 0)
        await asyncio.sleep(pause_s)
        city.process.kill()
        await city.process.wait()
    async with running_city(tmp_path, "--store", either_store.url, settings=settings) as city:
        async with asyncio.timeout(60):
            while not (found := await listed(city, "alerts")) or not all(
                each["status"] == "resolved" and each["incident"] for each in found
            ):
                await asyncio.sleep(0.05)
        (incident,) = await listed(city, "incidents")
        assert set(incident["alerts"]) == {each["id"] for each in found}
