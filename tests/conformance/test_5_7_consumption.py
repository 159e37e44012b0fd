"""Clause 5.7: retrieving and querying entities, and finding out what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from broker.assembly import ADMIN, ROUTES, BrokerApi, ask
from rhinecloud.broker.http import BrokerApplication

GAUGES = [
    {
        "id": f"urn:ngsi-ld:Gauge:{name}",
        "type": "Gauge",
        "level": {"value": level, "unitCode": "CMT", "observedAt": "2026-03-01T12:00:00Z"},
        "name": {"languageMap": {"de": f"Pegel {name}", "nl": f"Peil {name}"}},
        "location": {"type": "Point", "coordinates": [longitude, 51.4]},
        "scope": f"/rhine/{name}",
        "river": {"object": "urn:ngsi-ld:River:rhine"},
    }
    for name, level, longitude in (("ruhrort", 310, 6.72), ("wesel", 280, 6.6), ("emmerich", 190, 6.24))
]
RIVER = {
    "id": "urn:ngsi-ld:River:rhine",
    "type": "River",
    "length": 1233,
    "sea": {"object": "urn:ngsi-ld:Sea:north"},
}
SEA = {"id": "urn:ngsi-ld:Sea:north", "type": "Sea", "salty": True}
RUHRORT = "/entities/urn:ngsi-ld:Gauge:ruhrort"


@pytest_asyncio.fixture
async def river(api: BrokerApi) -> AsyncIterator[BrokerApi]:
    answer = await api.call("POST", "/entityOperations/create", [*GAUGES, RIVER, SEA])
    assert answer.status == 201
    yield api


async def names(api: BrokerApi, query: str) -> list[str]:
    answer = await api.call("GET", "/entities", query=query)
    assert answer.status == 200, answer.body
    return [each["id"].rpartition(":")[2] for each in answer.json()]


async def test_5_7_1_an_entity_in_each_form(river: BrokerApi) -> None:
    normalized = (await river.call("GET", RUHRORT)).json()
    concise = (await river.call("GET", f"{RUHRORT}?format=concise")).json()
    simplified = (await river.call("GET", f"{RUHRORT}?options=keyValues&format=simplified")).json()
    assert normalized["river"] == {"type": "Relationship", "object": "urn:ngsi-ld:River:rhine"}
    assert concise["level"] == {"value": 310, "unitCode": "CMT", "observedAt": "2026-03-01T12:00:00Z"}
    assert simplified["level"] == 310


async def test_5_7_1_geojson_shows_a_feature(river: BrokerApi) -> None:
    headers = {"accept": "application/geo+json"}
    feature = (await river.call("GET", f"{RUHRORT}?options=simplified", headers=headers)).json()
    assert (feature["type"], feature["geometry"]["type"]) == ("Feature", "Point")
    assert feature["properties"]["level"] == 310
    assert "@context" in feature
    headers["prefer"] = "body=json"
    answer = await river.call("GET", RUHRORT, headers=headers)
    assert "@context" not in answer.json()
    assert "link" in answer.headers


async def test_5_7_1_members_are_picked_and_omitted(river: BrokerApi) -> None:
    assert set((await river.call("GET", f"{RUHRORT}?pick=id,level")).json()) == {"id", "level"}
    assert set((await river.call("GET", f"{RUHRORT}?attrs=level")).json()) == {"id", "type", "scope", "level"}
    omitted = (await river.call("GET", f"{RUHRORT}?omit=name,location,river,scope")).json()
    assert set(omitted) == {"id", "type", "level"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("attrs=depth", 404),
        ("pick=depth", 404),
        ("type=River", 404),
        ("type=Gauge|River", 200),
        ("attrs=level&pick=level", 400),
        ("pick=level&omit=level", 400),
        ("pick=river{length}", 400),
        ("pick=river{length", 400),
        ("geometryProperty=location", 400),
        ("join=sideways", 400),
        ("join=flat&joinLevel=0", 400),
        ("lang=de;q=5", 400),
        ("datasetId=none", 400),
        ("entityMap=true", 501),
    ],
)
async def test_5_7_1_parameters_are_held_to_their_word(river: BrokerApi, query: str, status: int) -> None:
    assert (await river.call("GET", RUHRORT, query=query)).status == status


async def test_4_15_a_language_is_chosen(river: BrokerApi) -> None:
    name = (await river.call("GET", f"{RUHRORT}?lang=nl&pick=name")).json()["name"]
    assert name == {"type": "Property", "value": "Peil ruhrort", "lang": "nl"}


@pytest.mark.parametrize("query", ["id=urn:ngsi-ld:Gauge:wesel", "idPattern=.*wesel"])
async def test_5_7_2_4_a_query_by_id_alone_is_too_wide_unless_the_city_answers_it(
    river: BrokerApi, query: str
) -> None:
    assert (await river.call("GET", f"/entities?{query}")).status == 400
    answering = replace(river.parts, settings=replace(river.parts.settings, query_by_id=True))
    application = BrokerApplication(answering, ROUTES, lambda _: ADMIN)
    answer = await ask(application, "GET", "/entities", b"", query, {})
    assert [each["id"] for each in answer.json()] == ["urn:ngsi-ld:Gauge:wesel"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=Gauge", ["ruhrort", "wesel", "emmerich"]),
        ("type=Gauge|River", ["ruhrort", "wesel", "emmerich", "rhine"]),
        ("type=*", ["ruhrort", "wesel", "emmerich", "rhine", "north"]),
        ("type=Gauge&id=urn:ngsi-ld:Gauge:wesel", ["wesel"]),
        ("type=Gauge&idPattern=e[a-z]e", ["wesel"]),
        ("attrs=length", ["rhine"]),
        ("local=true&id=urn:ngsi-ld:Gauge:wesel", ["wesel"]),
        ("local=true&idPattern=.*e[a-z]e", ["wesel"]),
        ("q=level>200", ["ruhrort", "wesel"]),
        ("type=Gauge&q=level==190..290;!depth", ["wesel", "emmerich"]),
        ("type=Gauge&scopeQ=/rhine/wesel", ["wesel"]),
        ("georel=near;maxDistance==10000&geometry=Point&coordinates=[6.7,51.4]", ["ruhrort", "wesel"]),
        ("type=Gauge&orderBy=level", ["emmerich", "wesel", "ruhrort"]),
        ("type=Gauge&orderBy=level;desc", ["ruhrort", "wesel", "emmerich"]),
        ("type=Gauge&q=river{length}==1233&join=flat&pick=id", ["ruhrort", "wesel", "emmerich"]),
        ("type=Nothing", []),
    ],
)
async def test_5_7_2_a_query_selects(river: BrokerApi, query: str, expected: list[str]) -> None:
    assert await names(river, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=modifiedAt>2020-01-01T00:00:00Z",
        "attrs=createdAt",
        "type=",
        "type=Gauge&id=nothing",
        "type=Gauge&q=level>",
        "type=Gauge&idPattern=(",
        "georel=near&geometry=Point&coordinates=[6,51]",
        "type=Gauge&georel=within",
        "type=*&local=false",
        "type=Gauge&limit=0",
        "type=Gauge&limit=100000",
        "type=Gauge&orderBy=level;dist-asc",
        "type=Gauge&csf=(",
        "type=Gauge&q=river{length}==1233",
    ],
)
async def test_5_7_2_what_is_wrong_or_too_wide_is_bad_data(river: BrokerApi, query: str) -> None:
    answer = await river.call("GET", "/entities", query=query)
    assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")


async def test_5_5_9_pages_are_linked_and_counted(river: BrokerApi) -> None:
    answer = await river.call("GET", "/entities?type=Gauge&limit=1&offset=1&count=true")
    links = [each for each in answer.headers["link"].split(", ") if "json-ld" not in each]
    assert links == [
        '</ngsi-ld/v1/entities?count=true&limit=1&offset=0&type=Gauge>;rel="prev";type="application/json"',
        '</ngsi-ld/v1/entities?count=true&limit=1&offset=2&type=Gauge>;rel="next";type="application/json"',
    ]
    assert answer.headers["ngsild-results-count"] == "3"
    last = await river.call("GET", "/entities?type=Gauge&limit=1&offset=2")
    assert 'rel="next"' not in last.headers["link"]


async def test_6_3_13_a_count_alone_needs_no_page(river: BrokerApi) -> None:
    answer = await river.call("GET", "/entities?type=Gauge&limit=0&count=true")
    assert (answer.json(), answer.headers["ngsild-results-count"]) == ([], "3")


async def test_4_5_23_linked_entities_stand_inside(river: BrokerApi) -> None:
    query = "join=inline&joinLevel=2&options=concise&pick=river"
    river_of = (await river.call("GET", RUHRORT, query=query)).json()["river"]
    assert river_of["entity"]["length"] == 1233
    assert river_of["entity"]["sea"]["entity"] == {"id": SEA["id"], "type": "Sea", "salty": True}


async def test_4_5_23_linked_entities_stand_behind_each_once(river: BrokerApi) -> None:
    query = "type=Gauge&join=flat&joinLevel=2&options=keyValues"
    assert await names(river, query) == ["ruhrort", "wesel", "emmerich", "rhine", "north"]
    assert await names(river, "type=Gauge&join=flat&containedBy=urn:ngsi-ld:River:rhine") == [
        "ruhrort",
        "wesel",
        "emmerich",
    ]


async def test_4_21_what_is_picked_behind_a_relationship(river: BrokerApi) -> None:
    query = "join=inline&joinLevel=2&options=keyValues&pick=river{length,sea{salty}}"
    found = (await river.call("GET", RUHRORT, query=query)).json()
    assert found == {"river": {"length": 1233, "sea": {"salty": True}}}


async def test_4_21_what_is_omitted_behind_a_relationship(river: BrokerApi) -> None:
    query = "join=flat&options=keyValues&omit=name,location,scope,river{sea}"
    found = (await river.call("GET", RUHRORT, query=query)).json()
    assert [sorted(each) for each in found] == [
        ["id", "level", "river", "type"],
        ["id", "length", "type"],
    ]


async def post(api: BrokerApi, body: dict[str, Any], query: str = "") -> Any:
    return await api.call("POST", "/entityOperations/query", {"type": "Query", **body}, query=query)


async def test_6_23_a_query_by_post_says_the_same(river: BrokerApi) -> None:
    body = {
        "entities": [
            {"type": "Gauge", "idPattern": ".*wesel"},
            {"type": "River"},
            {"type": "Gauge", "id": "urn:ngsi-ld:Gauge:emmerich"},
        ],
        "pick": ["id"],
    }
    found = (await post(river, body)).json()
    assert [each["id"].rpartition(":")[2] for each in found] == ["wesel", "emmerich", "rhine"]
    geo = {"georel": "near;maxDistance==10000", "geometry": "Point", "coordinates": [6.7, 51.4]}
    counted = await post(river, {"geoQ": geo, "q": "level>300"}, "count=true&options=keyValues")
    assert counted.headers["ngsild-results-count"] == "1"
    ordered = await post(river, {"entities": [{"type": "Gauge"}], "ordering": {"orderBy": ["level;desc"]}})
    assert [each["id"].rpartition(":")[2] for each in ordered.json()] == ["ruhrort", "wesel", "emmerich"]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "Question", "q": "level>1"},
        {},
        {"entities": []},
        {"entities": [{"id": "urn:x:1"}]},
        {"entities": [{"type": "Gauge", "colour": "red"}]},
        {"q": "level>1", "temporalQ": {"timerel": "before"}},
        {"q": 5},
        {"q": "level>1", "wishes": 3},
        {"geoQ": "near"},
    ],
)
async def test_5_2_23_a_query_that_is_malformed_is_bad_data(river: BrokerApi, body: dict[str, Any]) -> None:
    assert (await post(river, body)).status == 400


async def test_5_7_5_types_are_listed_and_described(river: BrokerApi) -> None:
    listed = (await river.call("GET", "/types")).json()
    assert (listed["type"], listed["typeList"]) == ("EntityTypeList", ["Gauge", "River", "Sea"])
    details = (await river.call("GET", "/types?details=true")).json()
    assert details[2]["attributeNames"] == ["salty"]
    gauge = (await river.call("GET", "/types/Gauge")).json()
    kinds = {each["attributeName"]: each["attributeTypes"] for each in gauge["attributeDetails"]}
    assert (gauge["entityCount"], kinds["location"], kinds["river"]) == (3, ["GeoProperty"], ["Relationship"])
    assert (await river.call("GET", "/types/Bridge")).status == 404


async def test_5_7_8_attributes_are_listed_and_described(river: BrokerApi) -> None:
    listed = (await river.call("GET", "/attributes")).json()
    assert listed["attributeList"] == ["length", "level", "name", "river", "salty", "sea", "location"]
    details = (await river.call("GET", "/attributes?details=true")).json()
    assert {each["attributeName"]: each["typeNames"] for each in details}["length"] == ["River"]
    level = (await river.call("GET", "/attributes/level")).json()
    assert (level["attributeCount"], level["attributeTypes"]) == (3, ["Property"])
    assert (await river.call("GET", "/attributes/id")).status == 404
    assert (await river.call("GET", "/attributes/depth")).status == 404
