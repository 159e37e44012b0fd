"""What an actor may not read is to it as if it did not exist, whichever way it asks: one rule for every way in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.test_access import token_of
from app.test_city import bearer
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.incidents.acts import ACT_ROUTES
from rhinecloud.kernel.actor import Role
from rhinecloud.loader import Packs

API = "/ngsi-ld/v1"
ENTITY, BATCH = f"{API}/entities/ID", f"{API}/entityOperations"
CARGO = {"id": "urn:x:cargo", "type": "Cargo", "load": {"type": "Property", "value": 3}}
LOAD = {"load": {"type": "Property", "value": 4}}
POLICY = """
@id("partners see no cargo")
forbid (principal, action == Action::"read", resource)
when {
  principal.roles.contains("partner") && resource.types.contains("https://uri.etsi.org/ngsi-ld/default-context/Cargo")
};

@id("partners write no cargo, either")
forbid (principal, action in [Action::"update", Action::"delete"], resource)
when {
  principal.roles.contains("partner") && resource.types.contains("https://uri.etsi.org/ngsi-ld/default-context/Cargo")
};

@id("agencies see no critical incident")
forbid (principal, action == Action::"read", resource)
when { principal.roles.contains("agency") && resource.text.severity.contains("critical") };

@id("agencies open small incidents")
permit (principal, action == Action::"incidents.open", resource)
when {
  principal.roles.contains("agency") && resource.type.contains("Incident") && resource.text.severity.contains("low")
};

