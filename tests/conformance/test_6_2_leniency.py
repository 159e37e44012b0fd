"""Clauses 6.2 and 6.3: what clients of other brokers send less strictly than the standard, and means one thing."""

from __future__ import annotations

import pytest

from broker.assembly import BrokerApi

LOCK = {"id": "http://port.example/locks/7", "type": "Lock", "level": {"type": "Property", "value": 3.5}}
BUOY = {"id": "urn:ngsi-ld:Buoy:9", "type": "Buoy", "drift": {"type": "Property", "value": 1}}
CONTEXT = {"@context": {"Lock": "https://port.example/Lock", "level": "https://port.example/level"}}


async def test_6_2_a_uri_in_a_path_may_keep_its_slashes(api: BrokerApi) -> None:
    made = await api.call("POST", "/entities", LOCK)
    assert made.headers["location"] == f"/ngsi-ld/v1/entities/{LOCK['id']}"
    for spelled in (LOCK["id"], "http:%2F%2Fport.example%2Flocks%2F7"):
        assert (await api.call("GET", f"/entities/{spelled}")).json()["id"] == LOCK["id"]


async def test_6_2_what_follows_a_uri_with_slashes_is_still_found(api: BrokerApi) -> None:
    await api.call("POST", "/entities", LOCK)
    path = f"/entities/{LOCK['id']}/attrs"
    assert (await api.call("PATCH", f"{path}/level", {"value": 4})).status == 204
    long_name = "https://uri.etsi.org/ngsi-ld/default-context/level"
    assert (await api.call("DELETE", f"{path}/{long_name}")).status == 204
    assert set((await api.call("GET", f"/entities/{LOCK['id']}")).json()) == {"id", "type"}


async def test_6_2_types_and_attributes_may_be_asked_for_by_their_uri(api: BrokerApi) -> None:
    await api.call("POST", "/entities", LOCK)
    known = "https://uri.etsi.org/ngsi-ld/default-context"
    assert (await api.call("GET", f"/types/{known}/Lock")).json()["typeName"] == "Lock"
    assert (await api.call("GET", f"/attributes/{known}/level")).json()["attributeName"] == "level"


async def test_6_4_3_1_a_location_leads_to_the_entity_however_it_is_called(api: BrokerApi) -> None:
    for name in ("http://port.example/attrs/7", "urn:port:lock?7#2", "urn:port:%2F"):
        made = await api.call("POST", "/entities", {**LOCK, "id": name})
        found = await api.call("GET", made.headers["location"].removeprefix("/ngsi-ld/v1"))
        assert found.json()["id"] == name


async def test_6_3_4_of_several_content_types_the_last_counts(api: BrokerApi) -> None:
    headers = {"content-type": "application/json, application/ld+json"}
    made = await api.call("POST", "/entities", {**LOCK, **CONTEXT}, headers=headers)
    assert made.status == 201
    assert (await api.call("GET", f"/entities/{LOCK['id']}")).json()["type"] == "https://port.example/Lock"


async def test_5_2_23_q_in_a_body_may_be_encoded_as_in_a_url(api: BrokerApi) -> None:
    await api.call("POST", "/entities", {**LOCK, "phase": {"type": "Property", "value": "drained"}})
    for q in ('phase=="drained"', "phase==%22drained%22", "phase==%22a%22..%22e%22"):
        answer = await api.call("POST", "/entityOperations/query", {"type": "Query", "q": q})
        assert [each["id"] for each in answer.json()] == [LOCK["id"]]


async def test_6_3_5_a_lone_link_that_does_not_say_what_it_is_names_the_context(api: BrokerApi) -> None:
    hosted = await api.call("POST", "/jsonldContexts", CONTEXT)
    address = f"http://city.example{hosted.headers['location']}"
    for given in (f"<{address}>", f'<{address}>; type="application/ld+json"'):
        answer = await api.call("GET", "/entities?type=Lock", headers={"link": given})
        assert address in answer.headers["link"]


@pytest.mark.parametrize(
    ("query", "indent"),
    [("prettyPrint=yes", 2), ("prettyPrint=yes&spaces=4", 4), ("spaces=1&prettyPrint=yes", 1)],
)
async def test_an_answer_may_be_laid_out_for_reading(api: BrokerApi, query: str, indent: int) -> None:
    await api.call("POST", "/entities", BUOY)
    path = f"/entities/{BUOY['id']}"
    plain = await api.call("GET", path)
    laid_out = await api.call("GET", f"{path}?{query}&options=normalized")
    assert laid_out.json() == plain.json()
    assert laid_out.body.splitlines()[1].startswith(b" " * indent + b'"')
    assert laid_out.headers["link"] == plain.headers["link"]


async def test_an_answer_is_not_laid_out_unasked(api: BrokerApi) -> None:
    await api.call("POST", "/entities", BUOY)
    asked = await api.call("GET", f"/entities/{BUOY['id']}?prettyPrint=no")
    assert (asked.status, asked.body.count(b"\n")) == (200, 0)
    for wrong in (
        "prettyPrint=perhaps",
        "prettyPrint=yes&spaces=0",
        "prettyPrint=yes&spaces=900",
        "spaces=2",
    ):
        assert (await api.call("GET", f"/entities/{BUOY['id']}?{wrong}")).status == 400


async def test_6_3_14_the_tenant_may_have_its_former_name(api: BrokerApi) -> None:
    former = {"Fiware-Service": "harbour"}
    assert (await api.call("POST", "/entities", BUOY, headers=former)).status == 201
    path = f"/entities/{BUOY['id']}"
    assert (await api.call("GET", path)).status == 404
    for headers in (
        former,
        {"NGSILD-Tenant": "harbour"},
        {"NGSILD-Tenant": "harbour", "Fiware-Service": "x"},
    ):
        answer = await api.call("GET", path, headers=headers)
        assert (answer.status, answer.headers["ngsild-tenant"]) == (200, "harbour")


@pytest.mark.parametrize("name", ["urn:port:lock:7/", "http://port.example/locks/", "urn:port:lock://"])
async def test_6_2_an_id_may_end_in_a_slash(api: BrokerApi, name: str) -> None:
    other = {**LOCK, "id": name.rstrip("/")}
    assert (await api.call("POST", "/entities", other)).status == 201
    made = await api.call("POST", "/entities", {**LOCK, "id": name})
    location = made.headers["location"].removeprefix("/ngsi-ld/v1")
    for spelled in (location, f"/entities/{name}"):
        assert (await api.call("GET", spelled)).json()["id"] == name
    assert (await api.call("DELETE", location)).status == 204
    assert (await api.call("GET", location)).status == 404
    assert (await api.call("GET", f"/entities/{other['id']}")).json()["id"] == other["id"]


async def test_6_2_a_slash_at_the_end_of_a_resource_is_passed_over(api: BrokerApi) -> None:
    await api.call("POST", "/entities", LOCK)
    assert (await api.call("GET", "/types/")).status == 200
    assert (await api.call("GET", f"/entities/{LOCK['id']}/attrs/level/")).status in (200, 405)
