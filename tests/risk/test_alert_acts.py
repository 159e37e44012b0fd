"""People acknowledge, shelve and clear alerts; the time of a shelving ends by itself, also over a restart."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Conflict, Invalid, NotFound
from rhinecloud.kernel.time import parse_time, utc_now
from rhinecloud.policy import Denied
from risk.test_live import HIGH
from risk.watch_room import OPERATOR, PARTNER, WatchRoom, watch_room

READER = Actor("user:rita", "Rita", frozenset({Role.READER}))
STEEP = HIGH.replace("severity: high", "severity: \"waterLevel >= 900 ? 'critical' : 'medium'\"")


async def row(room: WatchRoom, alert_id: str) -> dict[str, Any]:
    return await room.alerts.get(OPERATOR, alert_id)


async def until_row(room: WatchRoom, alert_id: str, **wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found = await row(room, alert_id)
            if all(found[name] == value for name, value in wanted.items()):
                return found
            await asyncio.sleep(0.02)


async def test_an_alert_is_acknowledged_once(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH):
        await room.reads(812)
        (alert,) = await room.until(1)
        await room.actions().call(
            OPERATOR, "risk.acknowledge_alert", {"alert": alert["id"], "note": "on my way"}
        )
        await room.acts().acknowledge(Actor("user:other", "O", frozenset({Role.OPERATOR})), alert["id"])
        found = await row(room, alert["id"])
        assert (found["acknowledged_by"], found["acknowledgement_note"]) == (OPERATOR.id, "on my way")
        assert parse_time(found["acknowledged_at"]) <= utc_now()
        assert await room.alerts.count(OPERATOR, "unacknowledged") == 0
        assert await room.alerts.count(OPERATOR, "acknowledged") == 1
        changes = [each for each in await room.changes() if each.actor == OPERATOR.id]
        assert len(changes) == 1


async def test_an_acknowledged_alert_that_worsens_must_be_acknowledged_again(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(STEEP):
        await room.reads(812)
        (alert,) = await room.until(1)
        await room.acts().acknowledge(OPERATOR, alert["id"])
        await room.reads(950)
        await until_row(room, alert["id"], severity="critical", acknowledged_at=None)


@pytest.mark.parametrize("who", [READER, PARTNER])
async def test_only_who_may_acts_on_alerts(tmp_path: Path, who: Actor) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH):
        await room.reads(812)
        (alert,) = await room.until(1)
        acts, later = room.acts(), utc_now() + timedelta(minutes=5)
        for alert_id in (alert["id"], "urn:ngsi-ld:Alert:none"):
            with pytest.raises(Denied):
                await acts.acknowledge(who, alert_id)
            with pytest.raises(Denied):
                await acts.shelve(who, alert_id, later, "works")
            with pytest.raises(Denied):
                await acts.clear(who, alert_id)
        with pytest.raises(NotFound):
            await acts.clear(OPERATOR, "urn:ngsi-ld:Alert:none")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"minutes": 5}, "reason"),
        ({"minutes": 5, "reason": " "}, "reason"),
        ({"reason": "works"}, "until"),
        ({"minutes": 5000, "reason": "works"}, "until"),
        ({"minutes": -1, "reason": "works"}, "minutes"),
        ({"until": "2001-01-01T00:00:00Z", "reason": "works"}, "until"),
        ({"until": "2001-01-01T00:00:00", "reason": "works"}, "until"),
    ],
)
async def test_a_shelving_needs_a_time_and_a_reason(
    tmp_path: Path, given: dict[str, Any], field: str
) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH):
        await room.reads(812)
        (alert,) = await room.until(1)
        with pytest.raises(Invalid) as error:
            await room.actions().call(OPERATOR, "risk.shelve_alert", {"alert": alert["id"], **given})
        assert [each.field for each in error.value.faults or [error.value]] == [field]


async def test_a_shelved_alert_is_unshelved_when_its_time_is_over_also_after_a_restart(
    tmp_path: Path,
) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH):
        await room.reads(812)
        (alert,) = await room.until(1)
        async with room.suppression():
            await room.acts().shelve(OPERATOR, alert["id"], utc_now() + timedelta(minutes=30), "works")
            found = await row(room, alert["id"])
            assert (found["shelved_by"], found["shelving_reason"]) == (OPERATOR.id, "works")
            assert await room.alerts.count(OPERATOR, "shelved") == 1
            await room.acts().unshelve(OPERATOR, alert["id"])
            assert (await row(room, alert["id"]))["shelved_until"] is None
            await room.acts().shelve(OPERATOR, alert["id"], utc_now() + timedelta(seconds=0.5), "works")
        assert (await row(room, alert["id"]))["shelved_until"]
        async with room.suppression():
            found = await until_row(room, alert["id"], shelved_until=None, shelving_reason=None)
        assert found["status"] == "active"


async def test_what_was_cleared_by_hand_comes_back_by_a_new_onset_only(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH) as risk:
        await room.reads(812)
        (alert,) = await room.until(1)
        await room.acts().clear(OPERATOR, alert["id"], "sensor is wet")
        await room.acts().clear(OPERATOR, alert["id"], "again")
        found = await row(room, alert["id"])
        assert (found["status"], found["resolution"], found["resolved_by"], found["resolution_note"]) == (
            *("resolved", "operator", OPERATOR.id),
            "sensor is wet",
        )
        with pytest.raises(Conflict):
            await room.acts().acknowledge(OPERATOR, alert["id"])
        await room.reads(815)
        await room.until_judged(risk)
        assert await room.active() == []
        await room.reads(700)
        await room.reads(820)
        (new,) = await room.until(1)
        assert new["id"] != alert["id"]


async def test_what_was_cleared_by_hand_comes_back_where_it_becomes_more_severe(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(STEEP):
        await room.reads(812)
        (alert,) = await room.until(1)
        await room.acts().clear(OPERATOR, alert["id"])
        await room.reads(950)
        (back,) = await room.until(1)
        assert (back["id"], back["severity"], back["resolution"]) == (alert["id"], "critical", None)