@id("and do not act on it")
forbid (principal, action, resource)
when { principal.roles.contains("agency") && resource.text.severity.contains("critical") };
"""
WAYS: list[tuple[str, str, Any]] = [
    ("GET", ENTITY, None),
    ("GET", f"{ENTITY}?options=keyValues", None),
    ("PATCH", ENTITY, LOAD),
    ("PUT", ENTITY, {"type": "Cargo", **LOAD}),
    ("POST", f"{ENTITY}/attrs", LOAD),
    ("PATCH", f"{ENTITY}/attrs", LOAD),
    ("PATCH", f"{ENTITY}/attrs/load", {"value": 4}),
    ("PUT", f"{ENTITY}/attrs/load", LOAD["load"]),
    ("DELETE", f"{ENTITY}/attrs/load", None),
    ("DELETE", ENTITY, None),
    ("POST", f"{BATCH}/update", [{"id": "ID", "type": "Cargo", **LOAD}]),
    ("POST", f"{BATCH}/merge", [{"id": "ID", "type": "Cargo", **LOAD}]),
    ("POST", f"{BATCH}/delete", ["ID"]),
    ("POST", f"{BATCH}/query", {"type": "Query", "entities": [{"id": "ID", "type": "Cargo"}]}),
    ("GET", f"{API}/entities?id=ID&type=Cargo&count=true", None),
    ("GET", f"{API}/entities?id=ID&type=Cargo&count=true&q=load==3", None),
    ("DELETE", f"{API}/entities?id=ID&type=Cargo", None),
    ("GET", "/api/v1/history?entity=ID&attribute=load", None),
    ("POST", "/api/v1/alerts/ID/incident", None),
]
ACTS: list[tuple[str, str, Any]] = [
    ("GET", ENTITY, None),
    ("GET", f"{API}/entities?id=ID&type=Incident&count=true", None),
    ("GET", "/api/v1/history?entity=ID&attribute=title", None),
    ("GET", "/api/v1/incidents/ID", None),
    ("GET", "/api/v1/incidents/ID/timeline", None),
    ("GET", "/api/v1/tasks?incident=ID", None),
    ("POST", "/api/v1/incidents/ID/acknowledge", {"version": 1}),
    ("POST", "/api/v1/incidents/ID/acknowledge", {"version": 99}),
    ("PATCH", "/api/v1/incidents/ID/tasks/urn:x:1", {"version": 1, "status": "done"}),
    ("POST", "/api/v1/incidents/ID/close", {"version": 1, "reason": "test"}),
    *(("POST", f"/api/v1/actions/incidents.{act.name}", {"incident": "ID"}) for act in ACT_ROUTES),
    ("POST", "/api/v1/actions/incidents.comment", {"incident": "ID", "text": "x"}),
    ("POST", "/api/v1/actions/incidents.change_severity", {"incident": "ID", "severity": "low"}),
    (
        "POST",
        "/api/v1/actions/incidents.change_task",
        {"incident": "ID", "task": "urn:x:1", "status": "done"},
    ),
    ("POST", "/api/v1/actions/incidents.delete", {"incident": "ID"}),
]


@pytest.fixture
async def city(folder: Path) -> AsyncIterator[RunningCity]:
    (folder / "policies").mkdir()
    (folder / "policies/hidden.cedar").write_text(POLICY, encoding="utf-8")
    running = RunningCity(read_city(folder), packs=Packs())
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def test_a_hidden_entity_is_as_none_in_every_request(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as admin:
        async with admin.post(f"{API}/entities", json=CARGO) as answer:
            assert answer.status == 201
        partner = await token_of(city, Role.PARTNER)
        await compare(city, partner, WAYS, CARGO["id"])
        async with admin.get(f"{API}/entities/{CARGO['id']}") as answer:
            assert (await answer.json())["load"]["value"] == 3
        async with admin.delete(f"{API}/entities/{CARGO['id']}") as answer:
            assert answer.status == 204
        await compare(city, partner, WAYS, CARGO["id"])


async def test_a_hidden_type_is_as_none_in_what_there_is(city: RunningCity) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=await token_of(city, Role.PARTNER)) as partner,
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
    ):
        paths = ("types", "types?details=true", "types/Cargo", "attributes", "attributes/load")

        async def seen() -> list[tuple[int, str]]:
            found = []
            for path in paths:
                async with partner.get(f"{API}/{path}") as answer:
                    text = await answer.text()
                    found.append((answer.status, text.partition("urn:ngsi-ld:TypeList:")[0]))
            return found

        before = await seen()
        async with admin.post(f"{API}/entities", json=CARGO) as answer:
            assert answer.status == 201
        assert await seen() == before


async def test_a_hidden_incident_is_as_none_in_every_act(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as admin:
        draft = {"title": "Raid", "severity": "critical", "agency": "urn:ngsi-ld:Agency:fire"}
        async with admin.post("/api/v1/incidents", json=draft) as answer:
            assert answer.status == 201, await answer.text()
            incident = (await answer.json())["id"]
    await compare(city, await token_of(city, Role.AGENCY), ACTS, incident)


async def test_an_incident_is_opened_by_whom_the_policy_permits_this_one(city: RunningCity) -> None:
    """The permit looks at the incident: by the route and by the action it is asked about the one to be opened."""
    async with aiohttp.ClientSession(city.url, headers=await token_of(city, Role.AGENCY)) as http:
        for path in ("/api/v1/incidents", "/api/v1/actions/incidents.open"):
            for severity, expected in (("low", (200, 201)), ("high", (403,)), ("critical", (403,))):
                draft = {"title": "Fire", "severity": severity}
                async with http.post(path, json=draft) as answer:
                    assert answer.status in expected, await answer.text()
        async with http.get("/api/v1/incidents") as answer:
            assert [each["severity"] for each in (await answer.json())["items"]] == ["low", "low"]


async def compare(
    city: RunningCity, headers: dict[str, str], ways: list[tuple[str, str, Any]], hidden: str
) -> None:
    """Ask for a hidden entity and for one that there never was, and have the same answers."""
    async with aiohttp.ClientSession(city.url, headers=headers) as http:
        for verb, path, body in ways:
            of_hidden, of_none = [await asked(http, verb, path, body, each) for each in (hidden, "urn:x:no")]
            assert of_hidden == of_none, f"{verb} {path}"
            assert of_hidden[0] in (200, 204, 207, 400, 403, 404), f"{verb} {path}: {of_hidden}"


async def asked(
    http: aiohttp.ClientSession, verb: str, path: str, body: Any, entity_id: str
) -> tuple[int, str, str]:
    named = _with_id(body, entity_id)
    async with http.request(verb, path.replace("ID", entity_id), json=named) as answer:
        text = (await answer.text()).replace(entity_id, "ID")
        return answer.status, text, answer.headers.get("NGSILD-Results-Count", "")


def _with_id(body: Any, entity_id: str) -> Any:
    if isinstance(body, dict):
        return {name: _with_id(each, entity_id) for name, each in body.items()}
    if isinstance(body, list):
        return [_with_id(each, entity_id) for each in body]
    return entity_id if body == "ID" else body
