"""Clauses 5.13.3 to 5.13.5: the three kinds of @contexts, how they are listed, counted, described and deleted."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from broker.assembly import BrokerApi
from rhinecloud.ngsild.documents import CORE_URL

LD = {"content-type": "application/ld+json"}
BUOY = {"Buoy": "https://example.org/Buoy", "light": "https://example.org/light"}


async def host(api: BrokerApi) -> str:
    """Host the buoys' words; gives their address."""
    answer = await api.call("POST", "/jsonldContexts", {"@context": BUOY})
    assert answer.status == 201
    return f"http://127.0.0.1{answer.headers['location']}"


async def imply(api: BrokerApi) -> str:
    """Subscribe-like use of words that have no address of their own; gives the one that the broker made."""
    body = {"type": "Query", "entities": [{"type": "Buoy"}], "@context": BUOY}
    answer = await api.call("POST", "/entityOperations/query", body, headers=LD)
    return answer.headers["link"].partition(">")[0].removeprefix("<")


async def listed(api: BrokerApi, query: str) -> list[Any]:
    answer = await api.call("GET", f"/jsonldContexts?{query}")
    assert answer.status == 200, answer.body
    found: list[Any] = answer.json()
    return found


def name_of(address: str) -> str:
    return address.rpartition("/")[2]


async def test_5_13_3_every_kind_is_listed_apart(api: BrokerApi) -> None:
    hosted, implied = await host(api), await imply(api)
    assert await listed(api, "kind=Hosted") == [hosted]
    assert await listed(api, "kind=ImplicitlyCreated") == [implied]
    assert await listed(api, "kind=Cached") == [CORE_URL]
    assert set(await listed(api, "")) >= {hosted, implied, CORE_URL}
    kinds = {each["URL"]: each["kind"] for each in await listed(api, "details=true")}
    assert {kinds[hosted], kinds[implied], kinds[CORE_URL]} == {"Hosted", "ImplicitlyCreated", "Cached"}


@pytest.mark.parametrize("query", ["kind=hosted", "details=maybe", "details=maybe&kind=Hosted", "fancy=1"])
async def test_5_13_3_a_wrong_wish_is_refused(api: BrokerApi, query: str) -> None:
    assert (await api.call("GET", f"/jsonldContexts?{query}")).status == 400


async def test_5_13_4_the_details_say_where_when_and_how_often(api: BrokerApi) -> None:
    name = name_of(address := await host(api))
    link = {"link": f'<{address}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
    before = (await api.call("GET", f"/jsonldContexts/{name}?details=true")).json()
    for number in (1, 2):
        buoy = {"id": f"urn:ngsi-ld:Buoy:{number}", "type": "Buoy", "light": True}
        assert (await api.call("POST", "/entities", buoy, headers=link)).status == 201
    after = (await api.call("GET", f"/jsonldContexts/{name}?details=true")).json()
    assert (after["URL"], after["localId"], after["kind"]) == (address, name, "Hosted")
    assert after["createdAt"] == before["createdAt"]
    assert after["numberOfHits"] - before["numberOfHits"] == 3, "used twice, and looked at once before"
    assert after["lastUsage"] >= after["createdAt"]
    assert (await api.call("GET", f"/jsonldContexts/{name}?details=false")).json() == {"@context": BUOY}


async def test_5_13_4_one_that_the_broker_made_is_served_too(api: BrokerApi) -> None:
    name = name_of(await imply(api))
    assert (await api.call("GET", f"/jsonldContexts/{name}")).json() == {"@context": BUOY}
    details = (await api.call("GET", f"/jsonldContexts/{name}?details=true")).json()
    assert details["kind"] == "ImplicitlyCreated"
    await imply(api)
    again = (await api.call("GET", f"/jsonldContexts/{name}?details=true")).json()
    assert again["numberOfHits"] > details["numberOfHits"], "the same words are the same @context"


@pytest.mark.parametrize("make", [host, imply])
async def test_5_13_5_what_is_kept_here_is_deleted_and_never_reloaded(api: BrokerApi, make: Any) -> None:
    name = name_of(await make(api))
    assert (await api.call("DELETE", f"/jsonldContexts/{name}?reload=true")).status == 400
    assert (await api.call("DELETE", f"/jsonldContexts/{name}?reload=maybe")).status == 400
    assert (await api.call("DELETE", f"/jsonldContexts/{name}")).status == 204
    assert (await api.call("GET", f"/jsonldContexts/{name}")).status == 404
    assert (await api.call("DELETE", f"/jsonldContexts/{name}")).status == 404


@pytest.mark.parametrize(("query", "status"), [("", 404), ("?reload=false", 404), ("?reload=true", 400)])
async def test_5_13_5_what_is_not_there_cannot_be_deleted(api: BrokerApi, query: str, status: int) -> None:
    for name in ("nothing", quote("https://example.org/unknown.jsonld", safe="")):
        assert (await api.call("DELETE", f"/jsonldContexts/{name}{query}")).status == status


async def test_5_13_2_a_list_of_addresses_may_be_hosted(api: BrokerApi) -> None:
    buoys = await host(api)
    both = {"@context": [buoys, {"depth": "https://example.org/depth"}]}
    answer = await api.call("POST", "/jsonldContexts", both)
    address = f"http://127.0.0.1{answer.headers['location']}"
    buoy = {"id": "urn:ngsi-ld:Buoy:1", "type": "Buoy", "depth": 4, "@context": address}
    assert (await api.call("POST", "/entities", buoy, headers=LD)).status == 201
    found = (await api.call("GET", "/entities/urn:ngsi-ld:Buoy:1?format=simplified")).json()
    assert (found["type"], found["https://example.org/depth"]) == ("https://example.org/Buoy", 4)
