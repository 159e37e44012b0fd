"""Clause 5.6: creating, changing and deleting entities and attributes by the API."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import Answer, BrokerApi

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
ID = "urn:ngsi-ld:Lock:meiderich"
PATH = f"/entities/{ID}"
NULL = "urn:ngsi-ld:null"


def lock(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Lock", "chambers": {"type": "Property", "value": 2}, **members}


async def shown(api: BrokerApi, options: str = "options=concise") -> dict[str, Any]:
    found: dict[str, Any] = (await api.call("GET", PATH, query=options)).json()
    return found


def kind(answer: Answer) -> str:
    return str(answer.json()["type"]).removeprefix(ERRORS)


async def test_5_6_1_a_created_entity_has_an_address(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", lock())
    assert (answer.status, answer.headers["location"], answer.body) == (201, f"/ngsi-ld/v1{PATH}", b"")
    assert (await api.call("GET", PATH)).json() == lock()


async def test_5_6_1_an_id_is_taken_once(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    answer = await api.call("POST", "/entities", lock())
    assert (answer.status, kind(answer)) == (409, "AlreadyExists")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Lock"},
        {"id": "no uri", "type": "Lock"},
        {"id": ID},
        {"id": ID, "type": "Lock", "chambers": {"type": "Property"}},
        {"id": ID, "type": "Lock", "chambers": {"type": "Property", "value": None}},
        {"id": ID, "type": "Lock", "chambers": NULL},
    ],
)
async def test_5_6_1_what_is_no_entity_is_bad_data(api: BrokerApi, wrong: dict[str, Any]) -> None:
    answer = await api.call("POST", "/entities", wrong)
    assert (answer.status, kind(answer)) == (400, "BadRequestData")


async def test_5_6_2_an_update_replaces_whole_attributes_and_adds_new_ones(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock(level={"type": "Property", "value": 3, "unitCode": "MTR"}))
    body = {"level": {"type": "Property", "value": 4}, "gates": 4}
    assert (await api.call("PATCH", f"{PATH}/attrs", body)).status == 204
    assert await shown(api) == {"id": ID, "type": "Lock", "chambers": 2, "level": 4, "gates": 4}


async def test_5_6_2_null_deletes_and_what_did_not_exist_is_reported(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    answer = await api.call("PATCH", f"{PATH}/attrs", {"chambers": NULL, "gates": NULL})
    assert answer.status == 207
    assert answer.json()["updated"] == ["https://uri.etsi.org/ngsi-ld/default-context/chambers"]
    assert [each["attributeName"].rpartition("/")[2] for each in answer.json()["notUpdated"]] == ["gates"]


async def test_5_6_3_appending_may_leave_alone_what_is_there(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    body = {"chambers": 3, "gates": 4}
    answer = await api.call("POST", f"{PATH}/attrs?options=noOverwrite", body)
    assert (answer.status, len(answer.json()["updated"]), len(answer.json()["notUpdated"])) == (207, 1, 1)
    assert (await api.call("POST", f"{PATH}/attrs", body)).status == 204
    assert (await shown(api))["chambers"] == 3


async def test_5_6_4_a_partial_update_leaves_the_other_members(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock(level={"type": "Property", "value": 3, "unitCode": "MTR"}))
    assert (await api.call("PATCH", f"{PATH}/attrs/level", {"value": 4})).status == 204
    assert (await shown(api))["level"] == {"value": 4, "unitCode": "MTR"}


async def test_5_6_4_an_attribute_does_not_change_its_type_and_must_be_there(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    other = await api.call("PATCH", f"{PATH}/attrs/chambers", {"type": "Relationship", "object": "urn:x:1"})
    absent = await api.call("PATCH", f"{PATH}/attrs/gates", {"value": 4})
    scope = await api.call("PATCH", f"{PATH}/attrs/scope", {"value": "/a"})
    assert (other.status, absent.status, scope.status) == (400, 404, 400)


async def test_5_6_5_one_instance_or_all_of_an_attribute_are_deleted(api: BrokerApi) -> None:
    level = [{"value": 3}, {"value": 4, "datasetId": "urn:d:1"}, {"value": 5, "datasetId": "urn:d:2"}]
    await api.call("POST", "/entities", lock(level=level))
    assert (await api.call("DELETE", f"{PATH}/attrs/level")).status == 204
    assert len((await shown(api))["level"]) == 2
    assert (await api.call("DELETE", f"{PATH}/attrs/level?datasetId=urn:d:1")).status == 204
    assert (await shown(api))["level"] == {"value": 5, "datasetId": "urn:d:2"}
    assert (await api.call("DELETE", f"{PATH}/attrs/level")).status == 404
    assert (await api.call("DELETE", f"{PATH}/attrs/level?deleteAll=true")).status == 204
    assert "level" not in await shown(api)


async def test_5_6_6_a_deleted_entity_is_gone(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    assert (await api.call("DELETE", f"{PATH}?type=Bridge")).status == 404
    deleted = await api.call("DELETE", PATH)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "content-length" not in deleted.headers
    assert (await api.call("GET", PATH)).status == 404
    assert (await api.call("DELETE", PATH)).status == 404


async def test_5_6_17_a_merge_goes_into_values(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock(address={"type": "Property", "value": {"a": 1, "b": 2}}))
    assert (await api.call("PATCH", PATH, {"address": {"value": {"a": NULL, "c": 3}}})).status == 204
    assert (await shown(api, "options=keyValues"))["address"] == {"b": 2, "c": 3}


async def test_5_6_17_a_merge_may_share_language_and_time(api: BrokerApi) -> None:
    name = {"type": "LanguageProperty", "languageMap": {"de": "Schleuse", "nl": "Sluis"}}
    level = {"type": "Property", "value": 3, "observedAt": "2026-03-01T12:00:00Z"}
    await api.call("POST", "/entities", lock(name=name, level=level))
    query = "lang=nl&observedAt=2026-03-01T13:00:00Z&format=simplified"
    assert (await api.call("PATCH", PATH, {"name": "Keersluis", "level": 4}, query=query)).status == 204
    found = await shown(api)
    assert found["name"] == {"languageMap": {"de": "Schleuse", "nl": "Keersluis"}}
    assert found["level"] == {"value": 4, "observedAt": "2026-03-01T13:00:00Z"}


async def test_5_6_17_nothing_is_merged_into_nothing(api: BrokerApi) -> None:
    assert (await api.call("PATCH", PATH, {"chambers": 3})).status == 404
    assert (await api.call("PATCH", "/entities/", {"chambers": 3})).status == 400


async def test_5_6_18_a_replacement_keeps_only_id_and_birthday(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    born = (await shown(api, "options=sysAttrs"))["createdAt"]
    assert (await api.call("PUT", PATH, {"type": "Lock", "gates": 4})).status == 204
    found = await shown(api, "options=sysAttrs,concise")
    assert (found["createdAt"], "chambers" in found, found["gates"]["value"]) == (born, False, 4)


async def test_5_6_18_the_body_cannot_be_another_entity(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock())
    assert (await api.call("PUT", PATH, {**lock(), "id": "urn:ngsi-ld:Lock:other"})).status == 400


async def test_5_6_19_an_attribute_is_replaced_whole(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock(level={"type": "Property", "value": 3, "unitCode": "MTR"}))
    assert (await api.call("PUT", f"{PATH}/attrs/level", {"type": "Property", "value": 4})).status == 204
    assert (await shown(api))["level"] == 4
    assert (await api.call("PUT", f"{PATH}/attrs/gates", {"value": 4})).status == 404


def several(*names: str, **members: Any) -> list[dict[str, Any]]:
    return [{"id": f"urn:ngsi-ld:Lock:{name}", "type": "Lock", **members} for name in names]


async def test_5_6_7_a_batch_creates_all_or_tells_each_failure(api: BrokerApi) -> None:
    created = await api.call("POST", "/entityOperations/create", several("a", "b"))
    assert (created.status, created.json()) == (201, ["urn:ngsi-ld:Lock:a", "urn:ngsi-ld:Lock:b"])
    again = await api.call("POST", "/entityOperations/create", several("b", "c", "c"))
    result = again.json()
    assert (again.status, result["success"]) == (207, ["urn:ngsi-ld:Lock:c"])
    assert [each["error"]["status"] for each in result["errors"]] == [409, 409]


async def test_5_6_7_an_item_that_cannot_be_read_fails_alone(api: BrokerApi) -> None:
    batch = [*several("a"), {"id": "urn:ngsi-ld:Lock:b"}, 7, {"type": "Lock"}]
    answer = await api.call("POST", "/entityOperations/create", batch)
    assert (answer.status, answer.json()["success"]) == (207, ["urn:ngsi-ld:Lock:a"])
    assert [each["entityId"] for each in answer.json()["errors"]] == ["urn:ngsi-ld:Lock:b", "", ""]


@pytest.mark.parametrize("batch", [[], [None], {}, "x", [*several("a"), None]])
async def test_5_6_7_what_is_no_batch_is_refused_whole(api: BrokerApi, batch: Any) -> None:
    assert (await api.call("POST", "/entityOperations/create", batch)).status == 400
    assert (await api.call("GET", "/entities?local=true")).json() == []


async def test_5_6_8_an_upsert_replaces_or_updates(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", gates=4, chambers=2))
    replaced = await api.call("POST", "/entityOperations/upsert", several("a", "b", gates=5))
    assert (replaced.status, replaced.json()) == (201, ["urn:ngsi-ld:Lock:b"])
    updated = await api.call("POST", "/entityOperations/upsert?options=update", several("a", height=9))
    assert updated.status == 204
    found = (await api.call("GET", "/entities/urn:ngsi-ld:Lock:a?options=concise")).json()
    assert found == {"id": "urn:ngsi-ld:Lock:a", "type": "Lock", "gates": 5, "height": 9}


async def test_5_5_11_items_of_one_entity_are_taken_in_their_order(api: BrokerApi) -> None:
    batch = [several("a", gates=4)[0], several("a", chambers=2)[0], several("a", gates=6)[0]]
    assert (await api.call("POST", "/entityOperations/upsert?options=update", batch)).status == 201
    found = (await api.call("GET", "/entities/urn:ngsi-ld:Lock:a?options=concise")).json()
    assert (found["gates"], found["chambers"]) == (6, 2)


async def test_5_6_9_an_update_needs_entities_that_exist(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", gates=4))
    answer = await api.call("POST", "/entityOperations/update", several("a", "b", chambers=2))
    assert (answer.status, answer.json()["success"]) == (207, ["urn:ngsi-ld:Lock:a"])
    kept = await api.call(
        "POST", "/entityOperations/update?options=noOverwrite", several("a", gates=9, height=7)
    )
    assert kept.status == 207
    found = (await api.call("GET", "/entities/urn:ngsi-ld:Lock:a?options=concise")).json()
    assert (found["gates"], found["height"]) == (4, 7)


async def test_5_6_10_an_item_that_is_no_id_fails_alone(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", "b"))
    ids = [each["id"] for each in several("a", "b")]
    answer = await api.call("POST", "/entityOperations/delete", [ids[0], "no uri", 7, {"id": ids[0]}, ids[1]])
    result = answer.json()
    assert (answer.status, result["success"]) == (207, ids)
    assert [each["entityId"] for each in result["errors"]] == ["no uri", "", ""]
    assert "7 is not a URI" in result["errors"][1]["error"]["detail"]
    assert '{"id":' in result["errors"][2]["error"]["detail"]


async def test_5_6_10_a_batch_of_ids_is_deleted(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", "b"))
    ids = ["urn:ngsi-ld:Lock:a", "urn:ngsi-ld:Lock:a"]
    answer = await api.call("POST", "/entityOperations/delete", ids)
    assert (answer.status, answer.json()["success"]) == (207, ["urn:ngsi-ld:Lock:a"])
    assert answer.json()["errors"][0]["error"]["status"] == 404
    assert (await api.call("POST", "/entityOperations/delete", ["urn:ngsi-ld:Lock:b"])).status == 204


async def test_5_6_20_a_batch_is_merged(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", plan={"value": {"x": 1, "y": 2}}))
    answer = await api.call("POST", "/entityOperations/merge", several("a", plan={"value": {"y": NULL}}))
    assert answer.status == 204
    found = (await api.call("GET", "/entities/urn:ngsi-ld:Lock:a?options=keyValues")).json()
    assert found["plan"] == {"x": 1}


async def test_5_6_21_a_purge_deletes_what_matches(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", gates=4))
    await api.call("POST", "/entityOperations/create", several("b", gates=6))
    for query in ("", "?idPattern=.*", "?id=urn:ngsi-ld:Lock:a"):
        assert (await api.call("DELETE", f"/entities{query}")).status == 400
    assert (await api.call("DELETE", "/entities?type=Lock&q=gates==4")).status == 204
    left = (await api.call("GET", "/entities?type=Lock&options=keyValues")).json()
    assert [each["id"] for each in left] == ["urn:ngsi-ld:Lock:b"]


async def test_5_6_21_a_purge_may_take_attributes_only(api: BrokerApi) -> None:
    await api.call("POST", "/entityOperations/create", several("a", "b", gates=4, chambers=2, height=9))
    assert (await api.call("DELETE", "/entities?type=Lock&drop=gates")).status == 204
    assert (await api.call("DELETE", "/entities?type=Lock&keep=height")).status == 204
    left = (await api.call("GET", "/entities?type=Lock&options=keyValues")).json()
    assert [sorted(each) for each in left] == [["height", "id", "type"]] * 2


async def test_4_22_what_has_expired_is_never_shown(api: BrokerApi) -> None:
    await api.call("POST", "/entities", lock(expiresAt="2020-01-01T00:00:00Z"))
    assert (await api.call("GET", PATH)).status == 404
    assert (await api.call("GET", "/entities?type=Lock")).json() == []
    assert (await api.call("POST", "/entities", lock())).status == 201
