"""Other parts and packs open incidents and act on them by name, with the rights of who calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from incidents.assembly import (
    FIRE,
    FIREFIGHTER,
    OFFICER,
    OPERATOR,
    POLICE,
    READER,
    IncidentCity,
    open_incidents,
)
from rhinecloud.incidents.actions import incident_actions
from rhinecloud.incidents.rights import incident_rights
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from rhinecloud.part import Actions
from rhinecloud.policy import Authorization, Denied, Policies


@asynccontextmanager
async def called(folder: Path) -> AsyncIterator[tuple[IncidentCity, Actions]]:
    """Yield the actions of incidents under the policy that the part contributes."""
    policy = Authorization(Policies([("incidents", incident_rights())]))

    def allow(actor: Actor, name: str) -> None:
        policy.check_could(actor, name)

    async with open_incidents(folder) as city:
        actions = Actions(allow)
        for action in incident_actions(city.incidents, city.agencies):
            actions.add(action)
        yield city, actions


async def test_an_incident_is_opened_and_handled_by_actions(tmp_path: Path) -> None:
    async with called(tmp_path) as (city, actions):
        opened = await actions.call(OPERATOR, "incidents.open", {"title": "Flood", "severity": "high"})
        of = {"incident": opened["incident"]}
        await actions.call(OPERATOR, "incidents.assign", {**of, "agency": FIRE})
        await actions.call(FIREFIGHTER, "incidents.acknowledge", of)
        task = await actions.call(
            FIREFIGHTER,
            "incidents.add_task",
            {**of, "title": "Close the road", "agency": POLICE, "due_at": "2026-03-01T15:00:00+01:00"},
        )
        closing = {**of, "task": task["created"], "status": "done"}
        await actions.call(OFFICER, "incidents.change_task", closing)
        await actions.call(FIREFIGHTER, "incidents.comment", {**of, "text": "dry"})
        await actions.call(OPERATOR, "incidents.describe", {**of, "title": "Flood at the bridge"})
        result = await actions.call(OPERATOR, "incidents.close", {**of, "reason": "no_action"})
        incident = await city.incidents.get(READER, opened["incident"])
    assert result == {"incident": incident.id, "version": 8, "status": "closed", "created": None}
    assert (incident.title, incident.tasks[0].due_at) == ("Flood at the bridge", "2026-03-01T14:00:00Z")
    assert (incident.tasks[0].done, incident.comments[0].text) == (True, "dry")


async def test_what_is_called_again_with_its_key_is_done_once(tmp_path: Path) -> None:
    async with called(tmp_path) as (city, actions):
        draft = {"title": "Flood", "idempotency_key": "case 7"}
        opened = await actions.call(OPERATOR, "incidents.open", draft)
        assert await actions.call(OPERATOR, "incidents.open", draft) == opened
        task = {"incident": opened["incident"], "title": "Pump", "idempotency_key": "step 1", "version": 1}
        added = await actions.call(OPERATOR, "incidents.add_task", task)
        assert await actions.call(OPERATOR, "incidents.add_task", task) == added
        other = await actions.call(
            OPERATOR, "incidents.add_task", {**task, "version": 0, "idempotency_key": "2"}
        )
        assert other["created"] != added["created"]
        incident = await city.incidents.get(READER, opened["incident"])
        assert [each.id for each in incident.tasks] == [added["created"], other["created"]]
        assert incident.version == 3


async def test_two_callers_with_one_key_do_two_things(tmp_path: Path) -> None:
    """A key is the caller's own: another one can neither see nor hinder what is done with it."""
    other_operator = replace(OPERATOR, id="other")
    async with called(tmp_path) as (_, actions):
        draft = {"title": "Flood", "idempotency_key": "case 7"}
        first = await actions.call(OPERATOR, "incidents.open", draft)
        second = await actions.call(other_operator, "incidents.open", {**draft, "title": "Fire"})
        assert second["incident"] != first["incident"]
        task = {"incident": first["incident"], "title": "Pump", "idempotency_key": "step"}
        added = await actions.call(OPERATOR, "incidents.add_task", task)
        assert await actions.call(other_operator, "incidents.add_task", task) != added


async def test_an_administrator_deletes_an_incident_and_nobody_else_does(tmp_path: Path) -> None:
    admin = Actor("user:ada", "Ada", frozenset({Role.ADMIN}))
    async with called(tmp_path) as (city, actions):
        opened = await actions.call(OPERATOR, "incidents.open", {"title": "Flood", "agency": FIRE})
        of = {"incident": opened["incident"]}
        for who in (OPERATOR, FIREFIGHTER):
            with pytest.raises(Denied):
                await actions.call(who, "incidents.delete", of)
        await actions.call(admin, "incidents.delete", of)
        with pytest.raises(NotFound):
            await city.incidents.get(OPERATOR, opened["incident"])


async def test_operators_keep_the_list_of_agencies(tmp_path: Path) -> None:
    async with called(tmp_path) as (city, actions):
        made = await actions.call(OPERATOR, "incidents.create_agency", {"name": "Harbour police"})
        with pytest.raises(Conflict, match="exists already"):
            await actions.call(OPERATOR, "incidents.create_agency", made)
        for who, name, parameters in (
            (FIREFIGHTER, "incidents.create_agency", {"name": "x"}),
            (READER, "incidents.delete_agency", {"agency": made["id"]}),
        ):
            with pytest.raises(Denied):
                await actions.call(who, name, parameters)
        await actions.call(OPERATOR, "incidents.delete_agency", {"agency": made["id"]})
        assert made["id"] not in {each.id for each in await city.agencies.list(OPERATOR)}


async def test_an_action_gives_no_right_that_the_act_does_not(tmp_path: Path) -> None:
    async with called(tmp_path) as (_, actions):
        opened = await actions.call(OPERATOR, "incidents.open", {"title": "Flood", "agency": FIRE})
        of = {"incident": opened["incident"]}
        with pytest.raises(Forbidden):
            await actions.call(READER, "incidents.comment", {**of, "text": "x"})
        with pytest.raises(Denied):
            await actions.call(OFFICER, "incidents.comment", {**of, "text": "x"})
        with pytest.raises(Denied):
            await actions.call(FIREFIGHTER, "incidents.open", {"title": "x"})
        with pytest.raises(Invalid, match="reason"):
            await actions.call(OPERATOR, "incidents.close", of)
        with pytest.raises(Conflict, match="you saw version 7"):
            await actions.call(OPERATOR, "incidents.acknowledge", {**of, "version": 7})
