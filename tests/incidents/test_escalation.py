"""Alerts become incidents: each once, together where they belong together, and none is closed without a person."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from incidents.assembly import FIREFIGHTER, KEYED, OPERATOR, IncidentCity, open_incidents
from rhinecloud.changes.batch import Batch
from rhinecloud.incidents.model import ClosingReason, Incident, IncidentDraft, IncidentStatus
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.timeline import describe_changes
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.patch import delete_attribute
from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.policy import Denied
from rhinecloud.store.port import Decision, Put
from rhinecloud.stream.port import Frame

FAR = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.9, 51.5]}}


async def listed(city: IncidentCity) -> list:
    return (await city.incidents.list(OPERATOR)).items


async def test_an_alert_that_calls_for_an_incident_opens_one(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        alert = await city.alert()
        await city.process()
        await city.process(again=True)
        (incident,) = await listed(city)
        assert (incident.title, incident.alerts, incident.severity) == ("Hochwasser", (alert,), Severity.HIGH)
        entity = (await city.broker.get(OPERATOR, "", alert)).entity()
        assert entity.first("urn:rhinecloud:ns:incident").value == incident.id
        before = city.store.last_change()
        await city.process(again=True)
        assert city.store.last_change() == before


async def test_an_alert_delivered_twice_at_once_opens_one_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert()
        rows = await city.store.changes(0, 10_000)
        frames = [Frame(row.seq, row.seq, b"[" + row.body + b"]") for row in rows]
        batches = [Batch(frame, frame.first - 1) for frame in frames]
        await asyncio.gather(*(city.escalation.handle(batch) for batch in batches * 2))
        assert len(await listed(city)) == 1


async def test_an_alert_whose_handling_was_cut_short_opens_no_second_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        alert = await city.alert()
        await city.process()
        (incident,) = await listed(city)
        # as if the process had ended before the alert named its incident, which somebody closed meanwhile
        await city.incidents.close(OPERATOR, incident.id, 1, ClosingReason.FALSE_ALARM)
        await city.broker.delete(OPERATOR, "", alert)
        await city.alert()
        await city.process()
        (only,) = await listed(city)
        assert (only.id, only.status) == (incident.id, IncidentStatus.CLOSED)
        entity = (await city.broker.get(OPERATOR, "", alert)).entity()
        assert entity.first("urn:rhinecloud:ns:incident").value == incident.id


async def test_an_operator_opens_the_incident_of_an_alert_that_calls_for_none(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        alert = await city.alert(callsForIncident=False)
        await city.process()
        assert await listed(city) == []
        incident = await city.escalation.open_by_hand(OPERATOR, alert)
        assert incident.opened_by == OPERATOR.id
        assert (await city.escalation.open_by_hand(OPERATOR, alert)).id == incident.id
        with pytest.raises(Denied):
            await city.escalation.open_by_hand(FIREFIGHTER, alert)
        with pytest.raises(NotFound):
            await city.escalation.open_by_hand(OPERATOR, "urn:ngsi-ld:Alert:none")


async def test_further_alerts_join_by_fingerprint_or_place(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert("1", severity="medium")
        await city.process()
        await city.alert("2", fingerprint="1", location=FAR)
        await city.alert("3", severity="critical")
        await city.alert("4", location=FAR)
        await city.alert("5", category="traffic")
        await city.process()
        sizes = sorted((len(each.alerts), each.severity.value) for each in await listed(city))
        assert sizes == [(1, "high"), (1, "high"), (3, "critical")]


async def test_place_does_not_join_where_the_setting_says_never(tmp_path: Path) -> None:
    async with open_incidents(tmp_path, IncidentSettings(attach_distance_m=0)) as city:
        await city.alert("1")
        await city.alert("2")
        await city.process()
        assert len(await listed(city)) == 2


async def test_simulated_alerts_do_not_mix_with_real_ones(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert("1")
        await city.alert("2", simulated=True)
        await city.process()
        assert sorted(each.simulated for each in await listed(city)) == [False, True]


async def test_when_all_alerts_are_over_the_incident_says_so_and_stays_open(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        first, second = await city.alert("1"), await city.alert("2")
        await city.process()
        await city.resolve_alert(first)
        await city.process()
        assert (await listed(city))[0].alerts_over_at == ""
        await city.resolve_alert(second)
        await city.process()
        await city.process(again=True)
        (incident,) = await listed(city)
        assert incident.alerts_over_at
        assert incident.status is IncidentStatus.NEW
        events = describe_changes(await city.changes(incident.id), city.context, {})
        assert [event.act for event in events] == ["open", "attach_alert", "alerts_over"]
        assert events[-1].texts["de"] == "Alle Alarme dieses Vorfalls sind vorbei"


async def test_a_rule_may_resolve_its_incident_with_the_alert(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        alert = await city.alert(resolvesIncident=True)
        await city.process()
        await city.resolve_alert(alert)
        await city.process()
        assert (await listed(city))[0].status is IncidentStatus.RESOLVED


async def test_an_alert_that_becomes_more_severe_raises_its_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert(severity="medium")
        await city.process()
        await city.alert(severity="critical")
        await city.process()
        assert (await listed(city))[0].severity is Severity.CRITICAL


async def test_a_closed_incident_takes_no_new_alerts(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert("1")
        await city.process()
        (incident,) = await listed(city)
        await city.incidents.close(OPERATOR, incident.id, 1, ClosingReason.FALSE_ALARM)
        await city.alert("2", fingerprint="1")
        await city.process()
        assert len(await listed(city)) == 2


async def test_an_alert_that_is_over_before_it_is_heard_opens_its_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.resolve_alert(await city.alert())
        await city.process()
        (incident,) = await listed(city)
        assert incident.alerts_over_at
        assert incident.status is IncidentStatus.NEW
        before = city.store.last_change()
        await city.process(again=True)
        assert city.store.last_change() == before


async def test_an_alert_that_is_deleted_before_it_is_heard_opens_its_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.broker.delete(OPERATOR, "", await city.alert())
        await city.process()
        (incident,) = await listed(city)
        assert incident.alerts_over_at


async def test_twenty_alerts_of_one_burst_all_have_an_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        names = [
            await city.alert(str(each), fingerprint="gauge", resolvesIncident=True) for each in range(20)
        ]
        for each in names:
            await city.resolve_alert(each)
        await city.process()
        (incident,) = await listed(city)
        assert set(incident.alerts) == set(names)
        assert incident.status is IncidentStatus.RESOLVED
        for each in names:
            entity = (await city.broker.get(OPERATOR, "", each)).entity()
            assert entity.first("urn:rhinecloud:ns:incident").value == incident.id


async def test_a_resolved_incident_is_reopened_for_the_same_fingerprint(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.resolve_alert(await city.alert("1", resolvesIncident=True))
        await city.process()
        await city.alert("2", fingerprint="1", resolvesIncident=True)
        await city.process()
        (incident,) = await listed(city)
        assert (incident.status, len(incident.alerts)) == (IncidentStatus.NEW, 2)
        events = describe_changes(await city.changes(incident.id), city.context, {})
        assert events[-1].texts["de"] == "Ein Alarm ist erneut aufgetreten. Der Vorfall ist wieder offen"


async def resolved_by_people(city: IncidentCity) -> Incident:
    await city.alert(severity="medium")
    await city.process()
    (incident,) = await listed(city)
    await city.incidents.acknowledge(OPERATOR, incident.id, 0)
    return await city.incidents.resolve(OPERATOR, incident.id, 0, "cooled")


async def test_an_alert_that_worsens_reopens_its_incident_if_that_was_resolved_lately(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await resolved_by_people(city)
        await city.alert(severity="critical")
        await city.process()
        await city.process(again=True)
        (only,) = await listed(city)
        assert (only.id, only.status, only.severity) == (incident.id, IncidentStatus.NEW, Severity.CRITICAL)
        assert (only.resolved_at, only.acknowledged_at) == ("", "")
        events = describe_changes(await city.changes(incident.id), city.context, {})
        assert [event.act for event in events][-1] == "reopen_with_alert"
        assert events[-1].texts["en"] == (
            "An alert became more severe: “critical”. The incident is open again"
        )


async def test_after_a_longer_time_it_gets_a_new_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path, IncidentSettings(reopen_within_s=0)) as city:
        incident = await resolved_by_people(city)
        await city.alert(severity="critical")
        await city.process()
        (new, old) = await listed(city)
        assert (new.follows, old.id, old.followed_by) == (incident.id, incident.id, new.id)


@pytest.mark.parametrize(
    "reason", [each for each in ClosingReason if each.value not in ("duplicate", "resolved")]
)
async def test_an_alert_that_worsens_after_its_incident_was_closed_gets_a_new_one(
    tmp_path: Path, reason: ClosingReason
) -> None:
    async with open_incidents(tmp_path) as city:
        alert = await city.alert(severity="medium")
        await city.process()
        (closed,) = await listed(city)
        await city.incidents.close(OPERATOR, closed.id, 0, reason)
        await city.alert(severity="critical")
        await city.process()
        before = city.store.last_change()
        await city.process(again=True)
        assert city.store.last_change() == before
        new, old = await listed(city)
        assert (new.status, new.severity, new.follows) == (IncidentStatus.NEW, Severity.CRITICAL, closed.id)
        assert (old.status, old.followed_by) == (IncidentStatus.CLOSED, new.id)
        entity = (await city.broker.get(OPERATOR, "", alert)).entity()
        assert entity.first("urn:rhinecloud:ns:incident").value == new.id
        assert (
            describe_changes(await city.changes(new.id), city.context, {})[0]
            .texts["de"]
            .startswith("Ein Alarm ist schwerer geworden, nachdem sein Vorfall abgeschlossen war")
        )
        last = describe_changes(await city.changes(old.id), city.context, {})[-1]
        assert (last.act, last.note) == ("note_follow_up", new.id)


async def test_an_alert_of_a_duplicate_worsens_the_incident_that_it_is_a_duplicate_of(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert("1", severity="medium")
        alert = await city.alert("2", severity="medium", location=FAR)
        await city.process()
        second, first = await listed(city)
        await city.incidents.close(OPERATOR, second.id, 0, ClosingReason.DUPLICATE, duplicate_of=first.id)
        await city.alert("2", severity="critical", location=FAR)
        await city.process()
        main = await city.incidents.get(OPERATOR, first.id)
        assert (main.severity, alert in main.alerts) == (Severity.CRITICAL, True)
        assert len(await listed(city)) == 2


async def test_what_was_known_when_the_incident_was_resolved_reopens_nothing(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        await city.alert(severity="medium")
        await city.process()
        (incident,) = await listed(city)
        await city.alert(severity="critical")
        await city.process()
        await city.incidents.acknowledge(OPERATOR, incident.id, 0)
        await city.incidents.resolve(OPERATOR, incident.id, 0)
        await city.process(again=True)
        assert [each.status for each in await listed(city)] == [IncidentStatus.RESOLVED]


async def test_an_id_that_is_taken_suppresses_no_incident(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        alert = await city.alert()
        squatted = KEYED.derive("Incident", alert)
        await city.broker.create(
            OPERATOR, "", parse_entity({"id": squatted, "type": "Foo", "x": 1}, city.context)
        )
        await city.process()
        await city.process(again=True)
        (incident,) = await listed(city)
        assert (incident.id, incident.alerts) == (KEYED.derive("Incident", squatted), (alert,))
        entity = (await city.broker.get(OPERATOR, "", alert)).entity()
        assert entity.first("urn:rhinecloud:ns:incident").value == incident.id


async def test_an_incident_of_version_0_is_found_again(tmp_path: Path) -> None:
    """It was opened, but the process ended before the alert named it; then the city was upgraded."""
    async with open_incidents(tmp_path) as city:
        alert = await city.alert()
        old = IncidentDraft(title="Hochwasser", alerts=(alert,))
        before, _ = await city.incidents.open(OPERATOR, old, derived_urn("Incident", alert))
        await city.incidents.close(OPERATOR, before.id, 0, ClosingReason.FALSE_ALARM)
        await city.process()
        assert [each.id for each in await listed(city)] == [before.id]


async def test_a_shelved_alert_opens_its_incident_when_that_is_over(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        until = {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-03-01T13:00:00Z"}}
        alert = await city.alert(shelvedUntil=until)
        await city.process()
        assert await listed(city) == []
        await city.broker.edit(part("risk"), "", alert, lambda entity: unshelved(entity, city))
        await city.process()
        (incident,) = await listed(city)
        assert incident.alerts == (alert,)


async def test_an_alert_that_worsened_while_it_was_shelved_reopens_its_incident_afterwards(
    tmp_path: Path,
) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await resolved_by_people(city)
        until = {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-03-01T13:00:00Z"}}
        alert = await city.alert(severity="medium", shelvedUntil=until)
        await city.alert(severity="critical", shelvedUntil=until)
        await city.process()
        assert [each.status for each in await listed(city)] == [IncidentStatus.RESOLVED]
        await city.broker.edit(part("risk"), "", alert, lambda entity: unshelved(entity, city))
        await city.process()
        (only,) = await listed(city)
        assert (only.id, only.status, only.severity) == (incident.id, IncidentStatus.NEW, Severity.CRITICAL)


def unshelved(alert: Entity | None, city: IncidentCity) -> Decision:
    assert alert is not None
    patched = delete_attribute(alert, city.context.expand("shelvedUntil"), "2026-03-01T13:00:00Z")
    return Put(patched.entity, patched.changed, patched.previous)
