"""Queries that follow relationships, by the API: clause 4.9, examples 13 and 14; clause 5.7.2.4."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from broker.assembly import BrokerApi, open_broker

PLACES = [
    {"id": "urn:ngsi-ld:Device:1", "type": "Device", "humidity": 40},
    {"id": "urn:ngsi-ld:Device:2", "type": "Device", "humidity": 50},
    {"id": "urn:ngsi-ld:Station:1", "type": "Station", "sensor": {"object": "urn:ngsi-ld:Device:1"}},
    {
        "id": "urn:ngsi-ld:Station:2",
        "type": "Station",
        "sensor": {"object": ["urn:x:1", "urn:ngsi-ld:Device:2"]},
    },
    {"id": "urn:ngsi-ld:City:1", "type": "City", "has": {"object": "urn:ngsi-ld:Station:1"}},
]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[BrokerApi]:
    async with open_broker(tmp_path) as api:
        for place in PLACES:
            assert (await api.call("POST", "/entities", place)).status == 201
        yield api


async def ids(api: BrokerApi, q: str, join: str = "join=inline&joinLevel=2") -> list[str]:
    answer = await api.call("GET", "/entities", query=f"q={quote(q)}&pick=id&{join}")
    assert answer.status == 200, answer.body
    return [each["id"].removeprefix("urn:ngsi-ld:") for each in answer.json()]


async def test_a_query_reaches_through_a_relationship(api: BrokerApi) -> None:
    assert await ids(api, "sensor{humidity}==40") == ["Station:1"]
    assert await ids(api, "sensor{humidity}>45") == ["Station:2"]
    assert await ids(api, "sensor{humidity}") == ["Station:1", "Station:2"]
    assert await ids(api, "sensor{temperature}") == []


async def test_a_query_reaches_through_several(api: BrokerApi) -> None:
    assert await ids(api, "has{sensor{humidity}}==40") == ["City:1"]
    assert await ids(api, "sensor{humidity}==50|has{Station:sensor{Device:humidity}}==40") == [
        "Station:2",
        "City:1",
    ]


async def test_a_type_narrows_what_is_reached(api: BrokerApi) -> None:
    assert await ids(api, "sensor{Device:humidity}==40") == ["Station:1"]
    assert await ids(api, "sensor{Station:humidity}==40") == []


async def test_a_query_may_not_reach_deeper_than_it_joins(api: BrokerApi) -> None:
    for q, join in (("sensor{humidity}==40", ""), ("has{sensor{humidity}}==40", "&join=flat&joinLevel=1")):
        answer = await api.call("GET", "/entities", query=f"q={quote(q)}{join}")
        assert (answer.status, answer.json()["type"]) == (
            400,
            "https://uri.etsi.org/ngsi-ld/errors/BadRequestData",
        )
