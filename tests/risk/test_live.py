"""Risk on the real stream: alerts appear as entities, once, and a restart forgets nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import httpx
import pytest
from fastapi import FastAPI, Request

from policies import shipped
from rhinecloud.changes.shared import SharedFollower
from rhinecloud.incidents.cascade import DeletionCascade
from rhinecloud.incidents.consumer import IncidentConsumer
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.ids import derived_urn, new_urn
from rhinecloud.kernel.time import utc_now
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.risk.routes import AlertServices, risk_routes
from rhinecloud.risk.state import RiskState, decode_state, encode_state
from rhinecloud.store.port import Record
from rhinecloud.stream.local_followers import LocalFollowers
from risk.city import CONTEXT
from risk.watch_room import FEED, KEYED, OPERATOR, PARTNER, QUICK, WatchRoom, wait_for, watch_room

HIGH = """id: high-water
title: {de: Hochwasser, en: High water}
type: WaterObserved
when: waterLevel >= 800
clear: waterLevel < 780
severity: high
message: {de: "{name}: {waterLevel} cm", en: "{name}: {waterLevel} cm"}
incident: auto
"""


async def remembered(room: WatchRoom) -> RiskState | None:
    record = await room.store.get_record("mark", "", "risk")
    return decode_state(record.body) if record else None


async def test_a_reading_becomes_an_alert_and_its_end_is_seen(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH) as risk:
        await room.reads(500)
        await room.reads(812.5)
        (alert,) = await room.until(1)
        assert alert["message"]["de"] == "ruhrort: 812,5 cm"
        assert alert["entity"] == "urn:ngsi-ld:WaterObserved:ruhrort"
        assert alert["evidence"][0]["value"] == 812.5
        assert alert["evidence"][0]["previous"]["value"] == 500
        assert (alert["rule"], alert["rule_version"], alert["calls_for_incident"]) == ("high-water", 1, True)
        assert risk.status().active == 1
        await room.reads(700)
        (over,) = await room.until(1, "resolved")
        assert (over["id"], over["resolution"]) == (alert["id"], "cleared")
        assert over["valid_to"]


async def test_a_restart_forgets_no_alert_and_doubles_none(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room:
        async with room.risk(HIGH):
            await room.reads(900)
            (alert,) = await room.until(1)
        await room.reads(901)
        async with room.risk(HIGH) as risk:
            await room.until_judged(risk)
            assert [each["id"] for each in await room.until(1)] == [alert["id"]]
            await room.reads(600)
            await room.until(1, "resolved")
        assert len(await room.entities()) == 1


async def test_after_a_crash_changes_are_evaluated_again_and_alerts_written_once(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room:
        async with room.risk(HIGH):
            while not ((mark := await remembered(room)) and mark.digests):
                await asyncio.sleep(0.02)
        before = await room.store.get_record("mark", "", "risk")
        assert before is not None
        async with room.risk(HIGH) as risk:
            await room.reads(900)
            await room.reads(700)
            await room.reads(950, "wesel")
            await room.until_judged(risk)
            await room.until(1, "resolved")
        written = len(await room.changes())
        await room.store.put_records([before])
        async with room.risk(HIGH) as risk:
            await room.until_judged(risk)
            await wait_for(lambda: risk.rules()[0][1].fired == 2)
        assert len(await room.changes()) == written
        assert len(await room.entities()) == 2


async def test_a_timer_fires_without_a_further_reading(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room, room.risk(HIGH + "for: 0.5 s\n"):
        await room.reads(900)
        await asyncio.sleep(0.2)
        assert await room.active() == []
        await room.until(1)


async def test_a_new_rule_is_evaluated_on_present_entities_and_a_removed_one_ends_its_alert(
    tmp_path: Path,
) -> None:
    async with watch_room(tmp_path) as room:
        await room.reads(900)
        async with room.risk(HIGH):
            await room.until(1)
        async with room.risk(HIGH.replace("high-water", "other")):
            (over,) = await room.until(1, "resolved")
            assert over["resolution"] == "rule withdrawn"
            assert [each["rule"] for each in await room.until(1)] == ["other"]


async def test_a_rule_that_fails_is_shown_and_the_others_go_on(tmp_path: Path) -> None:
    bad = HIGH.replace("high-water", "bad").replace("when: waterLevel >=", "when: name >")
    async with watch_room(tmp_path) as room, room.risk(bad, HIGH) as risk:
        await room.reads(900)
        await room.until(1)
        counters = {rule.id: counters for rule, counters, _ in risk.rules()}
        assert counters["bad"].errors >= 1
        assert counters["bad"].last_error_at
        assert counters["high-water"].errors == 0


async def test_an_alert_of_another_actor_is_listed_too(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room:
        attrs = {CONTEXT.expand("category"): [Instance(value="security")]}
        alert = Entity(id="urn:ngsi-ld:Alert:foreign", type=[CONTEXT.expand("Alert")], attrs=attrs)
        await room.broker.create(FEED, "", alert)
        (row,) = await room.active()
        assert (row["category"], row["rule"], row["evidence"]) == ("security", None, [])


async def test_changes_that_the_stream_no_longer_holds_are_counted_and_rules_are_evaluated_on_present_entities(
    tmp_path: Path,
) -> None:
    async with watch_room(tmp_path) as room:
        await room.reads(100)
        async with room.risk(HIGH) as risk:
            await room.until_judged(risk)
        for level in (200, 300, 900):
            await room.reads(level)
        await room.until_relayed()
        await room.store.forget_changes(room.store.last_change())
        await room.stream._js().purge_stream("CHANGES")  # type: ignore[attr-defined]
        room.stream._followers = LocalFollowers()  # type: ignore[attr-defined] # as after a restart
        await room.reads(901, "wesel")
        async with room.risk(HIGH) as risk:
            await room.until(2)
            assert risk.status().missed > 0


async def test_from_the_reading_to_the_incident(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room:
        incidents = Incidents(room.broker, shipped(), CONTEXT, utc_now, new_urn, KEYED.derive)
        escalation = Escalation(incidents, room.broker, CONTEXT, utc_now, IncidentSettings())
        consumer = IncidentConsumer(escalation, DeletionCascade(room.broker, incidents.related, ""))
        follower = SharedFollower("incidents", room.stream, select=consumer.selection)
        following = asyncio.create_task(follower.run(consumer.handle))
        try:
            async with room.risk(HIGH):
                await room.reads(900)
                (alert,) = await room.until(1)
                for _ in range(500):
                    page = await incidents.list(OPERATOR)
                    if page.items:
                        break
                    await asyncio.sleep(0.02)
                (incident,) = page.items
                assert (incident.title, incident.description) == ("Hochwasser: ruhrort", "ruhrort: 900 cm")
                assert incident.alerts == (alert["id"],)
                await room.reads(100)
                for _ in range(500):
                    incident = await incidents.get(OPERATOR, incident.id)
                    if incident.alerts_over_at:
                        break
                    await asyncio.sleep(0.02)
                assert incident.alerts_over_at
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def test_rules_and_alerts_have_routes(tmp_path: Path) -> None:
    async def signed_in(request: Request) -> Actor:
        return OPERATOR

    async with watch_room(tmp_path) as room, room.risk(HIGH, settings=QUICK) as risk:
        await room.reads(900)
        await room.until(1)
        app = FastAPI()
        app.include_router(
            risk_routes(
                risk, AlertServices(room.alerts, room.actions(), room.silences()), signed_in, signed_in
            )
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
            rules = (await client.get("/rules")).json()
            assert [(each["id"], each["fired"], each["active_alerts"]) for each in rules["items"]] == [
                ("high-water", 1, 1)
            ]
            alerts = (await client.get("/alerts", params={"status": "active"})).json()
            assert (alerts["total"], alerts["items"][0]["severity"]) == (1, "high")


async def test_the_memory_is_never_ahead_of_the_alerts_that_are_written(tmp_path: Path) -> None:
    """Risk ends while the store refuses its alert: the next run must write it, so it may not be remembered as done."""
    async with watch_room(tmp_path) as room:
        async with room.risk(HIGH) as risk:
            risk.follower.pause()
            await room.reads(900)
            await room.until_relayed()
            other = apsw.Connection(str(tmp_path / "city.db"))
            room.store._write.set_busy_timeout(50)
            other.execute("BEGIN IMMEDIATE")
            risk.follower.resume()
            await wait_for(lambda: risk.status().active == 1)
            with pytest.raises(Unavailable):  # and with it what risk wanted to write
                await room.store.put_records([Record("test", "", "test", b"")])
            other.execute("ROLLBACK")
            other.close()
        assert await room.active() == []
        async with room.risk(HIGH):
            await room.until(1)


async def test_an_id_that_is_taken_suppresses_no_alert(tmp_path: Path) -> None:
    """A partner that could foresee an id creates another entity under it; the alert gets another id, and it is told."""
    at = "2026-03-01T12:00:00Z"
    squatted = KEYED.derive("Alert", "high-water", "urn:ngsi-ld:WaterObserved:ruhrort", at)
    async with watch_room(tmp_path) as room, room.risk(HIGH) as risk:
        foo = Entity(id=squatted, type=["https://example.org/Foo"], attrs={})
        await room.broker.create(PARTNER, "", foo)
        level = {"value": 900, "unitCode": "CMT", "observedAt": at}
        await room.reads(900, waterLevel=level)
        (alert,) = await room.until(1)
        assert alert["id"] == KEYED.derive("Alert", squatted)
        (rule,) = risk.rules()
        assert f"the id of an alert is taken: {squatted}" in rule[1].last_error
        await room.reads(700)
        (over,) = await room.until(1, "resolved")
        assert over["id"] == alert["id"]
        assert (await room.broker.get(PARTNER, "", squatted)).entity().type == foo.type


async def test_alerts_of_version_0_keep_their_ids(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as room:
        room.derive = derived_urn
        async with room.risk(HIGH) as risk:
            await room.until_judged(risk)
            while not ((mark := await remembered(room)) and mark.digests):
                await asyncio.sleep(0.02)
        before = await room.store.get_record("mark", "", "risk")
        assert before is not None
        async with room.risk(HIGH):
            await room.reads(900)
            (alert,) = await room.until(1)
        old = decode_state(before.body)
        old.version = 0
        # as if it had been killed before it saved that it wrote the alert, and upgraded then
        await room.store.put_records([Record("mark", "", "risk", encode_state(old))])
        room.derive = KEYED.derive
        async with room.risk(HIGH) as risk:
            await room.until_judged(risk)
            assert [each["id"] for each in await room.until(1)] == [alert["id"]]
            await room.reads(700)
            await room.until(1, "resolved")
            await room.reads(950)
            (new,) = await room.until(1)
            entity = (await room.broker.get(OPERATOR, "", new["id"])).entity()
            parts = ("Alert", "high-water", "urn:ngsi-ld:WaterObserved:ruhrort", new["valid_from"])
            assert new["id"] == KEYED.derive(*parts) != derived_urn(*parts)
            assert entity.created_by == ""
