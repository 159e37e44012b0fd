"""Queries that follow relationships, through the door: clause 4.9, examples 13 and 14; clause 5.7.2.4."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from broker.assembly import House, open_house

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
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        for place in PLACES:
            assert (await house.call("POST", "/entities", place)).status == 201
        yield house


async def ids(house: House, q: str, join: str = "join=inline&joinLevel=2") -> list[str]:
    answer = await house.call("GET", "/entities", query=f"q={quote(q)}&pick=id&{join}")
    assert answer.status == 200, answer.body
    return [each["id"].removeprefix("urn:ngsi-ld:") for each in answer.json()]


async def test_a_query_reaches_through_a_relationship(house: House) -> None:
    assert await ids(house, "sensor{humidity}==40") == ["Station:1"]
    assert await ids(house, "sensor{humidity}>45") == ["Station:2"]
    assert await ids(house, "sensor{humidity}") == ["Station:1", "Station:2"]
    assert await ids(house, "sensor{temperature}") == []


async def test_a_query_reaches_through_several(house: House) -> None:
    assert await ids(house, "has{sensor{humidity}}==40") == ["City:1"]
    assert await ids(house, "sensor{humidity}==50|has{Station:sensor{Device:humidity}}==40") == [
        "Station:2",
        "City:1",
    ]


async def test_a_type_narrows_what_is_reached(house: House) -> None:
    assert await ids(house, "sensor{Device:humidity}==40") == ["Station:1"]
    assert await ids(house, "sensor{Station:humidity}==40") == []


async def test_a_query_may_not_reach_deeper_than_it_joins(house: House) -> None:
    for q, join in (("sensor{humidity}==40", ""), ("has{sensor{humidity}}==40", "&join=flat&joinLevel=1")):
        answer = await house.call("GET", "/entities", query=f"q={quote(q)}{join}")
        assert (answer.status, answer.json()["type"]) == (
            400,
            "https://uri.etsi.org/ngsi-ld/errors/BadRequestData",
        )
