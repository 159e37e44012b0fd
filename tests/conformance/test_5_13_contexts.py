"""Clause 5.13: @contexts that the broker stores, serves and fetches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from broker.assembly import BrokerApi
from rhinecloud.ngsild.documents import CORE_URL

LD = {"content-type": "application/ld+json"}
TERMS = {"@context": {"Tug": "https://example.org/Tug", "bollardPull": "https://example.org/pull"}}


class Origin:
    """A server of one @context that can be counted, changed and silenced."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.document: Any = TERMS
        self.headers: dict[str, str] = {}
        self.status = 200
        self.asked = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(self.document, status=self.status, headers=self.headers)


@asynccontextmanager
async def serve_origin() -> AsyncIterator[Origin]:
    origin = Origin("")
    app = web.Application()
    app.router.add_get("/{name}", origin.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    origin.url = f"http://{host}:{port}/terms.jsonld"
    try:
        yield origin
    finally:
        await runner.cleanup()


def tug(context: Any, name: str = "1") -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Tug:{name}", "type": "Tug", "bollardPull": 60, "@context": context}


async def create(api: BrokerApi, context: Any, name: str = "1") -> int:
    return (await api.call("POST", "/entities", tug(context, name), headers=LD)).status


async def test_5_13_2_a_hosted_context_is_served_and_used(api: BrokerApi) -> None:
    added = await api.call("POST", "/jsonldContexts", {**TERMS, "extra": 1})
    assert added.status == 201
    path = added.headers["location"].removeprefix("/ngsi-ld/v1")
    assert (await api.call("GET", path)).json() == TERMS
    assert await create(api, f"http://127.0.0.1/ngsi-ld/v1{path}") == 201
    found = (await api.call("GET", "/entities/urn:ngsi-ld:Tug:1?options=keyValues")).json()
    assert found == {
        "id": "urn:ngsi-ld:Tug:1",
        "type": "https://example.org/Tug",
        "https://example.org/pull": 60,
    }


@pytest.mark.parametrize("wrong", [{}, [], {"@context": 5}, {"@context": True}, {"@context": [5]}])
async def test_5_13_2_what_is_no_context_is_refused(api: BrokerApi, wrong: Any) -> None:
    assert (await api.call("POST", "/jsonldContexts", wrong)).status == 400


async def test_5_13_3_contexts_are_listed_by_kind(api: BrokerApi) -> None:
    added = await api.call("POST", "/jsonldContexts", TERMS)
    name = added.headers["location"].rpartition("/")[2]
    details = (await api.call("GET", "/jsonldContexts?details=true&kind=Hosted")).json()
    assert [each["localId"] for each in details] == [name]
    assert details[0]["URL"] == f"http://127.0.0.1{added.headers['location']}"
    assert (await api.call("GET", "/jsonldContexts?kind=Cached")).json() == [CORE_URL]
    assert (await api.call("GET", "/jsonldContexts?kind=Odd")).status == 400


async def test_5_13_3_a_hosted_context_belongs_to_its_tenant(api: BrokerApi) -> None:
    mine = {"ngsild-tenant": "harbour"}
    path = (await api.call("POST", "/jsonldContexts", TERMS, headers=mine)).headers["location"][11:]
    assert (await api.call("GET", path)).status == 404
    assert (await api.call("DELETE", path)).status == 404
    assert (await api.call("GET", path, headers=mine)).status == 200


async def test_5_13_4_a_fetched_context_is_kept_and_not_served(api: BrokerApi) -> None:
    async with serve_origin() as origin:
        assert [await create(api, origin.url, name) for name in ("1", "2")] == [201, 201]
        assert origin.asked == 1
        name = origin.url.replace("/", "%2F").replace(":", "%3A")
        served = await api.call("GET", f"/jsonldContexts/{name}")
        details = (await api.call("GET", f"/jsonldContexts/{name}?details=true")).json()
    assert (served.status, served.json()["type"].rpartition("/")[2]) == (422, "OperationNotSupported")
    assert (details["kind"], details["URL"], details["numberOfHits"]) == ("Cached", origin.url, 2)


async def test_5_13_5_a_reload_takes_the_new_text_or_keeps_the_old(api: BrokerApi) -> None:
    async with serve_origin() as origin:
        await create(api, origin.url)
        name = origin.url.replace("/", "%2F")
        origin.document = {"@context": {**TERMS["@context"], "Tug": "https://example.org/Towboat"}}
        assert (await api.call("DELETE", f"/jsonldContexts/{name}?reload=true")).status == 204
        await create(api, origin.url, "2")
        origin.status = 500
        assert (await api.call("DELETE", f"/jsonldContexts/{name}?reload=true")).status == 504
    assert (await api.call("GET", "/entities?type=https://example.org/Towboat")).json() != []
    assert (await api.call("DELETE", f"/jsonldContexts/{name}")).status == 204
    assert (await api.call("DELETE", f"/jsonldContexts/{name}")).status == 404


async def test_5_13_5_the_core_context_cannot_be_deleted(api: BrokerApi) -> None:
    name = CORE_URL.replace("/", "%2F")
    assert (await api.call("DELETE", f"/jsonldContexts/{name}")).status == 400
    assert (await api.call("DELETE", f"/jsonldContexts/{name}?reload=true")).status == 204
    assert (await api.call("GET", f"/jsonldContexts/{name}?details=true")).status == 200


async def test_5_5_6_a_context_that_cannot_be_had_is_504(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", tug("http://127.0.0.1:9/none.jsonld"), headers=LD)
    assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (504, "LdContextNotAvailable")


async def test_5_5_6_what_is_fetched_and_no_context_is_bad_data(api: BrokerApi) -> None:
    async with serve_origin() as origin:
        origin.document = {"terms": {}}
        assert await create(api, origin.url) == 400


async def test_5_5_6_an_address_that_only_looks_like_the_core_is_not_the_core(api: BrokerApi) -> None:
    url = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v9.9.jsonld"
    link = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    answer = await api.call("GET", "/types", headers={"link": link})
    assert answer.status == 504


async def test_6_3_16_a_copy_is_fetched_anew_when_its_time_is_over(api: BrokerApi) -> None:
    async with serve_origin() as origin:
        origin.headers = {"cache-control": "max-age=0"}
        await create(api, origin.url)
        await create(api, [origin.url], "2")
        assert origin.asked == 2
        origin.status = 503
        assert await create(api, [origin.url, {}], "3") == 201, (
            "the old copy serves while its origin is silent"
        )


async def test_4_4_contexts_may_refer_to_each_other(api: BrokerApi) -> None:
    async with serve_origin() as origin:
        added = await api.call("POST", "/jsonldContexts", {"@context": [origin.url, {"draught": "urn:d"}]})
        assert await create(api, f"http://elsewhere{added.headers['location']}") == 201
        assert origin.asked == 1
