"""Incidents in the real store: one act at a time, no act is lost, and what other systems wrote stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from incidents.assembly import (
    CONTEXT,
    FIRE,
    FIREFIGHTER,
    OFFICER,
    OPERATOR,
    PLACE,
    POLICE,
    READER,
    open_incidents,
)
from rhinecloud.incidents.errors import IllegalAct, NoSuchIncident, StaleVersion
from rhinecloud.incidents.model import Act, ClosingReason, IncidentDraft, IncidentStatus, TaskDraft
from rhinecloud.incidents.timeline import describe_changes
from rhinecloud.incidents.transactions import ActRequest
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import Forbidden, Invalid
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.policy import Denied

DRAFT = IncidentDraft(title="Flooded underpass", location=PLACE, agency=FIRE)


async def test_what_was_opened_can_be_read(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident, made = await city.incidents.open(OPERATOR, DRAFT)
        assert made
        read = await city.incidents.get(READER, incident.id)
        assert read == incident
        assert (read.title, read.status, read.location, read.agency) == (
            DRAFT.title,
            IncidentStatus.NEW,
            PLACE,
            FIRE,
        )
        assert read.opened_by == "user:olga"


async def test_only_operators_open_incidents_and_only_valid_ones(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        for actor in (FIREFIGHTER, READER):
            with pytest.raises(Denied):
                await city.incidents.open(actor, DRAFT)
        for bad in (
            IncidentDraft(title=" "),
            IncidentDraft(title="x", agency="urn:x:none"),
            IncidentDraft(title="x", location={"a": 1}),
        ):
            with pytest.raises(Invalid):
                await city.incidents.open(OPERATOR, bad)


async def test_of_two_acknowledgements_at_once_the_second_is_refused(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident, _ = await city.incidents.open(OPERATOR, DRAFT)
        answers = await asyncio.gather(
            *(
                city.incidents.acknowledge(actor, incident.id, incident.version)
                for actor in (OPERATOR, FIREFIGHTER)
            ),
            return_exceptions=True,
        )
        refused = [each for each in answers if isinstance(each, StaleVersion)]
        assert len(refused) == 1
        assert refused[0].version == 2
        assert "you saw version 1, it is at 2" in str(refused[0])
        assert len(await city.changes(incident.id)) == 2


async def test_an_incident_from_opening_to_closing(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incidents = city.incidents
        incident, _ = await incidents.open(OPERATOR, DRAFT)
        incident = await incidents.acknowledge(FIREFIGHTER, incident.id, 1)
        incident = await incidents.start(FIREFIGHTER, incident.id, 2)
        incident = await incidents.add_task(FIREFIGHTER, incident.id, 3, TaskDraft(title="Pump it dry"))
        incident = await incidents.change_task(
            FIREFIGHTER, incident.id, 4, incident.tasks[0].id, {"done": True}
        )
        incident = await incidents.comment(FIREFIGHTER, incident.id, 5, "Water falls")
        incident = await incidents.change_severity(OPERATOR, incident.id, 6, Severity.HIGH)
        with pytest.raises(IllegalAct):
            await incidents.reopen(OPERATOR, incident.id, 7)
        incident = await incidents.assign(OPERATOR, incident.id, 7, agency=POLICE)
        with pytest.raises(Denied):
            await incidents.comment(FIREFIGHTER, incident.id, 8, "still here")
        incident = await incidents.acknowledge(OFFICER, incident.id, 8)
        incident = await incidents.resolve(OFFICER, incident.id, 9, "dry")
        incident = await incidents.close(OPERATOR, incident.id, 10, ClosingReason.RESOLVED)
        assert await incidents.get(OPERATOR, incident.id) == incident
        events = describe_changes(
            await city.changes(incident.id), CONTEXT, {POLICE: {"de": "Polizei", "en": "Police"}}
        )
    assert [event.act for event in events] == [
        *("open", "acknowledge", "start", "add_task", "change_task", "comment", "severity"),
        *("assign", "acknowledge", "resolve", "close"),
    ]
    assert events[1].details == {"status": {"from": "new", "to": "acknowledged"}}
    assert events[1].actor_name == "Fred"
    assert events[4].texts["en"] == "Fred finished the task “Pump it dry”"
    assert events[5].texts["de"] == "Fred: Water falls"
    assert events[6].texts["de"] == "Olga hat die Schwere auf „hoch“ gesetzt"
    assert events[7].texts["en"] == "Olga assigned the incident: Police"
    assert events[10].texts["en"] == "Olga closed the incident: resolved"


async def test_a_reopened_incident_loses_what_its_end_had_set(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident, _ = await city.incidents.open(OPERATOR, DRAFT)
        await city.incidents.close(OPERATOR, incident.id, 1, ClosingReason.FALSE_ALARM, note="nothing there")
        again = await city.incidents.reopen(OPERATOR, incident.id, 2)
        assert (again.status, again.closing_reason, again.closed_by) == (IncidentStatus.NEW, None, "")
        entity = (await city.broker.get(OPERATOR, "", incident.id)).entity()
        assert CONTEXT.expand("closingReason") not in entity.attrs


async def test_lists_go_by_state_and_agency_newest_first(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        made = [(await city.incidents.open(OPERATOR, DRAFT))[0] for _ in range(3)]
        await city.incidents.close(OPERATOR, made[0].id, 1, ClosingReason.TEST)
        await city.incidents.assign(OPERATOR, made[1].id, 1, agency=POLICE)
        page = await city.incidents.list(OPERATOR)
        assert [each.id for each in page.items] == [each.id for each in reversed(made)]
        assert page.total == 3
        still_open = await city.incidents.list(OPERATOR, status="open")
        assert [each.id for each in still_open.items] == [made[2].id, made[1].id]
        assert [each.id for each in (await city.incidents.list(OPERATOR, agency=POLICE)).items] == [
            made[1].id
        ]
        assert len((await city.incidents.list(OPERATOR, status="closed,new", limit=2)).items) == 2
        with pytest.raises(Invalid):
            await city.incidents.list(OPERATOR, status="broken")


async def test_an_unknown_incident_is_not_found_and_an_alert_is_not_one(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        for incident_id in ("urn:ngsi-ld:Incident:none", await city.alert()):
            with pytest.raises(NoSuchIncident):
                await city.incidents.get(OPERATOR, incident_id)
            with pytest.raises(NoSuchIncident):
                await city.incidents.acknowledge(OPERATOR, incident_id, 1)


async def test_what_others_write_into_the_entity_stays_and_is_on_the_timeline(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident, _ = await city.incidents.open(OPERATOR, DRAFT)
        foreign = {"id": incident.id, "type": "Incident", "radioChannel": 4, "description": "by NGSI-LD"}
        await city.broker.upsert(part("import"), "", [parse_entity(foreign, CONTEXT)])
        after = await city.incidents.acknowledge(OPERATOR, incident.id, 1)
        assert after.description == "by NGSI-LD"
        assert (
            CONTEXT.expand("radioChannel")
            in (await city.broker.get(OPERATOR, "", incident.id)).entity().attrs
        )
        events = describe_changes(await city.changes(incident.id), CONTEXT, {})
        assert [event.act for event in events] == ["open", "change", "acknowledge"]


async def test_a_reader_cannot_act_whatever_the_rule_is(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident, _ = await city.incidents.open(OPERATOR, DRAFT)
        with pytest.raises(Forbidden):
            await city.incidents.act(
                READER, incident.id, 1, ActRequest(Act.DESCRIBE, lambda each, acting: _renamed(each))
            )


def _renamed(incident: object) -> object:
    from msgspec.structs import replace

    return replace(incident, title="mine")  # type: ignore[type-var]


async def test_the_screen_is_offered_what_is_possible(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident, _ = await city.incidents.open(OPERATOR, DRAFT)
        assert Act.CLOSE in city.incidents.rights.allowed_acts(incident, OPERATOR)
        assert city.incidents.rights.allowed_acts(incident, OFFICER) == []
        assert Act.ACKNOWLEDGE in city.incidents.rights.allowed_acts(incident, FIREFIGHTER)
