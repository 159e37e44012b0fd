"""Types that belong to a part are written by it alone, whichever way somebody takes; its actions are the way."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.test_access import token_of
from app.test_city import bearer
from rhinecloud.app.city import RunningCity
from rhinecloud.kernel.actor import Role

API = "/ngsi-ld/v1"
INCIDENT = "urn:rhinecloud:ns:Incident"
FORGED = {"urn:rhinecloud:ns:act": {"type": "JsonProperty", "json": {"act": "close", "name": "somebody"}}}
STATUS = "urn:rhinecloud:ns:status"
CLOSED = {"type": "Property", "value": "closed"}
FIRE = "urn:ngsi-ld:Agency:fire"
WRITERS = (Role.ADMIN, Role.OPERATOR, Role.AGENCY)


def ways(incident: str) -> list[tuple[str, str, Any]]:
    """Every request that would write an incident's entity."""
    entity, batch = f"{API}/entities/{incident}", f"{API}/entityOperations"
    whole = {"id": incident, "type": INCIDENT, **FORGED}
    return [
        ("POST", f"{API}/entities", {**whole, "id": "urn:x:another"}),
        ("PATCH", entity, FORGED),
        ("PUT", entity, whole),
        ("POST", f"{entity}/attrs", FORGED),
        ("PATCH", f"{entity}/attrs", FORGED),
        ("PATCH", f"{entity}/attrs/{STATUS}", CLOSED),
        ("PUT", f"{entity}/attrs/{STATUS}", CLOSED),
        ("DELETE", f"{entity}/attrs/{STATUS}", None),
        ("DELETE", entity, None),
        ("DELETE", f"{API}/entities?type={INCIDENT}", None),
        ("DELETE", f"{API}/entities?type={INCIDENT}&drop={STATUS}", None),
        ("POST", f"{batch}/create", [{**whole, "id": "urn:x:another"}]),
        ("POST", f"{batch}/upsert", [whole]),
        ("POST", f"{batch}/upsert?options=update", [whole]),
        ("POST", f"{batch}/update", [whole]),
        ("POST", f"{batch}/merge", [whole]),
        ("POST", f"{batch}/delete", [incident]),
        ("POST", f"{API}/entities/urn:x:mine/attrs", {"type": INCIDENT}),
        ("PATCH", f"{API}/entities/urn:x:mine", {"type": INCIDENT}),
        ("POST", f"{batch}/upsert", [{"id": "urn:x:mine", "type": ["Thing", INCIDENT]}]),
    ]


@pytest.mark.parametrize("role", WRITERS)
async def test_an_incident_is_written_by_its_actions_alone(city: RunningCity, role: Role) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
        aiohttp.ClientSession(city.url, headers=await token_of(city, role)) as http,
    ):
        draft = {"title": "Flood", "agency": FIRE}
        async with admin.post("/api/v1/incidents", json=draft) as answer:
            incident = (await answer.json())["id"]
        async with admin.post(f"{API}/entities", json={"id": "urn:x:mine", "type": "Thing"}) as answer:
            assert answer.status == 201
        before = await entity_of(admin, incident)
        for verb, path, body in ways(incident):
            async with http.request(verb, path, json=body) as answer:
                text = await answer.text()
                assert answer.status in (403, 207, 400), f"{verb} {path}: {answer.status} {text}"
                assert "only its own part writes it; use incidents." in text or (
                    role is Role.AGENCY and "may not" in text
                ), f"{verb} {path}: {text}"
            assert await entity_of(admin, incident) == before, f"{verb} {path}"
            async with admin.get(f"{API}/entities/urn:x:another") as answer:
                assert answer.status == 404
        async with http.post(
            "/api/v1/actions/incidents.acknowledge", json={"incident": incident, "name": "somebody"}
        ) as answer:
            assert answer.status == 200, await answer.text()
        async with admin.get(f"/api/v1/incidents/{incident}/timeline") as answer:
            assert (await answer.json())[-1]["actor_name"] == f"a-{role}"


@pytest.mark.parametrize("kind", ["Alert", "Task", "Comment", "Agency"])
async def test_no_protected_type_is_created_over_ngsi_ld(city: RunningCity, kind: str) -> None:
    iri = city.foundation.context.expand(kind)
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as admin:
        async with admin.post(f"{API}/entities", json={"id": "urn:x:1", "type": iri}) as answer:
            problem = await answer.json()
        assert answer.status == 403
        assert "only its own part writes it" in problem["detail"]


async def test_an_import_brings_entities_of_protected_types(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as admin:
        async with admin.post("/api/v1/incidents", json={"title": "Flood"}) as answer:
            incident = (await answer.json())["id"]
        entity = await entity_of(admin, incident)
        async with admin.post("/api/v1/actions/incidents.delete", json={"incident": incident}) as answer:
            assert answer.status == 200, await answer.text()
        bad = {"id": "no uri", "type": INCIDENT}
        async with admin.post("/api/v1/import", json=[entity, bad]) as answer:
            result = await answer.json()
        assert (result["accepted"], [each["id"] for each in result["rejected"]]) == (1, ["no uri"])
        async with admin.get(f"/api/v1/incidents/{incident}") as answer:
            assert (await answer.json())["title"] == "Flood"
    async with (
        aiohttp.ClientSession(city.url, headers=await token_of(city, Role.OPERATOR)) as http,
        http.post("/api/v1/import", json=[entity]) as answer,
    ):
        assert answer.status == 403


async def entity_of(http: aiohttp.ClientSession, entity_id: str) -> dict[str, Any]:
    async with http.get(f"{API}/entities/{entity_id}") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found
