"""The incidents' routes: two people at two screens, typed answers, problems that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import Request

from incidents.assembly import (
    FIRE,
    FIREFIGHTER,
    OFFICER,
    OPERATOR,
    PLACE,
    POLICE,
    READER,
    IncidentCity,
    open_incidents,
)
from rhinecloud.app.api import build_api
from rhinecloud.app.problem import Problems
from rhinecloud.history.sqlite import HotTable
from rhinecloud.incidents.model import INCIDENT, TASK
from rhinecloud.incidents.part import PART
from rhinecloud.incidents.routes import incident_routes
from rhinecloud.incidents.timelines import Timelines
from rhinecloud.kernel.actor import Actor

PEOPLE = {"olga": OPERATOR, "fred": FIREFIGHTER, "paul": OFFICER, "rita": READER}


async def who(request: Request) -> Actor:
    return PEOPLE[request.headers["x-who"]]


def name_of(text: str) -> str:
    return {FIREFIGHTER.id: FIREFIGHTER.name}.get(text, text)


@asynccontextmanager
async def screens(folder: Path) -> AsyncIterator[tuple[IncidentCity, dict[str, httpx.AsyncClient]]]:
    history = HotTable(folder / "history.db", [INCIDENT, TASK])
    await history.open()
    async with open_incidents(folder) as city:
        timelines = Timelines(city.incidents, history, city.broker, city.context, name_of=name_of)
        api = build_api(
            "0",
            [incident_routes(city.incidents, city.escalation, timelines, who, name_of)],
            Problems(PART.errors),
        )
        transport = httpx.ASGITransport(api)
        url = "http://city/api/v1"
        clients = {
            name: httpx.AsyncClient(transport=transport, base_url=url, headers={"x-who": name})
            for name in PEOPLE
        }
        try:
            yield city, clients
        finally:
            for client in clients.values():
                await client.aclose()
            await history.append(await city.changes())
            await history.close()


NEW = {"title": "Flooded underpass", "severity": "high", "location": PLACE, "agency": FIRE}


async def test_of_two_people_at_once_one_gets_the_present_version(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        assert (made["status"], made["version"], made["agency"], made["address"]) == ("new", 1, FIRE, None)
        url = f"/incidents/{made['id']}/acknowledge"
        first, second = await asyncio.gather(
            at["olga"].post(url, json={"version": 1}), at["fred"].post(url, json={"version": 1})
        )
        assert sorted([first.status_code, second.status_code]) == [200, 409]
        problem = next(each for each in (first, second) if each.status_code == 409)
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["version"] == 2
        assert "it is at 2" in problem.json()["detail"]


async def test_an_illegal_act_says_what_is_possible(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        answer = await at["olga"].post(f"/incidents/{made['id']}/resolve", json={"version": 1})
        assert answer.status_code == 409
        assert (
            "the incident is new: resolve is not possible (acknowledge it first)" in answer.json()["detail"]
        )


async def test_each_person_sees_what_they_may_do(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        seen = {name: (await client.get(f"/incidents/{made['id']}")).json() for name, client in at.items()}
        assert "close" in seen["olga"]["allowed"]
        assert "acknowledge" in seen["fred"]["allowed"]
        assert seen["paul"]["allowed"] == seen["rita"]["allowed"] == []
        refused = await at["paul"].post(f"/incidents/{made['id']}/acknowledge", json={"version": 1})
        assert refused.status_code == 403
        assert (await at["rita"].post("/incidents", json=NEW)).status_code == 403


async def test_an_incident_is_handled_over_http_and_has_its_timeline(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        url = f"/incidents/{made['id']}"

        async def act(name: str, verb: str, **body: object) -> dict:
            version = (await at[name].get(url)).json()["version"]
            answer = await at[name].post(f"{url}/{verb}", json={"version": version, **body})
            assert answer.status_code in (200, 201), answer.text
            return answer.json()

        await act("fred", "acknowledge")
        await act("fred", "start")
        with_task = await act("fred", "tasks", title="Pump")
        task = with_task["tasks"][0]["id"]
        done = await at["fred"].patch(f"{url}/tasks/{task}", json={"version": 4, "done": True})
        assert done.json()["tasks"][0]["done"] is True
        await act("fred", "comment", text="Water falls")
        await act("olga", "severity", severity="low")
        described = await at["olga"].patch(url, json={"version": 7, "title": "Underpass", "location": None})
        assert (described.json()["title"], described.json()["location"]) == ("Underpass", None)
        await act("fred", "resolve", resolution="dry")
        closed = await act("olga", "close", reason="resolved")
        assert (closed["status"], closed["closing_reason"]) == ("closed", "resolved")
        page = (await at["rita"].get("/incidents", params={"status": "closed"})).json()
        assert (page["total"], page["items"][0]["id"], page["more"]) == (1, made["id"], False)
        events = (await at["rita"].get(f"{url}/timeline")).json()
        assert events[-1]["act"] == "close"  # the history does not have it yet
    async with screens(tmp_path) as (_, at):
        events = (await at["rita"].get(f"{url}/timeline")).json()
        assert [each["act"] for each in events] == [
            *("open", "acknowledge", "start", "add_task", "change_task", "comment", "severity", "describe"),
            *("resolve", "close"),
        ]
        assert events[-1]["details"]["closing_reason"] == {"from": None, "to": "resolved"}
        assert events[1]["texts"]["de"] == "Fred hat den Vorfall angenommen"


async def test_an_operator_opens_the_incident_of_an_alert(tmp_path: Path) -> None:
    async with screens(tmp_path) as (city, at):
        alert = await city.alert(callsForIncident=False)
        answer = await at["olga"].post(f"/alerts/{alert}/incident")
        assert answer.status_code == 200
        assert answer.json()["alerts"] == [alert]
        assert answer.headers["location"] == f"/api/v1/incidents/{answer.json()['id']}"
        again = await at["olga"].post(f"/alerts/{alert}/incident")
        assert again.json()["id"] == answer.json()["id"]
        assert (await at["fred"].post(f"/alerts/{alert}/incident")).status_code == 403
        assert (await at["olga"].post("/alerts/urn:x:none/incident")).status_code == 404


async def test_each_wrong_member_is_refused_by_its_name(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        url = f"/incidents/{made['id']}"
        for path, body, field in (
            ("/incidents", {"title": ""}, "title"),
            ("/incidents", {**NEW, "severity": "huge"}, "severity"),
            ("/incidents", {**NEW, "agency": "urn:x:none"}, "agency"),
            ("/incidents", {**NEW, "location": {"type": "Point", "coordinates": ["a"]}}, "location"),
            (f"{url}/acknowledge", {}, "version"),
            (f"{url}/close", {"version": 1, "reason": "duplicate"}, "duplicate_of"),
        ):
            answer = await at["olga"].post(path, json=body)
            assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
        assert (await at["olga"].get("/incidents/urn:x:none")).status_code == 404


async def test_an_incident_made_by_a_rule_is_read_in_the_askers_language(tmp_path: Path) -> None:
    async with screens(tmp_path) as (city, at):
        texts = {"type": "LanguageProperty", "languageMap": {"de": "Pegel steigt", "en": "Level rises"}}
        await city.alert(message=texts)
        await city.process()

        async def read(**asked: Any) -> tuple[str, str]:
            [item] = (await at["olga"].get("/incidents", **asked)).json()["items"]
            assert item["titles"] == {"de": "Hochwasser", "en": "High water"}
            return item["title"], item["description"]

        german, english = ("Hochwasser", "Pegel steigt"), ("High water", "Level rises")
        assert await read() == german
        assert await read(headers={"Accept-Language": "fr, en-GB;q=0.8, de;q=0.3"}) == english
        assert await read(params={"lang": "de"}, headers={"Accept-Language": "en"}) == german
        assert await read(headers={"Accept-Language": "nl"}) == german


async def test_what_a_person_writes_is_in_that_language_alone(tmp_path: Path) -> None:
    async with screens(tmp_path) as (city, at):
        await city.alert()
        await city.process()
        [made] = (await at["olga"].get("/incidents")).json()["items"]
        body = {"version": made["version"], "title": "Deich undicht"}
        described = (
            await at["olga"].patch(f"/incidents/{made['id']}", json=body, params={"lang": "en"})
        ).json()
        assert (described["title"], described["titles"]) == ("Deich undicht", None)


async def test_an_assignee_who_has_an_account_is_named(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        url = f"/incidents/{made['id']}/assign"
        given = (await at["olga"].post(url, json={"version": 1, "assignee": FIREFIGHTER.id})).json()
        assert (given["assignee"], given["assignee_name"]) == (FIREFIGHTER.id, FIREFIGHTER.name)
        timeline = (await at["olga"].get(f"/incidents/{made['id']}/timeline")).json()
        assert timeline[-1]["texts"]["en"] == f"Olga assigned the incident: Fire brigade, {FIREFIGHTER.name}"
        free = (await at["olga"].post(url, json={"version": 2, "assignee": "Eva"})).json()
        assert (free["assignee"], free["assignee_name"]) == ("Eva", "Eva")


async def test_an_agency_finds_its_tasks_and_sets_their_status(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        url = f"/incidents/{made['id']}/tasks"
        task = {
            "version": 1,
            "title": "Close the road",
            "agency": POLICE,
            "due_at": "2026-03-01T15:00:00+01:00",
        }
        added = await at["fred"].post(url, json=task)
        assert added.status_code == 201
        (shown,) = added.json()["tasks"]
        assert (shown["agency"], shown["due_at"], shown["status"], shown["allowed"]) == (
            POLICE,
            "2026-03-01T14:00:00Z",
            "open",
            ["change_task"],
        )
        mine = {"agency": POLICE, "status": "pending", "due_before": "2026-03-01T14:00:01Z"}
        page = (await at["paul"].get("/tasks", params=mine)).json()
        (found,) = page["items"]
        assert (page["total"], found["incident_title"], found["allowed"]) == (
            1,
            NEW["title"],
            ["change_task"],
        )
        assert (await at["rita"].get("/tasks", params=mine)).json()["items"][0]["allowed"] == []
        change = {"version": found["incident_version"], "status": "in_progress", "due_at": None}
        changed = (await at["paul"].patch(f"{url}/{found['id']}", json=change)).json()
        assert (changed["tasks"][0]["status"], changed["tasks"][0]["due_at"]) == ("in_progress", None)
        assert (changed["allowed"], changed["version"]) == ([], 3)
        stale = await at["fred"].patch(f"{url}/{found['id']}", json=change)
        assert stale.status_code == 409
        assert "it is at 3, where Paul did: change_task" in stale.json()["detail"]


async def test_a_change_of_a_task_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    async with screens(tmp_path) as (_, at):
        made = (await at["olga"].post("/incidents", json=NEW)).json()
        url = f"/incidents/{made['id']}/tasks"
        shown = (await at["olga"].post(url, json={"version": 1, "title": "Pump"})).json()["tasks"][0]
        for body, attributes in (
            ({"done": True, "status": "open"}, "must not be combined"),
            ({"status": "forgotten"}, "status"),
            ({"due_at": "2026-03-01T15:00:00"}, "due_at"),
        ):
            answer = await at["olga"].patch(f"{url}/{shown['id']}", json={"version": 2, **body})
            assert answer.status_code == 400
            assert attributes in answer.text
        wrong = await at["olga"].get("/tasks", params={"status": "forgotten"})
        assert wrong.status_code == 400
        assert "must be pending, open" in wrong.text
        unknown = await at["olga"].post(url, json={"version": 2, "title": "x", "agency": "urn:x:1"})
        assert (unknown.status_code, unknown.json()["field"]) == (400, "agency")
