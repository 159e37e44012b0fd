"""Clauses 5.6.2 to 5.6.5 and 5.6.17 to 5.6.19: every way to change attributes, for every kind and each instance."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import Answer, BrokerApi

ID = "urn:ngsi-ld:Crane:1"
PATH = f"/entities/{ID}"
NULL = "urn:ngsi-ld:null"
ONE = "urn:d:1"
POINT = {"type": "Point", "coordinates": [6.7, 51.4]}
ELSEWHERE = {"type": "Point", "coordinates": [6.8, 51.5]}

KINDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "Property": ({"value": 1}, {"value": 2}, {"value": NULL}),
    "Relationship": ({"object": "urn:x:1"}, {"object": "urn:x:2"}, {"object": NULL}),
    "GeoProperty": ({"value": POINT}, {"value": ELSEWHERE}, {"value": NULL}),
    "LanguageProperty": (
        {"languageMap": {"de": "Kran"}},
        {"languageMap": {"de": "Drehkran"}},
        {"languageMap": {"@none": NULL}},
    ),
    "VocabProperty": ({"vocab": "a"}, {"vocab": "b"}, {"vocab": NULL}),
    "JsonProperty": ({"json": {"a": 1}}, {"json": {"a": 2}}, {"json": NULL}),
    "ListProperty": ({"valueList": [1]}, {"valueList": [2]}, {"valueList": NULL}),
    "ListRelationship": (
        {"objectList": [{"object": "urn:x:1"}]},
        {"objectList": [{"object": "urn:x:2"}]},
        {"objectList": NULL},
    ),
}
"""Of each kind of attribute: how it is, how it is to be, and how it is taken away."""


def crane(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Crane", **members}


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.json()["type"]).rpartition("/")[2]


async def shown(api: BrokerApi, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = (await api.call("GET", PATH, query=query)).json()
    return found


WAYS: dict[str, tuple[str, str]] = {
    "append": ("POST", f"{PATH}/attrs"),
    "update": ("PATCH", f"{PATH}/attrs"),
    "merge": ("PATCH", PATH),
    "partial": ("PATCH", f"{PATH}/attrs/a"),
    "replace": ("PUT", f"{PATH}/attrs/a"),
    "batch update": ("POST", "/entityOperations/update"),
    "batch merge": ("POST", "/entityOperations/merge"),
    "upsert": ("POST", "/entityOperations/upsert?options=update"),
}


async def write(api: BrokerApi, way: str, attribute: Any) -> Answer:
    """Write the attribute `a` in one of the ways that the API has."""
    verb, path = WAYS[way]
    alone, batch = path.endswith("/a"), path.startswith("/entityOperations")
    body = attribute if alone else [crane(a=attribute)] if batch else {"a": attribute}
    return await api.call(verb, path, body)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", KINDS)
async def test_each_way_writes_each_kind(api: BrokerApi, way: str, name: str) -> None:
    before, after, _ = KINDS[name]
    await api.call("POST", "/entities", crane(a={"type": name, **before}, b=1))
    assert (await write(api, way, {"type": name, **after})).status == 204
    assert await shown(api) == crane(a={"type": name, **after}, b={"type": "Property", "value": 1})


@pytest.mark.parametrize("way", ["update", "merge", "partial", "batch update", "batch merge"])
@pytest.mark.parametrize("name", KINDS)
async def test_null_takes_each_kind_away(api: BrokerApi, way: str, name: str) -> None:
    before, _, null = KINDS[name]
    await api.call("POST", "/entities", crane(a={"type": name, **before}, b=1))
    assert (await write(api, way, {"type": name, **null})).status == 204
    assert await shown(api) == crane(b={"type": "Property", "value": 1})


@pytest.mark.parametrize("way", ["update", "merge", "partial", "batch merge"])
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("gone", ["", ONE])
async def test_null_takes_one_instance_away(api: BrokerApi, way: str, name: str, gone: str) -> None:
    before, after, null = KINDS[name]
    default, other = {"type": name, **before}, {"type": name, **after, "datasetId": ONE}
    await api.call("POST", "/entities", crane(a=[default, other]))
    removed = {"type": name, **null, **({"datasetId": gone} if gone else {})}
    assert (await write(api, way, removed)).status == 204
    assert (await shown(api))["a"] == (default if gone else other)


@pytest.mark.parametrize("way", WAYS)
async def test_one_instance_is_written_and_the_other_left_alone(api: BrokerApi, way: str) -> None:
    await api.call("POST", "/entities", crane(a=[{"value": 1}, {"value": 2, "datasetId": ONE}]))
    assert (await write(api, way, {"type": "Property", "value": 3, "datasetId": ONE})).status == 204
    found = (await shown(api, "format=concise"))["a"]
    assert sorted(found, key=lambda each: "datasetId" in each) == [
        {"value": 1},
        {"value": 3, "datasetId": ONE},
    ]


@pytest.mark.parametrize(
    ("way", "kept"),
    [
        ("append", False),
        ("update", False),
        ("replace", False),
        ("batch update", False),
        ("upsert", False),
        ("partial", True),
        ("merge", True),
        ("batch merge", True),
    ],
)
async def test_5_5_8_some_ways_keep_the_members_that_they_are_not_given(
    api: BrokerApi, way: str, kept: bool
) -> None:
    old = {"value": 1, "unitCode": "MTR", "observedAt": "2026-03-01T12:00:00Z", "by": {"object": "urn:x:1"}}
    await api.call("POST", "/entities", crane(a=old))
    assert (await write(api, way, {"value": 2})).status == 204
    assert (await shown(api, "format=concise"))["a"] == ({**old, "value": 2} if kept else 2)


@pytest.mark.parametrize("way", WAYS)
async def test_4_8_writing_keeps_the_birthday_and_moves_the_time_of_change(api: BrokerApi, way: str) -> None:
    await api.call("POST", "/entities", crane(a=1))
    before = (await shown(api, "options=sysAttrs"))["a"]
    assert (await write(api, way, {"type": "Property", "value": 2})).status == 204
    after = (await shown(api, "options=sysAttrs"))["a"]
    assert after["modifiedAt"] > before["modifiedAt"]
    if way in ("partial", "merge", "replace", "batch merge"):
        assert after["createdAt"] == before["createdAt"]


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ("append", 204),
        ("update", 204),
        ("merge", 204),
        ("replace", 204),
        ("batch update", 204),
        ("upsert", 204),
        ("partial", 400),
    ],
)
async def test_an_attribute_may_become_one_of_another_kind_but_not_in_part(
    api: BrokerApi, way: str, status: int
) -> None:
    await api.call("POST", "/entities", crane(a=1))
    assert (await write(api, way, {"type": "Relationship", "object": "urn:x:1"})).status == status


@pytest.mark.parametrize("way", [each for each in WAYS if "batch" not in each and each != "upsert"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Property", "value": 1, "observedAt": "soon"},
        {"type": "Property", "value": 1, "object": "urn:x:1"},
        {"type": "Relationship", "object": "no uri"},
        {"type": "Nothing", "value": 1},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": ["x", 1]}},
        {"type": "LanguageProperty", "languageMap": {"de": 5}},
    ],
)
async def test_what_is_no_attribute_changes_nothing(api: BrokerApi, way: str, wrong: dict[str, Any]) -> None:
    await api.call("POST", "/entities", crane(a=1))
    assert kind(await write(api, way, wrong)) == (400, "BadRequestData")
    assert await shown(api) == crane(a={"type": "Property", "value": 1})


async def test_5_6_3_without_overwriting_new_instances_come_and_old_ones_stay(api: BrokerApi) -> None:
    await api.call("POST", "/entities", crane(a={"value": 1, "datasetId": ONE}))
    body = {"a": [{"value": 9, "datasetId": ONE}, {"value": 2, "datasetId": "urn:d:2"}]}
    answer = await api.call("POST", f"{PATH}/attrs?options=noOverwrite", body)
    assert answer.status == 207
    assert [each["value"] for each in (await shown(api, "format=concise"))["a"]] == [1, 2]


@pytest.mark.parametrize(
    ("way", "body", "before", "after"),
    [
        ("append", {"scope": ["/b"]}, "/a", "/b"),
        ("append", {"scope": "/b"}, None, "/b"),
        ("update", {"scope": "/b"}, "/a", "/b"),
        ("update", {"scope": "/b"}, None, None),
        ("merge", {"scope": "/b"}, "/a", "/b"),
        ("merge", {"scope": NULL}, "/a", None),
        ("append", {"type": "Machine"}, None, None),
        ("update", {"type": ["Machine", "Crane"]}, None, None),
    ],
)
async def test_4_18_scopes_and_types_are_written_with_attributes(
    api: BrokerApi, way: str, body: dict[str, Any], before: str | None, after: str | None
) -> None:
    await api.call("POST", "/entities", crane(**({"scope": before} if before else {})))
    verb, path = WAYS[way]
    assert (await api.call(verb, path, body)).status in (204, 207)
    found = await shown(api)
    assert found.get("scope") == after
    assert found["type"] == (["Crane", "Machine"] if "type" in body else "Crane")


async def test_5_6_3_a_scope_is_added_where_nothing_may_be_overwritten(api: BrokerApi) -> None:
    await api.call("POST", "/entities", crane(scope="/a"))
    assert (await api.call("POST", f"{PATH}/attrs?options=noOverwrite", {"scope": ["/b"]})).status == 204
    assert (await shown(api))["scope"] == ["/a", "/b"]


async def test_5_6_5_a_scope_is_deleted_as_an_attribute_is(api: BrokerApi) -> None:
    await api.call("POST", "/entities", crane(scope="/a"))
    assert (await api.call("DELETE", f"{PATH}/attrs/scope")).status == 204
    assert "scope" not in await shown(api)
    assert (await api.call("DELETE", f"{PATH}/attrs/scope")).status == 404


async def test_5_6_18_scopes_and_types_are_replaced_with_the_rest(api: BrokerApi) -> None:
    await api.call("POST", "/entities", crane(scope=["/a", "/b"], a=1))
    assert (await api.call("PUT", PATH, {"id": ID, "type": "Machine", "scope": "/c"})).status == 204
    assert await shown(api) == {"id": ID, "type": "Machine", "scope": "/c"}


@pytest.mark.parametrize("name", ["scope", "id", "type", "a b", "7a"])
async def test_5_6_19_what_is_no_attribute_cannot_be_replaced(api: BrokerApi, name: str) -> None:
    await api.call("POST", "/entities", crane(scope="/a"))
    answer = await api.call("PUT", f"{PATH}/attrs/{name}", {"type": "Property", "value": 1})
    assert kind(answer) == (400, "BadRequestData")


async def test_5_5_12_a_dataset_cannot_be_renamed(api: BrokerApi) -> None:
    await api.call("POST", "/entities", crane(a={"value": 1, "datasetId": ONE}))
    for way in ("partial", "merge"):
        assert (await write(api, way, {"value": 1, "datasetId": NULL})).status == 400
    assert (await write(api, "merge", {"value": 2, "datasetId": "urn:d:2"})).status == 204
    assert len((await shown(api))["a"]) == 2


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
async def test_4_5_2_3_a_bare_geometry_stands_for_a_geoproperty_in_a_fragment(
    api: BrokerApi, verb: str
) -> None:
    await api.call("POST", "/entities", crane(a=POINT))
    assert (await api.call(verb, f"{PATH}/attrs/a", ELSEWHERE)).status == 204
    assert (await shown(api))["a"] == {"type": "GeoProperty", "value": ELSEWHERE}
    assert (await api.call(verb, f"{PATH}/attrs/a", {"type": "Point", "coordinates": [1]})).status == 400


@pytest.mark.parametrize(
    ("verb", "path"), [("POST", f"{PATH}/attrs"), ("PATCH", f"{PATH}/attrs"), ("PATCH", f"{PATH}/attrs/a")]
)
async def test_5_4_a_fragment_with_nothing_in_it_changes_nothing(
    api: BrokerApi, verb: str, path: str
) -> None:
    await api.call("POST", "/entities", crane(a=1))
    before = await shown(api, "options=sysAttrs")
    assert kind(await api.call(verb, path, {})) == (400, "BadRequestData")
    assert await shown(api, "options=sysAttrs") == before


@pytest.mark.parametrize("types", [NULL, ["Machine", NULL]])
async def test_5_2_4_an_entity_never_loses_its_type(api: BrokerApi, types: Any) -> None:
    assert kind(await api.call("POST", "/entities", {"id": ID, "type": types})) == (400, "BadRequestData")
    await api.call("POST", "/entities", crane(a=1))
    for verb, path in (("PATCH", PATH), ("PATCH", f"{PATH}/attrs"), ("POST", f"{PATH}/attrs")):
        assert kind(await api.call(verb, path, {"type": types})) == (400, "BadRequestData")
    assert (await shown(api))["type"] == "Crane"
