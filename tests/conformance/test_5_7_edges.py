"""Clauses 4.5.16, 4.9, 4.10, 4.15, 4.19, 4.21, 4.23 and 5.7 by the API: the corners of reading and querying."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from broker.assembly import BrokerApi

GEO = {"accept": "application/geo+json"}
SQUARE = [[[0, 0], [0, 10], [10, 10], [10, 0], [0, 0]], [[4, 4], [4, 6], [6, 6], [6, 4], [4, 4]]]
PLACES: list[dict[str, Any]] = [
    {
        "id": "urn:ngsi-ld:Place:a",
        "type": ["Place", "Harbour"],
        "scope": ["/Duisburg/Ruhrort", "/Port"],
        "rank": 1,
        "name": {"languageMap": {"de": "Hafen", "en-GB": "harbour", "nl": "haven"}},
        "address": {"city": "Duisburg", "street": {"number": 7}},
        "location": {"type": "Point", "coordinates": [1, 1]},
        "area": {"type": "Polygon", "coordinates": SQUARE},
        "mix": "text",
        "level": [{"value": 1}, {"value": 5, "datasetId": "urn:d:5"}],
    },
    {
        "id": "urn:ngsi-ld:Place:b",
        "type": "Place",
        "scope": "/Duisburg/Meiderich",
        "rank": {"value": 2, "accuracy": 0.5, "observedAt": "2026-03-01T12:00:00Z"},
        "address": {"city": "Essen"},
        "location": {"type": "Point", "coordinates": [5, 5]},
        "mix": 3,
        "open": True,
    },
    {
        "id": "urn:ngsi-ld:Place:c",
        "type": "Harbour",
        "rank": 3,
        "location": {"type": "Point", "coordinates": [20, 20]},
        "partOf": {"object": "urn:ngsi-ld:Place:a"},
    },
]
A = "/entities/urn:ngsi-ld:Place:a"


@pytest_asyncio.fixture
async def places(api: BrokerApi) -> AsyncIterator[BrokerApi]:
    assert (await api.call("POST", "/entityOperations/create", PLACES)).status == 201
    yield api


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=rank==1..2", "ab"),
        ("q=rank!=1..2", "c"),
        ("q=rank==1,3", "ac"),
        ("q=rank!=1,3", "b"),
        ("q=rank==1, 3", "ac"),
        ("q=(rank==1 | rank==3 ) ; mix", "a"),
        ("q=rank==1 ,3 | rank>2", "ac"),
        ("q=rank >= 2;address[city]== %22Essen%22", "b"),
        ("q=mix~=^t", "a"),
        ("q=mix!~=^t", ""),
        ("q=rank.accuracy>0.1", "b"),
        ("q=rank.observedAt>2026-01-01T00:00:00Z", "b"),
        ("q=address[city]==%22Essen%22", "b"),
        ("q=address[street.number]==7", "a"),
        ("q=address[nothing]==7", ""),
        ("q=address[street]", "a"),
        ("q=!address", "c"),
        ("q=name[nl]==%22haven%22", "a"),
        ("q=name[de]==%22haven%22", ""),
        ("q=name[*]==%22haven%22", "a"),
        ("q=open==true", "b"),
        ("q=level==5", "a"),
        ("q=partOf==%22urn:ngsi-ld:Place:a%22", "c"),
        ("q=partOf==urn:ngsi-ld:Place:a", "c"),
        ("q=(rank==1|rank==3);!open", "ac"),
        ("type=Place;Harbour", "a"),
        ("type=Place,Harbour", "abc"),
        ("type=(Place;Harbour)|Nothing", "a"),
        ("type=Place&scopeQ=/Duisburg/%2B", "ab"),
        ("type=Place&scopeQ=/Duisburg/+", "ab"),
        ("type=Place&scopeQ=/+/Ruhrort", "a"),
        ("type=Place&scopeQ=(/Duisburg/+;/+)|/Nowhere", "a"),
        ("type=Place&scopeQ=/Duisburg/%23", "ab"),
        ("type=Place&scopeQ=/%23", "ab"),
        ("type=Place&scopeQ=/Duisburg/Ruhrort;/Port", "a"),
        ("type=Place&scopeQ=/Port|/Duisburg/Meiderich", "ab"),
        ("type=Place&scopeQ=/Port,/Duisburg/Meiderich", "ab"),
        ("type=Place&scopeQ=(/Port;/Nowhere)|/Duisburg/Meiderich", "b"),
        ("georel=within&geometry=Polygon&coordinates=[[[0,0],[0,10],[10,10],[10,0],[0,0]]]", "ab"),
        (
            "georel=within&geometry=Polygon&coordinates="
            "[[[0,0],[0,10],[10,10],[10,0],[0,0]],[[4,4],[4,6],[6,6],[6,4],[4,4]]]",
            "a",
        ),
        ("georel=contains&geometry=Point&coordinates=[1,1]&geoproperty=area", "a"),
        ("georel=contains&geometry=Point&coordinates=[5,5]&geoproperty=area", ""),
        ("georel=equals&geometry=Point&coordinates=[5,5]", "b"),
        ("georel=disjoint&geometry=Point&coordinates=[5,5]", "ac"),
        ("georel=near;minDistance==1000000&geometry=Point&coordinates=[1,1]", "c"),
        ("type=Place,Harbour&orderBy=rank;desc", "cba"),
        ("type=Place,Harbour&orderBy=mix,id", "bac"),
        ("type=Place,Harbour&orderBy=address[city]", "abc"),
        ("type=Place,Harbour&orderBy=location;dist-desc&orderFrom=[1,1]", "cba"),
        ("type=Place,Harbour&orderBy=location;dist-asc&orderFrom=[20,20]", "cba"),
        ("type=Place,Harbour&orderBy=id;desc&limit=1&offset=1", "b"),
        ("type=*&idPattern=[ac]$", "ac"),
        ("type=Place&id=urn:ngsi-ld:Place:a,urn:ngsi-ld:Place:b&idPattern=b$", "b"),
        ("type=Place&attrs=open", "b"),
        ("local=true", "abc"),
    ],
)
async def test_a_query_finds(places: BrokerApi, query: str, names: str) -> None:
    answer = await places.call("GET", "/entities", query=query)
    assert answer.status == 200, answer.body
    assert "".join(each["id"][-1] for each in answer.json()) == names


@pytest.mark.parametrize(
    "query",
    [
        "q=rank>1..2",
        "q=rank==",
        "q=(rank",
        "q=rank;",
        "q=rank==1;;mix",
        "q=mix~=(",
        "georel=near;maxDistance==0&geometry=Point&coordinates=[1,1]",
        "georel=near;maxDistance==-1&geometry=Point&coordinates=[1,1]",
        "georel=near;maxDistance==1;minDistance==1&geometry=Point&coordinates=[1,1]",
        "georel=near&geometry=Point&coordinates=[1,1]",
        "georel=beside&geometry=Point&coordinates=[1,1]",
        "georel=within&geometry=Sphere&coordinates=[1,1]",
        "georel=within&geometry=Polygon&coordinates=[1,1]",
        "georel=within&geometry=Point&coordinates=here",
        "type=Place&scopeQ=/a b",
        "type=Place&orderBy=location;dist-asc",
        "type=Place&orderBy=rank;up",
        "type=Place&orderBy=rank&collation=!!nope",
        "type=Place&collation=!!nope",
        "type=Place&orderBy=rank&collation=fr-u-co-phonebk",
        "type=Place&pick=rank&omit=rank",
        "type=Place&pick=rank&attrs=rank",
        "type=Place&omit=rank&attrs=rank",
        "type=Place&pick=",
        "type=Place&pick=rank,,mix",
        "type=Place&pick=rank,",
        "type=Place&pick=ra nk",
        "type=Place&pick=partOf{rank}",
        "type=Place&pick=partOf{partOf{rank}}&join=inline&joinLevel=1",
        "type=Place&omit=partOf{{rank}}&join=inline",
        "type=Place&geometryProperty=area",
        "type=Place&join=inline&joinLevel=0",
        "type=Place&containedBy=no uri&join=inline",
        "type=Place&datasetId=no uri",
        "type=(Place",
        "type=Place;",
        "id=no uri&type=Place",
    ],
)
async def test_what_is_no_query_is_bad_data(places: BrokerApi, query: str) -> None:
    answer = await places.call("GET", "/entities", query=query.replace(" ", "%20"))
    assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (400, "BadRequestData"), answer.body


@pytest.mark.parametrize(
    ("query", "level"),
    [
        ("format=keyValues", {"dataset": {"@none": 1, "urn:d:5": 5}}),
        ("format=simplified", {"dataset": {"@none": 1, "urn:d:5": 5}}),
        ("options=keyValues", {"dataset": {"@none": 1, "urn:d:5": 5}}),
        ("options=simplified&format=concise", [{"value": 1}, {"value": 5, "datasetId": "urn:d:5"}]),
        ("options=normalized&datasetId=@none", {"type": "Property", "value": 1}),
        ("format=concise&datasetId=urn:d:5", {"value": 5, "datasetId": "urn:d:5"}),
        ("format=concise&datasetId=urn:d:5,@none", [{"value": 1}, {"value": 5, "datasetId": "urn:d:5"}]),
        ("format=simplified&datasetId=urn:d:5", 5),
        ("format=simplified&datasetId=@none", 1),
    ],
)
async def test_6_3_7_forms_and_instances_are_chosen(places: BrokerApi, query: str, level: Any) -> None:
    assert (await places.call("GET", f"{A}?pick=level", query=f"pick=level&{query}")).json() == {
        "level": level
    }


@pytest.mark.parametrize("query", ["format=fancy", "options=fancy", "options=keyValues,fancy", "optoins=x"])
async def test_6_3_7_an_unknown_form_is_an_invalid_request(places: BrokerApi, query: str) -> None:
    for path in (A, "/entities?type=Place"):
        answer = await places.call(
            "GET", path.partition("?")[0], query=f"{path.partition('?')[2]}&{query}".lstrip("&")
        )
        assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("lang", "value", "tag"),
    [
        ("de", "Hafen", "de"),
        ("DE", "Hafen", "de"),
        ("fr;q=0.9,nl;q=0.5", "haven", "nl"),
        ("nl;q=0.5,de;q=0.9", "Hafen", "de"),
        ("en", "harbour", "en-GB"),
        ("nl-BE", "haven", "nl"),
        ("en-US,nl;q=0.1", "haven", "nl"),
    ],
)
async def test_4_15_a_language_is_chosen_by_weight_then_by_nearness(
    places: BrokerApi, lang: str, value: str, tag: str
) -> None:
    found = (await places.call("GET", A, query=f"pick=name&lang={lang}")).json()["name"]
    assert found == {"type": "Property", "value": value, "lang": tag}
    simplified = (await places.call("GET", A, query=f"pick=name&format=simplified&lang={lang}")).json()
    assert simplified == {"name": value}


@pytest.mark.parametrize("lang", ["fr", "*"])
async def test_4_15_where_no_language_fits_some_language_is_given(places: BrokerApi, lang: str) -> None:
    found = (await places.call("GET", A, query=f"pick=name&format=simplified&lang={lang}")).json()
    assert found["name"] in ("Hafen", "harbour", "haven")


@pytest.mark.parametrize(
    ("query", "geometry"),
    [
        ("", "Point"),
        ("geometryProperty=area", "Polygon"),
        ("geometryProperty=rank", None),
        ("geometryProperty=nothing", None),
    ],
)
async def test_4_5_16_a_feature_has_the_geometry_that_is_asked_for(
    places: BrokerApi, query: str, geometry: str | None
) -> None:
    for form in ("format=normalized", "format=simplified"):
        feature = (await places.call("GET", A, query=f"{form}&{query}".rstrip("&"), headers=GEO)).json()
        assert (feature["id"], feature["type"]) == ("urn:ngsi-ld:Place:a", "Feature")
        assert (feature["geometry"] or {"type": None})["type"] == geometry
    answer = await places.call("GET", "/entities?type=Place", headers=GEO)
    collection = answer.json()
    assert (answer.headers["content-type"], collection["type"]) == (
        "application/geo+json",
        "FeatureCollection",
    )
    assert len(collection["features"]) == 2


@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("pick=rank|mix", {"rank", "mix"}),
        ("pick=id,type,scope,rank", {"id", "type", "scope", "rank"}),
        ("omit=id,type,scope,name,address,location,area,level", {"rank", "mix"}),
        ("attrs=rank,mix", {"id", "type", "scope", "rank", "mix"}),
    ],
)
async def test_4_21_members_are_picked_or_omitted(places: BrokerApi, query: str, members: set[str]) -> None:
    assert set((await places.call("GET", A, query=query)).json()) == members


async def test_4_21_an_entity_of_which_nothing_is_left_is_not_found(places: BrokerApi) -> None:
    assert (await places.call("GET", f"{A}?pick=open")).status == 404
    everything = "id,type,scope,rank,name,address,location,area,mix,level"
    assert (await places.call("GET", f"{A}?omit={everything}")).status == 404


async def test_4_5_23_a_linked_entity_that_is_gone_is_left_out(places: BrokerApi) -> None:
    await places.call("DELETE", A)
    c = "/entities/urn:ngsi-ld:Place:c"
    inline = (await places.call("GET", f"{c}?join=inline&pick=partOf")).json()
    flat = (await places.call("GET", f"{c}?join=flat&pick=id")).json()
    assert inline == {"partOf": {"type": "Relationship", "object": "urn:ngsi-ld:Place:a"}}
    assert flat == {"id": "urn:ngsi-ld:Place:c"}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"entities": [{"type": "*", "id": ["urn:ngsi-ld:Place:a", "urn:ngsi-ld:Place:c"]}]}, "ac"),
        ({"entities": [{"type": "Place", "id": "urn:ngsi-ld:Place:b", "idPattern": "z"}]}, "b"),
        ({"entities": [{"type": "Place", "idPattern": ".*b"}]}, "b"),
        ({"attrs": ["open"]}, "b"),
        ({"q": "rank>1", "scopeQ": "/Duisburg/%23".replace("%23", "#")}, "b"),
        ({"q": "rank", "ordering": {"orderBy": ["rank;desc", "id"]}}, "cba"),
        (
            {
                "q": "rank",
                "ordering": {"orderBy": ["location;dist-asc"], "geometry": "Point", "coordinates": [20, 20]},
            },
            "cba",
        ),
        ({"q": "rank", "ordering": {"orderBy": ["rank"], "collation": "und"}}, "abc"),
        ({"geoQ": {"georel": "equals", "geometry": "Point", "coordinates": [5, 5]}}, "b"),
        ({"q": "rank>1", "omit": ["address"]}, "bc"),
    ],
)
async def test_5_2_23_a_query_in_a_body_finds(places: BrokerApi, body: dict[str, Any], names: str) -> None:
    answer = await places.call("POST", "/entityOperations/query", {"type": "Query", **body})
    assert answer.status == 200, answer.body
    assert "".join(each["id"][-1] for each in answer.json()) == names


@pytest.mark.parametrize(
    "body",
    [
        {"entities": [{"type": "Place", "id": "no uri"}]},
        {"entities": [{"type": "Place", "id": ["urn:x:1", 2]}]},
        {"attrs": []},
        {"q": "rank", "joinLevel": 0, "join": "inline"},
        {"q": "rank", "ordering": {"orderBy": ["location;dist-asc"]}},
        {"q": "rank", "ordering": {"orderBy": ["location;dist-asc"], "coordinates": "here"}},
        {"q": "rank", "ordering": {"orderBy": ["location;dist-asc"], "geometry": 5, "coordinates": [1, 1]}},
        {"q": "rank", "ordering": {"orderBy": ["rank"], "collation": "!!nope"}},
    ],
)
async def test_5_2_23_what_is_no_query_in_a_body_is_bad_data(places: BrokerApi, body: dict[str, Any]) -> None:
    assert (await places.call("POST", "/entityOperations/query", {"type": "Query", **body})).status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/types/Place", 200),
        ("/types/https%3A%2F%2Furi.etsi.org%2Fngsi-ld%2Fdefault-context%2FPlace", 200),
        ("/types/Nothing", 404),
        ("/types?details=maybe", 400),
        ("/types?fancy=1", 400),
        ("/attributes/rank", 200),
        ("/attributes/https%3A%2F%2Furi.etsi.org%2Fngsi-ld%2Fdefault-context%2Frank", 200),
        ("/attributes/nothing", 404),
        ("/attributes/type", 404),
        ("/attributes?fancy=1", 400),
    ],
)
async def test_5_7_5_what_there_is_can_be_asked_for(places: BrokerApi, path: str, status: int) -> None:
    assert (await places.call("GET", path)).status == status


async def test_5_7_5_each_tenant_has_types_of_its_own(places: BrokerApi) -> None:
    mine = {"ngsild-tenant": "harbour"}
    await places.call("POST", "/entities", {"id": "urn:x:1", "type": "Quay", "depth": 4}, headers=mine)
    assert (await places.call("GET", "/types", headers=mine)).json()["typeList"] == ["Quay"]
    assert (await places.call("GET", "/attributes", headers=mine)).json()["attributeList"] == ["depth"]
    assert "Quay" not in (await places.call("GET", "/types")).json()["typeList"]


@pytest.mark.parametrize(
    ("member", "field"),
    [
        ({"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [6, 51]}}, "geoQ.georel"),
        ({"geoQ": {"georel": "within", "geometry": "Point", "coordinates": [600, 51]}}, "geoQ.coordinates"),
        ({"ordering": {"orderBy": "a;dist-asc", "coordinates": "[["}}, "ordering.coordinates"),
        ({"ordering": {"orderBy": "a", "collation": "no collation"}}, "ordering.collation"),
        ({"q": "a=="}, "q"),
    ],
)
async def test_5_2_23_an_error_names_the_member_of_the_query(
    api: BrokerApi, member: dict[str, Any], field: str
) -> None:
    query = {"type": "Query", "entities": [{"type": "T"}], **member}
    answer = await api.call("POST", "/entityOperations/query", query)
    assert (answer.status, answer.json()["field"]) == (400, field)
