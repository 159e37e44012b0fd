"""Clauses 4.4 to 4.8, 4.18, 5.5: what may stand in an entity, what may not, and how it comes back by the API."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from broker.assembly import Answer, BrokerApi

ID = "urn:ngsi-ld:Quay:1"
PATH = f"/entities/{ID}"
LD = {"content-type": "application/ld+json"}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
NULL = "urn:ngsi-ld:null"
POINT = {"type": "Point", "coordinates": [6.7348, 51.4556]}
AREA = {"type": "Polygon", "coordinates": [[[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.4]]]}

EVERY_KIND: dict[str, Any] = {
    "text": {"type": "Property", "value": "Kai 7 – „Größe“ 港 \U0001f6a2"},
    "markup": {"type": "Property", "value": "<script>alert('x')</script> = \"a\"; (b)"},
    "number": {"type": "Property", "value": 12.5, "unitCode": "MTR", "observedAt": "2026-03-01T12:00:00Z"},
    "typed": {"type": "Property", "value": 3, "valueType": "http://www.w3.org/2001/XMLSchema#byte"},
    "compound": {"type": "Property", "value": {"a": [1, {"b": False}], "type": "x"}},
    "deep": {
        "type": "Property",
        "value": 1,
        "by": {"type": "Relationship", "object": "urn:x:1", "since": {"type": "Property", "value": 2}},
    },
    "several": [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:d:2"},
    ],
    "owner": {"type": "Relationship", "object": "urn:x:1", "objectType": "Agency"},
    "owners": {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"]},
    "title": {"type": "LanguageProperty", "languageMap": {"de": "Kai", "nl": ["kade", "kaai"], "@none": "K"}},
    "use": {"type": "VocabProperty", "vocab": "cargo"},
    "uses": {"type": "VocabProperty", "vocab": ["cargo", "people"]},
    "plan": {"type": "JsonProperty", "json": {"id": None, "@id": 1, "x": {"type": "Property"}}},
    "plans": {"type": "JsonProperty", "json": [{"a": 1}, {"a": None}]},
    "depths": {"type": "ListProperty", "valueList": [4, 4.5, "unknown"]},
    "berths": {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}, {"object": "urn:x:2"}]},
    "location": {"type": "GeoProperty", "value": POINT},
    "observationSpace": {"type": "GeoProperty", "value": AREA},
    "operationSpace": {"type": "GeoProperty", "value": AREA},
    "entrance": {"type": "GeoProperty", "value": POINT},
}


def quay(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Quay", **members}


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.json()["type"]).rpartition("/")[2]


async def test_4_5_every_kind_of_attribute_comes_back_as_it_was_sent(api: BrokerApi) -> None:
    sent = quay(scope=["/rhine/ruhrort", "/port"], **EVERY_KIND)
    assert (await api.call("POST", "/entities", sent)).status == 201
    found = await api.call("GET", PATH)
    assert found.json() == sent
    assert "港".encode() in found.body, "UTF-8 as it came, not escaped (clause 4.6.1)"


async def test_4_5_what_is_read_in_concise_form_can_be_written_again(api: BrokerApi) -> None:
    await api.call("POST", "/entities", quay(**EVERY_KIND))
    concise = (await api.call("GET", f"{PATH}?format=concise")).json()
    assert (await api.call("POST", "/entities", {**concise, "id": "urn:ngsi-ld:Quay:2"})).status == 201
    assert (await api.call("GET", "/entities/urn:ngsi-ld:Quay:2")).json() == {
        **quay(**EVERY_KIND),
        "id": "urn:ngsi-ld:Quay:2",
    }


async def test_4_5_4_the_simplified_form_is_values(api: BrokerApi) -> None:
    await api.call("POST", "/entities", quay(**EVERY_KIND))
    found = (await api.call("GET", f"{PATH}?format=simplified")).json()
    assert {
        name: found[name] for name in ("number", "owner", "owners", "title", "use", "plan", "several")
    } == {
        "number": 12.5,
        "owner": "urn:x:1",
        "owners": ["urn:x:1", "urn:x:2"],
        "title": {"languageMap": {"de": "Kai", "nl": ["kade", "kaai"], "@none": "K"}},
        "use": {"vocab": "cargo"},
        "plan": {"json": {"id": None, "@id": 1, "x": {"type": "Property"}}},
        "several": {"dataset": {"@none": 1, "urn:d:2": 2}},
    }
    assert (found["depths"], found["berths"], found["location"]) == (
        [4, 4.5, "unknown"],
        ["urn:x:1", "urn:x:2"],
        POINT,
    )


PROPERTY: dict[str, Any] = {"type": "Property", "value": 1}
RELATIONSHIP: dict[str, Any] = {"type": "Relationship", "object": "urn:x:1"}
TONGUES: dict[str, Any] = {"type": "LanguageProperty", "languageMap": {"de": "x"}}


@pytest.mark.parametrize(
    ("clause", "attribute"),
    [
        ("4.2.2", {"type": "Property"}),
        ("4.2.2", {"type": "Relationship"}),
        ("4.2.2", {"type": "LanguageProperty"}),
        ("4.2.2", None),
        ("4.5.1", {**PROPERTY, "@context": {}}),
        ("4.5.2.2", {**PROPERTY, "object": "urn:x:1"}),
        ("4.5.2.2", {**PROPERTY, "valueList": [1]}),
        ("4.5.2.2", {**PROPERTY, "vocab": "x"}),
        ("4.5.2.2", {**PROPERTY, "json": {}}),
        ("4.5.2.2", {**PROPERTY, "entity": {"id": "urn:x:1", "type": "X"}}),
        ("4.5.2.2", {**PROPERTY, "entityIdSealed": "x"}),
        ("4.5.3.2", {**RELATIONSHIP, "unitCode": "MTR"}),
        ("4.5.3.2", {**RELATIONSHIP, "value": 1}),
        ("4.5.3.2", {**RELATIONSHIP, "languageMap": {"de": "x"}}),
        ("4.5.3.2", {**RELATIONSHIP, "object": "no uri"}),
        ("4.5.5.1", [PROPERTY, PROPERTY]),
        ("4.5.5.1", [{**PROPERTY, "datasetId": "urn:d:1"}, {**PROPERTY, "datasetId": "urn:d:1"}]),
        ("4.5.5.1", [PROPERTY, {**PROPERTY, "datasetId": "@none"}]),
        ("4.5.5.1", {**PROPERTY, "datasetId": "no uri"}),
        ("4.5.18.2", {**TONGUES, "value": 1}),
        ("4.5.20.2", {"type": "VocabProperty", "vocab": 1}),
        ("4.5.21.2", {"type": "ListProperty", "valueList": [1], "value": 1}),
        ("4.5.22.2", {"type": "ListRelationship", "objectList": [{"object": "no uri"}]}),
        ("4.5.24.2", {"type": "JsonProperty", "json": {}, "unitCode": "MTR"}),
        ("4.5.24.2", {"type": "JsonProperty", "json": {}, "value": 1}),
        ("4.5.24.2", {"type": "JsonProperty", "json": "x"}),
        (
            "4.6.3",
            {**PROPERTY, "value": {"type": "GeometryCollection", "geometries": []}, "type": "GeoProperty"},
        ),
        ("4.6.5", {**TONGUES, "languageMap": {"de": 1}}),
        ("4.6.5", {**TONGUES, "languageMap": {"de": ["x", 1]}}),
        ("4.6.5", {**TONGUES, "languageMap": {"": "x"}}),
        ("4.7.1", {"type": "GeoProperty", "value": "nowhere"}),
        ("4.8", {**PROPERTY, "observedAt": "yesterday"}),
        ("4.8", {**PROPERTY, "observedAt": "2026-03-01T12:00:00+01:00"}),
        ("4.8", {**PROPERTY, "observedAt": {"type": "Property", "value": "2026-03-01T12:00:00Z"}}),
        ("5.2.1", {**PROPERTY, "value": NULL}),
        ("5.2.1", {**RELATIONSHIP, "object": NULL}),
        ("5.2.1", {**PROPERTY, "sub": {"type": "Property", "value": NULL}}),
        ("5.2.32", {**TONGUES, "valueType": "http://www.w3.org/2001/XMLSchema#string"}),
        ("5.5.4", NULL),
        ("5.5.4", {**PROPERTY, "value": {"deep": NULL}}),
    ],
)
async def test_what_is_no_attribute_is_bad_data(api: BrokerApi, clause: str, attribute: Any) -> None:
    assert kind(await api.call("POST", "/entities", quay(a=attribute))) == (400, "BadRequestData"), clause


@pytest.mark.parametrize(
    ("clause", "members"),
    [
        ("4.5.1", {"id": "urn:ngsi-ld:Quay:a\u200bb"}),
        ("4.5.1", {"id": "urn:ngsi-ld:Quay:a b"}),
        ("4.5.1", {"id": "urn:ngsi-ld:Quay:<b>"}),
        ("4.5.1", {"id": "urn:ngsi-ld:Quay:\u202ea"}),
        ("4.5.1", {"id": "urn:ngsi-ld:Quay:\ufffe"}),
        ("4.5.1", {"id": ["urn:x:1"]}),
        ("4.5.1", {"datasetId": PROPERTY}),
        ("4.5.1", {"instanceId": PROPERTY}),
        ("4.5.1", {"observedAt": PROPERTY}),
        ("4.6.2", {"type": "7Quay"}),
        ("4.6.2", {"type": []}),
        ("4.6.2", {"type": ""}),
        ("4.6.2", {"a b": PROPERTY}),
        ("4.6.2", {"a-b": PROPERTY}),
        ("4.7.1", {"location": PROPERTY}),
        ("4.18", {"scope": "/7th"}),
        ("4.18", {"scope": "/a//b"}),
        ("4.18", {"scope": "/a-b"}),
        ("4.18", {"scope": ["/a", "/b c"]}),
        ("4.18", {"scope": NULL}),
        ("4.22", {"expiresAt": "soon"}),
    ],
)
async def test_what_is_no_entity_is_bad_data(api: BrokerApi, clause: str, members: dict[str, Any]) -> None:
    assert kind(await api.call("POST", "/entities", {**quay(), **members})) == (400, "BadRequestData"), clause


@pytest.mark.parametrize(
    ("clause", "members", "shown"),
    [
        ("4.4", {"@id": ID, "@type": "Quay", "id": None, "type": None}, quay()),
        ("4.5.5.1", {"a": {**PROPERTY, "datasetId": "@none"}}, quay(a=PROPERTY)),
        ("4.5.21", {"a": {"valueList": [1]}}, quay(a={"type": "ListProperty", "valueList": [1]})),
        (
            "4.5.22",
            {"a": {"objectList": ["urn:x:1", {"object": "urn:x:2"}]}},
            quay(
                a={"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}, {"object": "urn:x:2"}]}
            ),
        ),
        ("4.5.24", {"a": {"json": {"value": 1}}}, quay(a={"type": "JsonProperty", "json": {"value": 1}})),
        ("4.6.2", {"größe_7": 1}, quay(größe_7=PROPERTY)),
        (
            "4.7.1",
            {"location": {"type": "GeoProperty", "value": orjson.dumps(POINT).decode()}},
            quay(location={"type": "GeoProperty", "value": POINT}),
        ),
        ("4.18", {"scope": "/Madrid/Gardens"}, quay(scope="/Madrid/Gardens")),
        ("4.8", {"createdAt": "2020-01-01T00:00:00Z", "modifiedAt": "x"}, quay()),
        ("4.5.2.2", {"a": {**PROPERTY, "previousValue": 0, "instanceId": "urn:i:1"}}, quay(a=PROPERTY)),
    ],
)
async def test_what_may_be_written_otherwise(
    api: BrokerApi, clause: str, members: dict[str, Any], shown: dict[str, Any]
) -> None:
    sent = {name: member for name, member in {**quay(), **members}.items() if member is not None}
    answer = await api.call("POST", "/entities", sent)
    assert answer.status == 201, (clause, answer.body)
    assert (await api.call("GET", PATH)).json() == shown, clause


async def test_4_5_2_2_a_proof_keeps_what_it_seals(api: BrokerApi) -> None:
    proof = {
        "type": "Property",
        "value": {"type": "DataIntegrityProof"},
        "entityIdSealed": ID,
        "entityTypeSealed": "Quay",
    }
    assert (await api.call("POST", "/entities", quay(ngsildproof=proof))).status == 201
    assert (await api.call("GET", PATH)).json()["ngsildproof"] == proof
    wrong = {**proof, "value": 1}
    answer = await api.call("PUT", PATH, {"type": "Quay", "ngsildproof": wrong})
    assert kind(answer) == (400, "BadRequestData")


@pytest.mark.parametrize("body", [b"{", b"", b'{"id":"urn:x:1",}', b"\xff", b"[1"])
async def test_5_5_4_what_is_no_json_is_an_invalid_request(api: BrokerApi, body: bytes) -> None:
    for verb, path in (("POST", "/entities"), ("PATCH", PATH), ("POST", "/entityOperations/upsert")):
        assert kind(await api.call(verb, path, body)) == (400, "InvalidRequest"), (verb, path)


@pytest.mark.parametrize("body", [{}, [], 1, "x", None])
async def test_5_5_4_what_is_no_object_is_bad_data(api: BrokerApi, body: Any) -> None:
    assert kind(await api.call("POST", "/entities", orjson.dumps(body)))[0] == 400


async def test_4_4_a_users_context_cannot_redefine_the_core(api: BrokerApi) -> None:
    context = [{"location": "https://example.org/location", "Quay": "https://example.org/Quay"}, CORE]
    sent = {**quay(location=POINT), "@context": context}
    assert (await api.call("POST", "/entities", sent, headers=LD)).status == 201
    found = (await api.call("GET", PATH)).json()
    assert (found["type"], found["location"]["type"]) == ("https://example.org/Quay", "GeoProperty")


async def test_5_5_5_without_a_context_names_belong_to_the_default_one(api: BrokerApi) -> None:
    await api.call("POST", "/entities", quay(depth=4))
    renamed = {"Kai": f"{DEFAULT}Quay", "tiefe": f"{DEFAULT}depth"}
    hosted = await api.call("POST", "/jsonldContexts", {"@context": renamed})
    link = f'<http://127.0.0.1{hosted.headers["location"]}>; rel="http://www.w3.org/ns/json-ld#context"'
    found = await api.call("GET", "/entities?type=Kai&q=tiefe==4&format=simplified", headers={"link": link})
    assert found.json() == [{"id": ID, "type": "Kai", "tiefe": 4}]
    assert (await api.call("GET", "/entities?type=Kai")).json() == [], "each request has its own words"


async def test_5_5_7_what_no_term_stands_for_is_shown_whole(api: BrokerApi) -> None:
    sent = {**quay(depth=4), "@context": {"depth": "https://example.org/depth"}}
    await api.call("POST", "/entities", sent, headers=LD)
    assert "https://example.org/depth" in (await api.call("GET", PATH)).json()
    scoped = {"depth": {"@id": "https://example.org/depth", "@context": {"x": "urn:x"}}}
    answer = await api.call("POST", "/entities", {**sent, "id": "urn:x:2", "@context": scoped}, headers=LD)
    assert kind(answer) == (400, "BadRequestData")


@pytest.mark.parametrize("value", [{"street": "Kai"}, ["a", "b"], 4, "text", True])
async def test_4_5_2_3_the_concise_form_keeps_attributes_of_attributes(api: BrokerApi, value: Any) -> None:
    address = {"value": value, "checked": True}
    await api.call("POST", "/entities", quay(address=address))
    for query in ("format=concise", "options=concise"):
        assert (await api.call("GET", f"{PATH}?{query}")).json()["address"] == address
    assert (await api.call("GET", "/entities?type=Quay&format=concise")).json()[0]["address"] == address


async def test_4_5_20_a_term_for_a_keyword_comes_back_as_it_was_sent(api: BrokerApi) -> None:
    await api.call("POST", "/entities", quay(use={"vocab": ["cargo", "id", "type"]}))
    assert (await api.call("GET", f"/entities/{ID}")).json()["use"]["vocab"] == ["cargo", "id", "type"]


async def test_4_5_20_a_list_of_one_term_or_text_is_that_term_or_text(api: BrokerApi) -> None:
    await api.call(
        "POST", "/entities", quay(use={"vocab": ["cargo"]}, title={"languageMap": {"de": ["Kai"]}}, n=[1])
    )
    found = (await api.call("GET", f"/entities/{ID}?options=keyValues")).json()
    assert found["use"] == {"vocab": "cargo"}
    assert found["title"] == {"languageMap": {"de": "Kai"}}
    assert found["n"] == [1], "values that are plain JSON stay as they came"
    query = "/entities?type=Quay&q=use==%22cargo%22&expandValues=use"
    assert len((await api.call("GET", query)).json()) == 1
