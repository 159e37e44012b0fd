"""The ASGI application: authentication, CORS, limits, and repeated requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.assembly import BrokerApi, open_broker
from rhinecloud.broker.errors import MethodNotAllowed, NotAcceptable
from rhinecloud.broker.http.link import context_link, context_url
from rhinecloud.broker.http.media import DOCUMENT, SPATIAL, Media, choose
from rhinecloud.broker.http.prefer import preferences, preferred_version
from rhinecloud.broker.http.router import Router
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.actor import Actor, Role, part
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.subscriptions.routes import subscription_routes

ROUTES = routes_with(subscription_routes(None))

CRANE = {"id": "urn:ngsi-ld:Crane:7", "type": "Crane", "load": 12}
INCIDENT = {"id": "urn:ngsi-ld:Incident:1", "type": "urn:rhinecloud:ns:Incident", "title": "fire"}
READER = Actor(id="reader", name="reader", roles=frozenset({Role.READER}))
PARTNER = Actor(id="partner", name="partner", roles=frozenset({Role.PARTNER}))
DEVICE = Actor(id="device", name="device", roles=frozenset({Role.DEVICE}))
SYSTEM = part("incidents")
ACTORS = (READER, PARTNER, DEVICE, SYSTEM)


def test_media_are_chosen_by_weight_then_by_order() -> None:
    assert choose("application/geo+json, application/ld+json;q=0.5", SPATIAL) is Media.GEO
    assert choose("application/geo+json, application/ld+json;q=0.5", DOCUMENT) is Media.LD
    with pytest.raises(NotAcceptable):
        choose("image/png", DOCUMENT)


def test_the_context_is_found_among_links() -> None:
    link = context_link("https://example.org/a,b;c.jsonld").decode()
    assert context_url(f'<https://x.example>; rel="next", {link}') == "https://example.org/a,b;c.jsonld"
    assert context_url("<https://x.example>; rel=help") is None
    assert context_url("") is None
    with pytest.raises(Invalid):
        context_url(f"{link}, {link}")


def test_preferences_are_read_in_every_spelling() -> None:
    assert preferences('respond-async, Body="json";x=1, wait=5') == {
        "respond-async": "",
        "body": "json",
        "wait": "5",
    }
    assert preferred_version("NGSI-LD=1.3;q=0.1") == (1, 3)
    assert preferred_version("ngsi-ld=soon") is None


def test_paths_lead_to_their_routes_and_give_their_variables() -> None:
    router = Router(ROUTES)
    route, variables = router.find("GET", b"/entities/urn%3Angsi-ld%3AA%2FB")
    assert (route.operation, variables) == ("retrieveEntity", {"entityId": "urn:ngsi-ld:A/B"})
    route, variables = router.find("PATCH", b"/entities/urn:x:1/attrs/https%3A%2F%2Fx.example%2Flevel/")
    assert variables == {"entityId": "urn:x:1", "attrId": "https://x.example/level"}
    assert router.find("HEAD", b"/types")[0].operation == "retrieveEntityTypes"
    with pytest.raises(MethodNotAllowed):
        router.find("PUT", b"/types")
    with pytest.raises(NotFound):
        router.find("GET", b"/entities//attrs/x/y")
    with pytest.raises(Invalid):
        router.find("GET", b"/types/%ff")


def test_no_two_routes_share_a_verb_and_a_path() -> None:
    seen = [(route.verb, route.path) for route in ROUTES]
    assert len(seen) == len(set(seen))


async def test_the_policy_stands_at_every_verb(tmp_path: Path) -> None:
    async with open_broker(tmp_path, actors=ACTORS) as api:
        assert (await api.call("POST", "/entities", CRANE, actor=READER)).status == 403
        assert (await api.call("POST", "/entities", CRANE, actor=PARTNER)).status == 201
        path = f"/entities/{CRANE['id']}"
        assert (await api.call("GET", path, actor=READER)).status == 200
        for verb, body in (("PATCH", {"load": 1}), ("PUT", CRANE), ("DELETE", None)):
            assert (await api.call(verb, path, body, actor=READER)).status == 403
        assert (await api.call("POST", f"{path}/attrs", {"a": 1}, actor=READER)).status == 403
        assert (await api.call("DELETE", f"{path}/attrs/load", actor=READER)).status == 403
        batch = await api.call("POST", "/entityOperations/upsert", [CRANE], actor=READER)
        assert batch.json()["errors"][0]["error"]["status"] == 403
        for asked in ("/types", "/attributes", "/entities?type=Crane", path, "/entities/urn:x:none"):
            assert (await api.call("GET", asked, actor=DEVICE)).status == 403
        hosted = {"@context": {}}
        assert (await api.call("POST", "/jsonldContexts", hosted, actor=READER)).status == 403


@pytest.mark.parametrize("actor", [READER, DEVICE])
async def test_an_actor_without_the_right_to_write_cannot_find_out_what_exists(
    tmp_path: Path, actor: Actor
) -> None:
    async with open_broker(tmp_path, actors=ACTORS) as api:
        assert (await api.call("POST", "/entities", CRANE)).status == 201
        for name in (CRANE["id"], "urn:ngsi-ld:Crane:none"):
            entity = {**CRANE, "id": name}
            for verb, body in (("PATCH", {"load": 1}), ("PUT", entity), ("DELETE", None)):
                assert (await api.call(verb, f"/entities/{name}", body, actor=actor)).status == 403
        assert (await api.call("DELETE", "/entities/urn:ngsi-ld:Crane:none")).status == 404


async def test_partners_do_not_see_the_citys_own_work(tmp_path: Path) -> None:
    async with open_broker(tmp_path, actors=ACTORS) as api:
        await api.call("POST", "/entityOperations/create", [INCIDENT, CRANE], actor=SYSTEM)
        seen = await api.call("GET", "/entities?local=true&count=true", actor=PARTNER)
        assert [each["id"] for each in seen.json()] == [CRANE["id"]]
        assert seen.headers["ngsild-results-count"] == "1"
        assert (await api.call("GET", f"/entities/{INCIDENT['id']}", actor=PARTNER)).status == 404
        change = [{**CRANE, "type": [INCIDENT["type"], "Crane"]}]
        answer = await api.call("POST", "/entityOperations/update", change, actor=PARTNER)
        assert answer.json()["errors"][0]["error"]["status"] == 403
        assert (await api.call("GET", "/types", actor=PARTNER)).json()["typeList"] == ["Crane"]


async def test_linked_entities_that_may_not_be_seen_stay_out(tmp_path: Path) -> None:
    async with open_broker(tmp_path, actors=ACTORS) as api:
        crane = {**CRANE, "cause": {"object": INCIDENT["id"]}}
        await api.call("POST", "/entityOperations/create", [INCIDENT, crane], actor=SYSTEM)
        path = f"/entities/{CRANE['id']}?join=inline"
        assert "entity" in (await api.call("GET", path)).json()["cause"]
        assert "entity" not in (await api.call("GET", path, actor=PARTNER)).json()["cause"]


async def test_a_document_changes_when_its_entity_does(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await api.call("POST", "/entities", CRANE)
        path = f"/entities/{CRANE['id']}?options=keyValues"
        loads = []
        for load in (13, 14):
            loads.append((await api.call("GET", path)).json()["load"])
            loads.append((await api.call("GET", path)).json()["load"])
            await api.call("PATCH", f"/entities/{CRANE['id']}/attrs/load", {"value": load})
        loads.append((await api.call("GET", path)).json()["load"])
        assert loads == [12, 12, 13, 13, 14]
        await api.call("DELETE", f"/entities/{CRANE['id']}")
        await api.call("POST", "/entities", {**CRANE, "load": 1})
        assert (await api.call("GET", path)).json()["load"] == 1


async def test_a_document_changes_when_its_context_does(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await api.call("POST", "/entities", CRANE)
        link = 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
        term = "https://uri.etsi.org/ngsi-ld/default-context/load"
        shown = []
        for name in ("weight", "burden"):
            added = await api.call("POST", "/jsonldContexts", {"@context": {name: term}})
            headers = {"link": f"<http://127.0.0.1{added.headers['location']}>; {link}"}
            answer = await api.call("GET", f"/entities/{CRANE['id']}?options=keyValues", headers=headers)
            shown.append(sorted(answer.json()))
        assert shown == [["id", "type", "weight"], ["burden", "id", "type"]]


async def test_an_answer_to_a_query_lasts_until_the_next_change(tmp_path: Path) -> None:
    async with open_broker(tmp_path, actors=ACTORS) as api:
        query = "/entities?local=true&options=keyValues"

        async def seen(actor: Actor | None = None) -> list[str]:
            found = (await api.call("GET", query, actor=actor)).json()
            return [each["id"].rpartition(":")[2] for each in found]

        assert (await seen(), await seen()) == ([], [])
        await api.call("POST", "/entityOperations/create", [INCIDENT, CRANE], actor=SYSTEM)
        for _ in range(2):
            assert (await seen(), await seen(PARTNER)) == (["1", "7"], ["7"])
        await api.call("DELETE", f"/entities/{INCIDENT['id']}", actor=SYSTEM)
        assert (await seen(), await seen(PARTNER)) == (["7"], ["7"])
        other = {"ngsild-tenant": "harbour"}
        await api.call("POST", "/entities", {"id": "urn:x:mine", "type": "T"}, headers=other)
        assert [each["id"] for each in (await api.call("GET", query, headers=other)).json()] == ["urn:x:mine"]
        assert await seen() == ["7"]


async def test_an_answer_with_what_expires_does_not_last(tmp_path: Path) -> None:
    now = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    async with open_broker(tmp_path, clock=lambda: now[0]) as api:
        await api.call("POST", "/entities", {**CRANE, "expiresAt": "2026-03-01T12:00:05Z"})
        assert len((await api.call("GET", "/entities?type=Crane")).json()) == 1
        now[0] += timedelta(seconds=5)
        assert (await api.call("GET", "/entities?type=Crane")).json() == []


@pytest.mark.parametrize("size", [0, 3])
async def test_documents_are_right_whatever_is_remembered(tmp_path: Path, size: int) -> None:
    async with open_broker(tmp_path, settings=BrokerSettings(render_cache=size)) as api:
        entities = [{**CRANE, "id": f"urn:x:{number}", "load": number} for number in range(10)]
        await api.call("POST", "/entityOperations/create", entities)
        for _ in range(3):
            found = (await api.call("GET", "/entities?type=Crane&options=keyValues")).json()
            assert [each["load"] for each in found] == list(range(10))


async def test_limits_are_settings(tmp_path: Path) -> None:
    settings = BrokerSettings(max_body_bytes=200, max_batch=2, max_limit=5, max_depth=4)
    async with open_broker(tmp_path, settings=settings) as api:
        batch = [{"id": f"urn:x:{number}", "type": "T"} for number in range(3)]
        assert (await api.call("POST", "/entityOperations/create", batch)).status == 413
        assert (await api.call("POST", "/entityOperations/create", batch[:2])).status == 201
        assert (await api.call("POST", "/entities", {**batch[2], "a": "x" * 200})).status == 413
        assert (await api.call("POST", "/entities", {**batch[2], "a": [[[[[]]]]]})).status == 413
        assert (await api.call("GET", "/entities?type=T&limit=6")).status == 400
        assert (await api.call("GET", "/entities?type=T&limit=5")).status == 200


async def test_browsers_of_known_origins_may_call(tmp_path: Path) -> None:
    settings = BrokerSettings(cors_origins=("https://city.example",))
    async with open_broker(tmp_path, settings=settings) as api:
        known = await api.call("GET", "/types", headers={"origin": "https://city.example"})
        other = await api.call("GET", "/types", headers={"origin": "https://evil.example"})
        assert known.headers["access-control-allow-origin"] == "https://city.example"
        assert "access-control-allow-origin" not in other.headers
        asked = {"origin": "https://city.example", "access-control-request-headers": "link"}
        preflight = await api.call("OPTIONS", "/entities", headers=asked)
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert preflight.headers["access-control-allow-headers"] == "link"


async def test_the_citys_own_context_is_served_to_everybody(tmp_path: Path) -> None:
    terms = {"@context": {"berth": "https://example.org/berth"}}
    async with open_broker(tmp_path, city=terms, actors=(DEVICE,)) as api:
        answer = await api.call("GET", "/jsonldContexts/city", actor=DEVICE)
        assert (answer.status, answer.json()) == (200, terms)
        answer = await api.call("GET", "/jsonldContexts/city", headers={"ngsild-tenant": "other"})
        assert answer.status == 200
        assert (await api.call("DELETE", "/jsonldContexts/city")).status == 400
        link = '<http://127.0.0.1/ngsi-ld/v1/jsonldContexts/city>; rel="http://www.w3.org/ns/json-ld#context"'
        body: dict[str, Any] = {"id": "urn:x:1", "type": "Ship", "berth": 7}
        assert (await api.call("POST", "/entities", body, headers={"link": link})).status == 201
    found = "https://example.org/berth"
    async with open_broker(tmp_path) as api:
        assert (await api.call("GET", "/entities/urn:x:1?options=keyValues")).json()[found] == 7


async def test_contexts_outlive_a_restart(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        added = await api.call("POST", "/jsonldContexts", {"@context": {"a": "urn:a"}})
        await api.call(
            "POST", "/jsonldContexts", {"@context": {"b": "urn:b"}}, headers={"ngsild-tenant": "t"}
        )
    async with open_broker(tmp_path) as api:
        path = added.headers["location"].removeprefix("/ngsi-ld/v1")
        assert (await api.call("GET", path)).json() == {"@context": {"a": "urn:a"}}
        assert len(api.contexts.list("t")) == 2


async def test_an_unexpected_error_is_not_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_broker(tmp_path) as api:

        def fail(*_: object) -> None:
            raise RuntimeError("the secret is 42")

        monkeypatch.setattr(api.store, "get", fail)
        answer = await api.call("GET", "/entities/urn:x:1")
        assert answer.status == 500
        assert b"secret" not in answer.body


async def total(api: BrokerApi) -> int:
    answer = await api.call("GET", "/entities?local=true&limit=0&count=true")
    return int(answer.headers["ngsild-results-count"])


async def test_a_purge_of_thousands_leaves_nothing(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        entities = [{"id": f"urn:x:{number}", "type": "T"} for number in range(2_500)]
        await api.call("POST", "/entityOperations/create", entities)
        assert await total(api) == 2_500
        assert (await api.call("DELETE", "/entities?type=T")).status == 204
        assert await total(api) == 0
