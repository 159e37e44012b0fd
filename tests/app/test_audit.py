"""The audit trail of a real city: every administrative act and every refusal, with who, what and from where."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

import aiohttp
from fastapi import Depends, FastAPI, HTTPException

from app.test_access import token_of
from app.test_city import GAUGE, bearer
from rhinecloud.app.city import RunningCity
from rhinecloud.audit import AuditEntry
from rhinecloud.audit.reading import AuditFilter, read_page
from rhinecloud.kernel.actor import Role


async def audit(http: aiohttp.ClientSession, **wanted: str) -> list[dict[str, Any]]:
    async with http.get("/api/v1/audit", params=wanted) as answer:
        assert answer.status == 200, await answer.text()
        entries: list[dict[str, Any]] = (await answer.json())["entries"]
        return entries


async def test_administrative_acts_are_recorded(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        user = {"name": "fire-desk", "roles": ["operator"]}
        async with http.post("/api/v1/users", json=user, headers={"X-Request-ID": "abc-1"}) as answer:
            assert answer.status == 201
        async with http.post("/api/v1/users", json=user) as answer:
            assert answer.status == 409
        async with http.patch("/api/v1/users/fire-desk", json={"roles": ["reader"]}) as answer:
            assert answer.status == 200
        async with http.get("/api/v1/users") as answer:
            assert answer.status == 200
        async with http.get("/api/v1/export") as answer:
            await answer.read()
        made, again, changed, exported = (await audit(http))[::-1]
        assert made["resource"] == "POST /api/v1/users fire-desk: operator"
        assert (made["action"], made["outcome"]) == ("administer", "done")
        assert (made["request_id"], made["address"]) == ("abc-1", "127.0.0.1")
        assert made["roles"] == ["admin"]
        assert (again["outcome"], again["reason"]) == ("failed", "the account 'fire-desk' exists already")
        assert changed["resource"] == "PATCH /api/v1/users/fire-desk roles=['reader']"
        assert exported["resource"] == "GET /api/v1/export"


async def test_refusals_are_recorded_wherever_they_happen(city: RunningCity) -> None:
    partner = await token_of(city, Role.PARTNER)
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
        aiohttp.ClientSession(city.url, headers=partner) as http,
    ):
        alert = {"id": "urn:x:alert", "type": "https://smartdatamodels.org/dataModel.Alert/Alert"}
        async with admin.post("/api/v1/import", json=[alert]) as answer:
            assert (await answer.json())["accepted"] == 1
        for verb, path, body in (
            ("GET", "/ngsi-ld/v1/entities/urn:x:alert", None),
            ("POST", "/ngsi-ld/v1/entityOperations/create", [{**alert, "id": "urn:x:other"}]),
            ("PATCH", "/ngsi-ld/v1/entities/urn:x:alert", {"severity": {"type": "Property", "value": "low"}}),
            ("GET", "/api/v1/users", None),
            ("GET", "/api/v1/audit", None),
        ):
            async with http.request(verb, path, json=body) as answer:
                assert answer.status in (207, 403, 404), await answer.text()
        found = await audit(admin, actor="urn:rhinecloud:token:a-partner")
        assert [(each["action"], each["resource"], each["outcome"]) for each in found[::-1]] == [
            ("read", "urn:x:alert", "denied"),
            ("create", "urn:x:other", "denied"),
            ("update", "urn:x:alert", "denied"),
            ("administer", "", "denied"),
        ]
        assert {each["address"] for each in found} == {"127.0.0.1"}
        assert all(each["request_id"] for each in found)


async def test_an_act_is_on_record_before_its_answer_is_sent(city: RunningCity) -> None:
    """A process that is killed right after the answer must not lose the line."""
    api = FastAPI()
    may = city.space.access.may("administer")

    @api.post("/works", dependencies=[Depends(may)])
    async def works() -> str:
        return "done"

    @api.post("/fails", dependencies=[Depends(may)])
    async def fails() -> None:
        raise HTTPException(409, "it failed")

    @api.post("/breaks", dependencies=[Depends(may)])
    async def breaks() -> None:
        raise RuntimeError("a secret")

    for path, expected in (
        ("/works", ("done", "")),
        ("/fails", ("failed", "HTTPException: see the log")),
        ("/breaks", ("failed", "RuntimeError: see the log")),
    ):
        lines: list[AuditEntry] = []
        with contextlib.suppress(RuntimeError):
            await api(*asked(city, path, partial(_note_lines, city, lines)))
        assert [(each.outcome, each.reason) for each in lines] == [expected]
        assert lines[0].resource == f"POST {path}"


def _note_lines(city: RunningCity, lines: list[AuditEntry]) -> None:
    lines[:] = read_page(city.foundation.audit.folder, AuditFilter(action="administer"), 1).entries


def asked(city: RunningCity, path: str, on_answer: Callable[[], None]) -> tuple[Any, Any, Any]:
    """A POST by an administrator as an ASGI server passes it on; `on_answer` is called when the answer begins."""
    (name, value) = next(iter(bearer(city).items()))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            on_answer()

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode())],
    }
    return scope, receive, send


async def test_a_refused_action_is_recorded_once_and_its_flood_is_counted(city: RunningCity) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
        aiohttp.ClientSession(city.url, headers=await token_of(city, Role.PARTNER)) as partner,
    ):
        for number in range(20):
            draft = {"title": f"number {number}"}
            async with partner.post("/api/v1/actions/incidents.open", json=draft) as answer:
                assert answer.status == 403
        city.foundation.audit.flush()
        found = await audit(admin, actor="urn:rhinecloud:token:a-partner")
        assert [(each["action"], each["outcome"], each["count"]) for each in found[::-1]] == [
            ("incidents.open", "denied", 1),
            ("incidents.open", "denied", 19),
        ]


async def test_sign_ins_are_recorded_without_what_was_typed(city: RunningCity) -> None:
    once = await city.foundation.identity.reset_password("admin")
    async with aiohttp.ClientSession(city.url) as http:
        for name, password in (("admin", "wrong-password"), ("my-secret-password", "x"), ("admin", once)):
            async with http.post("/api/v1/session", json={"name": name, "password": password}) as answer:
                assert answer.status == (200 if password == once else 401)
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        good, unknown, wrong = await audit(http, action="sign_in")
        assert (good["actor"], good["outcome"]) == ("urn:rhinecloud:account:admin", "done")
        assert (unknown["resource"], unknown["outcome"]) == ("(no such account)", "denied")
        assert (wrong["resource"], wrong["reason"]) == ("admin", "name or password is wrong")
    (path,) = (city.settings.data / "audit").iterdir()
    assert "secret" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_is_done_to_the_subscriptions_of_others_is_recorded(city: RunningCity) -> None:
    subscription = {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Gauge"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
    }
    path = "/ngsi-ld/v1/subscriptions"
    async with (
        aiohttp.ClientSession(city.url, headers=await token_of(city, Role.PARTNER)) as partner,
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
    ):
        for name in ("urn:ngsi-ld:Subscription:1", "urn:ngsi-ld:Subscription:2"):
            async with partner.post(path, json={**subscription, "id": name}) as answer:
                assert answer.status == 201
        async with partner.delete(f"{path}/urn:ngsi-ld:Subscription:2") as answer:
            assert answer.status == 204
        async with admin.delete(f"{path}/urn:ngsi-ld:Subscription:1") as answer:
            assert answer.status == 204
        (entry,) = await audit(admin, action="manage_subscriptions")
        assert entry["resource"] == "delete urn:ngsi-ld:Subscription:1"


async def test_a_flood_of_refusals_is_counted(city: RunningCity) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
        aiohttp.ClientSession(city.url, headers=await token_of(city, Role.DEVICE)) as device,
    ):

        async def ask() -> None:
            async with device.post("/ngsi-ld/v1/entities", json=GAUGE) as answer:
                assert answer.status == 403

        await asyncio.gather(*(ask() for _ in range(300)))
        city.foundation.audit.flush()
        found = await audit(admin, actor="urn:rhinecloud:token:a-device")
        assert sum(each["count"] for each in found) == 300
        assert len(found) == 2


async def test_the_session_says_what_the_actor_may_do(city: RunningCity) -> None:
    expected = {
        Role.ADMIN: {"read", "create", "administer", "operate", "see_people", "manage_subscriptions"},
        Role.READER: {"read", "see_status"},
        Role.PARTNER: {"read", "create", "update", "delete", "subscribe", "host_context"},
    }
    for role, actions in expected.items():
        async with aiohttp.ClientSession(city.url, headers=await token_of(city, role)) as http:
            async with http.get("/api/v1/session") as answer:
                found = set((await answer.json())["actions"])
                assert found >= actions if role is Role.ADMIN else found == actions


async def test_a_token_is_bound_to_its_purpose(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        body = {"name": "study", "roles": ["partner"], "purpose": "research"}
        async with http.post("/api/v1/tokens", json=body) as answer:
            made = await answer.json()
        assert made["token"]["purpose"] == "research"
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with aiohttp.ClientSession(city.url, headers=headers) as http:
        for stated, status in ((None, 200), ("research", 200), ("advertising", 403), ("two words", 400)):
            more = {"Data-Purpose": stated} if stated else {}
            async with http.get("/ngsi-ld/v1/entities?type=Gauge", headers=more) as answer:
                assert answer.status == status, await answer.text()
