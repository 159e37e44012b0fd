"""Clause 6.3: what every operation over HTTP has in common."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import House, ask
from rhinecloud.ngsild.documents import CORE_URL

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
FERRY = {"id": "urn:ngsi-ld:Ferry:homberg", "type": "Ferry", "crossing": {"type": "Property", "value": 4}}
LD = {"content-type": "application/ld+json"}


async def test_6_3_2_an_error_tells_type_title_detail_and_status(house: House) -> None:
    answer = await house.call("GET", "/entities/urn:ngsi-ld:Ferry:none")
    problem = answer.json()
    assert (answer.status, problem["status"]) == (404, 404)
    assert problem["type"] == ERRORS + "ResourceNotFound"
    assert problem["title"] != problem["detail"]
    assert answer.headers["content-type"] == "application/json"


async def test_6_3_2_a_wrong_verb_is_405_and_names_those_that_are_allowed(house: House) -> None:
    answer = await house.call("PUT", "/types", {})
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/nothing", "/entities/urn:x:1/nothing", "/entities/urn:x:1/attrs/a/b/c"])
async def test_6_2_an_unknown_resource_is_404(house: House, path: str) -> None:
    assert (await house.call("GET", path)).status == 404


async def test_6_3_4_a_body_without_a_length_is_411_and_has_no_body(house: House) -> None:
    answer = await house.call("POST", "/entities", headers={"content-type": "application/json"})
    assert (answer.status, answer.body) == (411, b"")


@pytest.mark.parametrize("length", ["-1", "many", "1_0", "+2"])
async def test_6_3_4_a_length_that_is_no_number_is_400(house: House, length: str) -> None:
    answer = await house.call("POST", "/entities", FERRY, headers={"content-length": length})
    assert answer.status == 400


async def test_6_3_4_another_media_type_is_415_and_has_no_body(house: House) -> None:
    answer = await house.call("POST", "/entities", FERRY, headers={"content-type": "text/xml"})
    assert (answer.status, answer.body) == (415, b"")


async def test_6_3_4_a_merge_patch_is_read_as_json(house: House) -> None:
    await house.call("POST", "/entities", FERRY)
    headers = {"content-type": "application/merge-patch+json"}
    answer = await house.call(
        "PATCH", f"/entities/{FERRY['id']}", {"crossing": {"value": 5}}, headers=headers
    )
    assert answer.status == 204


async def test_6_3_4_what_is_not_json_is_an_invalid_request(house: House) -> None:
    answer = await house.call("POST", "/entities", b"{nothing")
    assert (answer.status, answer.json()["type"]) == (400, ERRORS + "InvalidRequest")


async def test_6_3_4_a_body_beyond_the_limit_is_413(house: House) -> None:
    answer = await house.call("POST", "/entities", FERRY, headers={"content-length": str(2**40)})
    assert answer.status == 413


async def test_6_3_4_a_body_nested_too_deep_is_413(house: House) -> None:
    deep = b'{"a":' * 100 + b"1" + b"}" * 100
    assert (await house.call("POST", "/entities", deep)).status == 413


async def test_6_3_4_what_cannot_be_given_is_406_and_names_what_can(house: House) -> None:
    answer = await house.call("GET", "/types", headers={"accept": "text/html"})
    assert answer.status == 406
    assert answer.json()["available"] == ["application/json", "application/ld+json"]


async def test_6_3_4_geojson_is_for_entities_only(house: House) -> None:
    assert (await house.call("GET", "/types", headers={"accept": "application/geo+json"})).status == 406
    spatial = await house.call("GET", "/entities?type=Ferry", headers={"accept": "application/geo+json"})
    assert spatial.headers["content-type"] == "application/geo+json"


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/ld+json", "application/ld+json"),
        ("application/ld+json, application/json", "application/json"),
        ("application/json;q=0.2, application/ld+json;q=0.8", "application/ld+json"),
        ("application/json;q=0, */*", "application/ld+json"),
        ("*/*;q=0.9, application/ld+json;q=0.8", "application/json"),
        ("application/ld+json;q=much", "application/ld+json"),
        ("APPLICATION/LD+JSON", "application/ld+json"),
    ],
)
async def test_6_3_4_accept_is_weighed(house: House, accept: str, given: str) -> None:
    answer = await house.call("GET", "/types", headers={"accept": accept})
    assert answer.headers["content-type"] == given


async def test_6_3_5_json_takes_its_context_from_the_link_only(house: House) -> None:
    answer = await house.call("POST", "/entities", {**FERRY, "@context": CORE_URL})
    assert (answer.status, answer.json()["type"]) == (400, ERRORS + "BadRequestData")


async def test_6_3_5_json_ld_takes_its_context_from_the_body_only(house: House) -> None:
    without = await house.call("POST", "/entities", FERRY, headers=LD)
    link = f'<{CORE_URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    both = await house.call(
        "POST", "/entities", {**FERRY, "@context": CORE_URL}, headers={**LD, "link": link}
    )
    assert (without.status, both.status) == (400, 400)


async def test_6_3_5_other_links_are_not_the_context(house: House) -> None:
    headers = {"link": '<https://example.org/x>; rel="help", <https://example.org/y>; rel=next'}
    assert (await house.call("GET", "/entities?type=Ferry", headers=headers)).status == 200


async def test_6_3_6_json_names_its_context_in_a_link_and_json_ld_inside(house: House) -> None:
    await house.call("POST", "/entities", FERRY)
    path = f"/entities/{FERRY['id']}"
    plain = await house.call("GET", path)
    linked = await house.call("GET", path, headers={"accept": "application/ld+json"})
    assert plain.headers["link"].startswith(f"<{CORE_URL}>")
    assert "@context" not in plain.json()
    assert linked.json()["@context"] == CORE_URL
    assert "link" not in linked.headers


async def test_6_3_6_a_context_that_came_in_a_body_is_given_an_address(house: House) -> None:
    body = {"type": "Query", "entities": [{"type": "Boat"}], "@context": {"Boat": "https://example.org/Boat"}}
    answer = await house.call("POST", "/entityOperations/query", body, headers=LD)
    url = answer.headers["link"].partition(">")[0].removeprefix("<http://127.0.0.1/ngsi-ld/v1")
    assert (await house.call("GET", url)).json() == {"@context": {"Boat": "https://example.org/Boat"}}


async def test_6_3_6_an_earlier_version_may_be_preferred(house: House) -> None:
    tongues = {"type": "LanguageProperty", "languageMap": {"de": "Fähre", "nl": "Veer"}}
    await house.call("POST", "/entities", {**FERRY, "name": tongues})
    path = f"/entities/{FERRY['id']}"
    amended = await house.call("GET", path, headers={"prefer": "ngsi-ld=1.3"})
    native = await house.call("GET", path, headers={"prefer": 'respond-async, NGSI-LD="1.9"'})
    assert (amended.status, amended.headers["preference-applied"]) == (203, "ngsi-ld=1.3")
    assert amended.json()["name"] == {"type": "Property", "value": {"de": "Fähre", "nl": "Veer"}}
    assert (native.status, native.headers["preference-applied"]) == (200, "ngsi-ld=1.9")
    assert native.json()["name"] == tongues


async def test_6_3_14_a_tenant_sees_its_own_and_is_told_back(house: House) -> None:
    mine = {"ngsild-tenant": "harbour"}
    created = await house.call("POST", "/entities", FERRY, headers=mine)
    assert created.headers["ngsild-tenant"] == "harbour"
    assert (await house.call("GET", f"/entities/{FERRY['id']}", headers=mine)).status == 200
    assert (await house.call("GET", f"/entities/{FERRY['id']}")).status == 404


async def test_5_5_10_a_tenant_that_never_was_is_told_as_such(house: House) -> None:
    answer = await house.call("GET", "/entities?type=Ferry", headers={"ngsild-tenant": "nobody"})
    assert (answer.status, answer.json()["type"]) == (404, ERRORS + "NonexistentTenant")
    assert answer.headers["ngsild-tenant"] == "nobody"


@pytest.mark.parametrize("name", ["", "a b", "ü", "x" * 200, "../up"])
async def test_6_3_14_a_tenants_name_is_plain(house: House, name: str) -> None:
    assert (await house.call("GET", "/types", headers={"ngsild-tenant": name})).status == 400


@pytest.mark.parametrize(
    "query",
    [
        "fancy=1",
        "type=Ferry&type=Boat",
        "type=Ferry&options=fancy",
        "type=Ferry&limit=-1",
        "type=Ferry&count=maybe",
    ],
)
async def test_6_3_20_a_parameter_that_does_not_belong_is_an_invalid_request(
    house: House, query: str
) -> None:
    answer = await house.call("GET", "/entities", query=query)
    assert (answer.status, answer.json()["type"]) == (400, ERRORS + "InvalidRequest")


async def test_head_answers_as_get_does_without_a_body(house: House) -> None:
    await house.call("POST", "/entities", FERRY)
    answer = await house.call("HEAD", f"/entities/{FERRY['id']}")
    assert (answer.status, answer.body) == (200, b"")
    assert "link" in answer.headers


async def test_options_names_the_methods(house: House) -> None:
    answer = await house.call("OPTIONS", "/entities")
    assert answer.status == 204
    assert {"GET", "POST", "DELETE"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/temporal/entities"),
        ("POST", "/csourceRegistrations"),
        ("POST", "/snapshots"),
        ("GET", "/entityMaps"),
    ],
)
async def test_what_is_known_and_not_built_is_501(house: House, verb: str, path: str) -> None:
    answer = await house.call(verb, path, {} if verb == "POST" else None)
    assert (answer.status, answer.json()["type"]) == (501, ERRORS + "OperationNotSupported")


async def test_5_15_1_each_tenant_is_a_source_of_its_own(house: House) -> None:
    mine = (await house.call("GET", "/info/sourceIdentity", headers={"ngsild-tenant": "harbour"})).json()
    default = (await house.call("GET", "/info/sourceIdentity")).json()
    assert mine["type"] == default["type"] == "ContextSourceIdentity"
    assert mine["contextSourceAlias"] != default["contextSourceAlias"]
    assert default["contextSourceUptime"].startswith("PT")


DEAD = "http://127.0.0.1:9/none.jsonld"


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("POST", "/entities", {**FERRY, "@context": DEAD}),
        ("PUT", f"/entities/{FERRY['id']}", {**FERRY, "@context": DEAD}),
        ("PATCH", f"/entities/{FERRY['id']}/attrs", {"a": 1, "@context": [DEAD]}),
        ("POST", "/entityOperations/query", {"type": "Query", "q": "a", "@context": DEAD}),
        ("POST", "/entityOperations/create", [{**FERRY, "@context": DEAD}]),
        ("POST", "/entityOperations/upsert", [{**FERRY, "@context": DEAD}]),
        ("GET", "/entities?type=Ferry", None),
        ("GET", "/types", None),
    ],
)
async def test_5_5_6_words_that_cannot_be_had_are_504_everywhere(
    house: House, verb: str, path: str, body: Any
) -> None:
    link = f'<{DEAD}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    answer = await house.call(verb, path, body, headers=LD if body else {"link": link})
    failed = answer.json()
    error = failed["errors"][0]["error"] if answer.status == 207 else failed
    assert (error["status"], error["type"]) == (504, ERRORS + "LdContextNotAvailable")


@pytest.mark.parametrize("verb", ["POST", "PATCH", "PUT"])
async def test_6_3_4_a_length_is_asked_for_before_anything_is_looked_up(house: House, verb: str) -> None:
    path = "/entities" if verb == "POST" else f"/entities/{FERRY['id']}"
    headers = {"ngsild-tenant": "nobody", "content-type": "application/json"}
    answer = await ask(house.door, verb, path, b"{}", "", headers)
    assert (answer.status, answer.body) == (411, b"")


async def test_5_15_1_a_source_says_who_since_when_and_what_time_it_is(house: House) -> None:
    found = (await house.call("GET", "/info/sourceIdentity")).json()
    assert set(found) == {"id", "type", "contextSourceAlias", "contextSourceUptime", "contextSourceTimeAt"}
    assert found["contextSourceTimeAt"].endswith("Z")
    assert found["id"].startswith("urn:")


@pytest.mark.parametrize("verb", ["HEAD", "POST"])
async def test_6_3_what_was_asked_otherwise_answers_no_other_call(house: House, verb: str) -> None:
    first = {"id": "urn:ngsi-ld:Buoy:1", "type": "Buoy"}
    await house.call("POST", "/entities", first)
    path, body = ("/entities/urn:ngsi-ld:Buoy:1", None)
    if verb == "POST":
        path, body = ("/entityOperations/query", {"type": "Query", "entities": [{"type": "Buoy"}]})
    for _ in range(2):
        assert (await house.call(verb, path, body)).status == 200
    assert (await house.call("POST", "/entities", {**first, "id": "urn:ngsi-ld:Buoy:2"})).status == 201
    assert (await house.call("DELETE", "/entities/urn:ngsi-ld:Buoy:1")).status == 204
    assert (await house.call("HEAD", "/entities/urn:ngsi-ld:Buoy:1")).status == 404
