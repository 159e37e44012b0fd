"""Alerts become incidents: each once, together where they belong together, and none is closed without a person."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from incidents.town_hall import FIREFIGHTER, OPERATOR, TownHall, town_hall
from rhinecloud.changes.batch import Batch
from rhinecloud.incidents.errors import NotYours
from rhinecloud.incidents.model import ClosingReason, IncidentStatus
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.timeline import describe_changes
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.severity import Severity
from rhinecloud.stream.port import Frame

FAR = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.9, 51.5]}}


async def listed(hall: TownHall) -> list:
    return (await hall.incidents.list(OPERATOR)).items


async def test_an_alert_that_calls_gets_its_incident_once(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        alert = await hall.alert()
        await hall.hear()
        await hall.hear(again=True)
        (incident,) = await listed(hall)
        assert (incident.title, incident.alerts, incident.severity) == ("Hochwasser", (alert,), Severity.HIGH)
        entity = (await hall.broker.get(OPERATOR, "", alert)).entity()
        assert entity.first("urn:rhinecloud:ns:incident").value == incident.id
        before = hall.store.last_change()
        await hall.hear(again=True)
        assert hall.store.last_change() == before


async def test_an_alert_delivered_twice_at_once_opens_one_incident(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        await hall.alert()
        rows = await hall.store.changes(0, 10_000)
        frames = [Frame(row.seq, row.seq, b"[" + row.body + b"]") for row in rows]
        batches = [Batch(frame, frame.first - 1) for frame in frames]
        await asyncio.gather(*(hall.escalation.handle(batch) for batch in batches * 2))
        assert len(await listed(hall)) == 1


async def test_an_alert_whose_handling_was_cut_short_opens_no_second_incident(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        alert = await hall.alert()
        await hall.hear()
        (incident,) = await listed(hall)
        # as if the process had ended before the alert named its incident, which somebody closed meanwhile
        await hall.incidents.close(OPERATOR, incident.id, 1, ClosingReason.FALSE_ALARM)
        await hall.broker.delete(OPERATOR, "", alert)
        await hall.alert()
        await hall.hear()
        (only,) = await listed(hall)
        assert (only.id, only.status) == (incident.id, IncidentStatus.CLOSED)
        entity = (await hall.broker.get(OPERATOR, "", alert)).entity()
        assert entity.first("urn:rhinecloud:ns:incident").value == incident.id


async def test_an_alert_that_does_not_call_gets_one_by_hand(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        alert = await hall.alert(callsForIncident=False)
        await hall.hear()
        assert await listed(hall) == []
        incident = await hall.escalation.open_by_hand(OPERATOR, alert)
        assert incident.opened_by == OPERATOR.id
        assert (await hall.escalation.open_by_hand(OPERATOR, alert)).id == incident.id
        with pytest.raises(NotYours):
            await hall.escalation.open_by_hand(FIREFIGHTER, alert)
        with pytest.raises(NotFound):
            await hall.escalation.open_by_hand(OPERATOR, "urn:ngsi-ld:Alert:none")


async def test_further_alerts_join_by_fingerprint_or_place(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        await hall.alert("1", severity="medium")
        await hall.hear()
        await hall.alert("2", fingerprint="1", location=FAR)
        await hall.alert("3", severity="critical")
        await hall.alert("4", location=FAR)
        await hall.alert("5", category="traffic")
        await hall.hear()
        sizes = sorted((len(each.alerts), each.severity.value) for each in await listed(hall))
        assert sizes == [(1, "high"), (1, "high"), (3, "critical")]


async def test_place_does_not_join_where_the_setting_says_never(tmp_path: Path) -> None:
    async with town_hall(tmp_path, IncidentSettings(attach_distance_m=0)) as hall:
        await hall.alert("1")
        await hall.alert("2")
        await hall.hear()
        assert len(await listed(hall)) == 2


async def test_simulated_alerts_do_not_mix_with_real_ones(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        await hall.alert("1")
        await hall.alert("2", simulated=True)
        await hall.hear()
        assert sorted(each.simulated for each in await listed(hall)) == [False, True]


async def test_when_all_alerts_are_over_the_incident_says_so_and_stays_open(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        first, second = await hall.alert("1"), await hall.alert("2")
        await hall.hear()
        await hall.resolve_alert(first)
        await hall.hear()
        assert (await listed(hall))[0].alerts_over_at == ""
        await hall.resolve_alert(second)
        await hall.hear()
        await hall.hear(again=True)
        (incident,) = await listed(hall)
        assert incident.alerts_over_at
        assert incident.status is IncidentStatus.NEW
        events = describe_changes(await hall.changes(incident.id), hall.context, {})
        assert [event.act for event in events] == ["open", "attach_alert", "alerts_over"]
        assert events[-1].texts["de"] == "Alle Alarme dieses Vorfalls sind vorbei"


async def test_a_rule_may_resolve_its_incident_with_the_alert(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        alert = await hall.alert(resolvesIncident=True)
        await hall.hear()
        await hall.resolve_alert(alert)
        await hall.hear()
        assert (await listed(hall))[0].status is IncidentStatus.RESOLVED


async def test_an_alert_that_becomes_more_severe_raises_its_incident(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        await hall.alert(severity="medium")
        await hall.hear()
        await hall.alert(severity="critical")
        await hall.hear()
        assert (await listed(hall))[0].severity is Severity.CRITICAL


async def test_a_closed_incident_takes_no_new_alerts(tmp_path: Path) -> None:
    async with town_hall(tmp_path) as hall:
        await hall.alert("1")
        await hall.hear()
        (incident,) = await listed(hall)
        await hall.incidents.close(OPERATOR, incident.id, 1, ClosingReason.FALSE_ALARM)
        await hall.alert("2", fingerprint="1")
        await hall.hear()
        assert len(await listed(hall)) == 2
