"""Silences suppress the alerts that match, end by themselves, and lose none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import utc_now
from rhinecloud.policy import Denied
from rhinecloud.risk.silences import AlertSilence, AlertTraits, NewSilence, SilenceView
from risk.test_live import HIGH
from risk.watch_room import OPERATOR, PARTNER, WatchRoom, watch_room

AREA = {"type": "Polygon", "coordinates": [[[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.4]]]}
INSIDE, OUTSIDE = ({"type": "Point", "coordinates": [x, 51.42]} for x in (6.76, 7.5))


def silence(seconds: float = 3600.0, **matchers: Any) -> NewSilence:
    return NewSilence(
        matchers=matchers, ends_at=utc_now() + timedelta(seconds=seconds), comment="works at the weir"
    )


async def until(room: WatchRoom, status: str, count: int) -> None:
    async with asyncio.timeout(60):
        while await room.alerts.count(OPERATOR, status) != count:
            await asyncio.sleep(0.02)


async def test_an_alert_under_a_silence_is_recorded_and_escalated_when_that_is_over(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.suppression() as suppression:
        made = await room.silences().create(OPERATOR, silence(rule=["high-water"]))
        await suppression.update()
        async with room.risk(HIGH, suppression=suppression):
            await room.reads(812)
            (alert,) = await room.until(1)
            assert alert["suppressed_by"] == [made.id]
            assert len(await room.changes()) == 1
            await room.silences().expire(OPERATOR, made.id)
            suppression.wake()
            await until(room, "suppressed", 0)
            assert [each["id"] for each in await room.until(1)] == [alert["id"]]


async def test_a_silence_ends_by_itself_also_where_the_city_was_stopped(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH):
        await room.reads(812)
        await room.until(1)
        await room.silences().create(OPERATOR, silence(0.7, type=["WaterObserved"]))
        await room.suppressing().update()
        await until(room, "suppressed", 1)
        async with room.suppression():
            await until(room, "suppressed", 0)
        (found,) = await room.silences().list(OPERATOR)
        assert found.status == "expired"


@pytest.mark.parametrize(
    ("matchers", "matched"),
    [
        ({"rule": ["a"]}, True),
        ({"rule": ["b", "a"], "type": ["T"]}, True),
        ({"rule": ["b"]}, False),
        ({"type": ["U"]}, False),
        ({"entity": ["urn:e"], "category": ["flood"]}, True),
        ({"entity": ["urn:e"], "category": ["fire"]}, False),
        ({"area": AREA}, True),
    ],
)
def test_all_matchers_must_match(matchers: dict[str, Any], matched: bool) -> None:
    at = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"}
    made = AlertSilence(
        SilenceView(id="urn:s", status="active", matchers=matchers, comment="c", author="a", **at)
    )
    assert made.matches(AlertTraits("a", ("T",), "urn:e", "flood", INSIDE)) is matched
    if "area" in matchers:
        assert not made.matches(AlertTraits("a", ("T",), "urn:e", "flood", OUTSIDE))
        assert not made.matches(AlertTraits("a", ("T",), "urn:e", "flood", None))


@pytest.mark.parametrize(
    ("seconds", "matchers", "field"),
    [
        (-5.0, {"rule": ["a"]}, "ends_at"),
        (60.0, {}, "matchers"),
        (60.0, {"area": {"type": "Point", "coordinates": [1, 2]}}, "matchers.area"),
    ],
)
async def test_what_cannot_be_a_silence_is_refused(
    tmp_path: Path, seconds: float, matchers: dict[str, Any], field: str
) -> None:
    async with watch_room(tmp_path) as room:
        with pytest.raises(Invalid) as error:
            await room.silences().create(OPERATOR, silence(seconds, **matchers))
        assert error.value.field == field
        with pytest.raises(Denied):
            await room.silences().create(PARTNER, silence(rule=["a"]))
