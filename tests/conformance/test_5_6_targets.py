"""Clauses 5.6, 4.14, 6.3: which entity an operation means, and what is said where there is none; batches, purges."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import Answer, BrokerApi

ID = "urn:ngsi-ld:Ferry:1"
BODY = {"a": {"type": "Property", "value": 2}}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
LD = {"content-type": "application/ld+json"}
NULL = "urn:ngsi-ld:null"

OPERATIONS: list[tuple[str, str, str, Any]] = [
    ("5.7.1", "GET", "/entities/{id}", None),
    ("5.6.6", "DELETE", "/entities/{id}", None),
    ("5.6.17", "PATCH", "/entities/{id}", BODY),
    ("5.6.18", "PUT", "/entities/{id}", {"type": "Ferry", **BODY}),
    ("5.6.3", "POST", "/entities/{id}/attrs", BODY),
    ("5.6.2", "PATCH", "/entities/{id}/attrs", BODY),
    ("5.6.4", "PATCH", "/entities/{id}/attrs/a", {"value": 2}),
    ("5.6.19", "PUT", "/entities/{id}/attrs/a", {"type": "Property", "value": 2}),
    ("5.6.5", "DELETE", "/entities/{id}/attrs/a", None),
]
"""Every operation on one entity: clause, method, path and a body that it takes."""


def ferry(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Ferry", "a": {"type": "Property", "value": 1}, **members}


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.json()["type"]).rpartition("/")[2]


async def at(api: BrokerApi, verb: str, path: str, body: Any, entity_id: str = ID, **more: Any) -> Answer:
    return await api.call(verb, path.replace("{id}", entity_id), body, **more)


@pytest.mark.parametrize(("clause", "verb", "path", "body"), OPERATIONS)
async def test_an_entity_that_does_not_exist_is_an_error(
    api: BrokerApi, clause: str, verb: str, path: str, body: Any
) -> None:
    assert kind(await at(api, verb, path, body)) == (404, "ResourceNotFound"), clause


@pytest.mark.parametrize(("clause", "verb", "path", "body"), OPERATIONS)
@pytest.mark.parametrize("entity_id", ["nothing", "a%20b", "%3Cx%3E"])
async def test_an_id_that_is_no_uri_is_bad_data(
    api: BrokerApi, clause: str, verb: str, path: str, body: Any, entity_id: str
) -> None:
    assert kind(await at(api, verb, path, body, entity_id)) == (400, "BadRequestData"), clause


@pytest.mark.parametrize(("clause", "verb", "path", "body"), OPERATIONS)
async def test_a_type_narrows_which_entity_is_meant(
    api: BrokerApi, clause: str, verb: str, path: str, body: Any
) -> None:
    await api.call("POST", "/entities", ferry())
    other = await at(api, verb, path, body, query="type=Bridge|(Ferry;Ship)")
    assert kind(other) == (404, "ResourceNotFound"), clause
    assert (await at(api, verb, path, body, query="type=Bridge|Ferry")).status in (200, 204), clause


@pytest.mark.parametrize(("clause", "verb", "path", "body"), OPERATIONS)
async def test_an_entity_belongs_to_its_tenant(
    api: BrokerApi, clause: str, verb: str, path: str, body: Any
) -> None:
    await api.call("POST", "/entities", ferry())
    await api.call("POST", "/entities", ferry(id="urn:x:2"), headers={"ngsild-tenant": "harbour"})
    there = await at(api, verb, path, body, headers={"ngsild-tenant": "harbour"})
    nowhere = await at(api, verb, path, body, headers={"ngsild-tenant": "nobody"})
    assert (kind(there)[1], kind(nowhere)) == ("ResourceNotFound", (404, "NonexistentTenant")), clause


@pytest.mark.parametrize(("clause", "verb", "path", "body"), OPERATIONS)
async def test_a_parameter_of_none_of_the_operation_is_refused(
    api: BrokerApi, clause: str, verb: str, path: str, body: Any
) -> None:
    await api.call("POST", "/entities", ferry())
    assert kind(await at(api, verb, path, body, query="fancy=1")) == (400, "InvalidRequest"), clause


@pytest.mark.parametrize(("clause", "verb", "path", "body"), [each for each in OPERATIONS if each[3]])
async def test_6_3_4_bodies_are_json_with_a_length(
    api: BrokerApi, clause: str, verb: str, path: str, body: Any
) -> None:
    await api.call("POST", "/entities", ferry())
    text = await at(api, verb, path, body, headers={"content-type": "text/plain"})
    patch = await at(api, verb, path, body, headers={"content-type": "application/merge-patch+json"})
    assert text.status == 415, clause
    assert patch.status == (204 if verb == "PATCH" else 415), clause
    assert kind(await at(api, verb, path, b"{")) == (400, "InvalidRequest"), clause


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PATCH", "/entities/"),
        ("PUT", "/entities/"),
        ("POST", "/entities//attrs"),
        ("PATCH", "/entities//attrs"),
        ("PATCH", "/entities//attrs/a"),
        ("PUT", "/entities//attrs/a"),
        ("DELETE", "/entities//attrs/a"),
        ("DELETE", f"/entities/{ID}/attrs/"),
        ("DELETE", "/entities/"),
    ],
)
async def test_a_path_without_its_id_means_no_entity(api: BrokerApi, verb: str, path: str) -> None:
    await api.call("POST", "/entities", ferry())
    answer = await api.call(verb, path, None if verb == "DELETE" else BODY)
    assert answer.status == (405 if path.endswith("/attrs/") else 400)
    assert (await api.call("GET", f"/entities/{ID}?format=simplified")).json()["a"] == 1


@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge", "delete"])
@pytest.mark.parametrize("body", [b"{", [], {}, [None], "x"])
async def test_5_6_7_what_is_no_batch_is_refused(api: BrokerApi, operation: str, body: Any) -> None:
    assert (await api.call("POST", f"/entityOperations/{operation}", body)).status == 400


@pytest.mark.parametrize(
    ("operation", "success", "statuses"),
    [
        ("create", [2], [409, 400, 409]),
        ("upsert", [2], [400]),
        ("update", [1], [404, 400, 404]),
        ("merge", [1], [404, 404, 404]),
    ],
)
async def test_5_6_7_each_item_of_a_batch_fails_alone(
    api: BrokerApi, operation: str, success: list[int], statuses: list[int]
) -> None:
    await api.call("POST", "/entities", ferry())
    wrong = ferry(id="urn:ngsi-ld:Ferry:3", a={"type": "Property"})
    batch = [ferry(), ferry(id="urn:ngsi-ld:Ferry:2"), wrong, ferry(id="urn:ngsi-ld:Ferry:2")]
    answer = await api.call("POST", f"/entityOperations/{operation}", batch)
    result = answer.json()
    assert answer.status == 207
    named = [int(each.rpartition(":")[2]) for each in result["success"]]
    assert [each for each in named if each in success] == success
    assert sorted(each["error"]["status"] for each in result["errors"]) == sorted(statuses)
    assert {each["entityId"] for each in result["errors"]} >= {"urn:ngsi-ld:Ferry:3"}


@pytest.mark.parametrize("operation", ["update", "merge", "delete"])
async def test_5_5_10_a_batch_in_a_tenant_that_never_was_fails_whole(api: BrokerApi, operation: str) -> None:
    body = [ID] if operation == "delete" else [ferry()]
    headers = {"ngsild-tenant": "nobody"}
    answer = await api.call("POST", f"/entityOperations/{operation}", body, headers=headers)
    assert kind(answer) == (404, "NonexistentTenant")


@pytest.mark.parametrize(
    ("operation", "types"),
    [("upsert", "Boat"), ("upsert?options=update", ["Ferry", "Boat"]), ("update", ["Ferry", "Boat"])],
)
async def test_4_16_types_are_added_or_replaced(api: BrokerApi, operation: str, types: Any) -> None:
    await api.call("POST", "/entities", ferry())
    answer = await api.call("POST", f"/entityOperations/{operation}", [{"id": ID, "type": "Boat"}])
    assert answer.status == 204
    found = (await api.call("GET", f"/entities/{ID}")).json()
    assert found["type"] == types
    assert ("a" in found) is (operation != "upsert")


@pytest.mark.parametrize("options", ["replace", "update"])
async def test_5_6_9_an_update_replaces_what_is_there_as_upserts_say_it(api: BrokerApi, options: str) -> None:
    await api.call("POST", "/entities", ferry(b=1))
    answer = await api.call("POST", f"/entityOperations/update?options={options}", [{"id": ID, "a": 7}])
    assert answer.status == 204
    found = (await api.call("GET", f"/entities/{ID}?format=simplified")).json()
    assert (found["a"], found["b"]) == (7, 1)


async def test_4_6_6_the_later_of_two_items_is_what_remains(api: BrokerApi) -> None:
    for operation in ("create", "upsert", "update", "merge"):
        later = ferry(a={"type": "Property", "value": operation})
        await api.call("POST", f"/entityOperations/{operation}", [ferry(), later])
        found = (await api.call("GET", f"/entities/{ID}?format=simplified")).json()
        assert found["a"] == (1 if operation == "create" else operation)


@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge"])
async def test_6_3_5_each_item_of_a_batch_of_json_ld_brings_its_context(
    api: BrokerApi, operation: str
) -> None:
    await api.call("POST", "/entities", ferry())
    path = f"/entityOperations/{operation}"
    plain = await api.call("POST", path, [ferry(**{"@context": CORE})])
    bare = await api.call("POST", path, [ferry()], headers=LD)
    link = f'<{CORE}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    both = await api.call("POST", path, [ferry(**{"@context": CORE})], headers={**LD, "link": link})
    for answer in (plain, bare, both):
        failed = answer.json()
        status = failed["errors"][0]["error"]["status"] if answer.status == 207 else answer.status
        assert status == 400


@pytest.mark.parametrize(
    ("query", "status", "left"),
    [
        ("", 400, 3),
        ("id=urn:ngsi-ld:Ferry:1", 400, 3),
        ("idPattern=.*1", 400, 3),
        ("attrs=createdAt", 400, 3),
        ("q=modifiedAt>2020-01-01T00:00:00Z", 400, 3),
        ("type=Ferry&keep=a&drop=b", 400, 3),
        ("type=Ferry&q=a{b}==1", 400, 3),
        ("type=Ferry&drop=a{b}", 400, 3),
        ("type=Ferry", 204, 1),
        ("type=Ferry&id=urn:ngsi-ld:Ferry:1", 204, 2),
        ("q=a==1", 204, 2),
        ("local=true", 204, 0),
        ("type=Nothing", 204, 3),
    ],
)
async def test_5_6_21_a_purge_says_what_it_means(api: BrokerApi, query: str, status: int, left: int) -> None:
    second = ferry(id="urn:ngsi-ld:Ferry:2", a={"type": "Property", "value": 2})
    third = {"id": "urn:ngsi-ld:Lock:1", "type": "Lock"}
    await api.call("POST", "/entityOperations/create", [ferry(), second, third])
    answer = await api.call("DELETE", "/entities", query=query)
    assert answer.status == status, answer.body
    assert len((await api.call("GET", "/entities?local=true")).json()) == left
