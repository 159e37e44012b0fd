"""Clause 6.3: what every operation over HTTP has in common."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import BrokerApi, ask
from rhinecloud.ngsild.documents import CORE_URL

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
FERRY = {"id": "urn:ngsi-ld:Ferry:homberg", "type": "Ferry", "crossing": {"type": "Property", "value": 4}}
LD = {"content-type": "application/ld+json"}


async def test_6_3_2_an_error_tells_type_title_detail_and_status(api: BrokerApi) -> None:
    answer = await api.call("GET", "/entities/urn:ngsi-ld:Ferry:none")
    problem = answer.json()
    assert (answer.status, problem["status"]) == (404, 404)
    assert problem["type"] == ERRORS + "ResourceNotFound"
    assert problem["title"] != problem["detail"]
    assert answer.headers["content-type"] == "application/json"


async def test_6_3_2_a_wrong_verb_is_405_and_names_those_that_are_allowed(api: BrokerApi) -> None:
    answer = await api.call("PUT", "/types", {})
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/nothing", "/entities/urn:x:1/nothing", "/entities/urn:x:1/attrs/a/b/c"])
async def test_6_2_an_unknown_resource_is_404(api: BrokerApi, path: str) -> None:
    assert (await api.call("GET", path)).status == 404


async def test_6_3_4_a_body_without_a_length_is_411_and_has_no_body(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", headers={"content-type": "application/json"})
    assert (answer.status, answer.body) == (411, b"")


@pytest.mark.parametrize("length", ["-1", "many", "1_0", "+2"])
async def test_6_3_4_a_length_that_is_no_number_is_400(api: BrokerApi, length: str) -> None:
    answer = await api.call("POST", "/entities", FERRY, headers={"content-length": length})
    assert answer.status == 400


async def test_6_3_4_another_media_type_is_415_and_has_no_body(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", FERRY, headers={"content-type": "text/xml"})
    assert (answer.status, answer.body) == (415, b"")


async def test_6_3_4_a_compressed_body_is_415(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", b"\x1f\x8b", headers={**LD, "content-encoding": "gzip"})
    assert answer.status == 415


async def test_6_3_4_a_merge_patch_is_read_as_json(api: BrokerApi) -> None:
    await api.call("POST", "/entities", FERRY)
    headers = {"content-type": "application/merge-patch+json"}
    answer = await api.call("PATCH", f"/entities/{FERRY['id']}", {"crossing": {"value": 5}}, headers=headers)
    assert answer.status == 204


async def test_6_3_4_what_is_not_json_is_an_invalid_request(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", b"{nothing")
    assert (answer.status, answer.json()["type"]) == (400, ERRORS + "InvalidRequest")


async def test_6_3_4_a_body_beyond_the_limit_is_413(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", FERRY, headers={"content-length": str(2**40)})
    assert answer.status == 413


async def test_6_3_4_a_body_nested_too_deep_is_413(api: BrokerApi) -> None:
    deep = b'{"a":' * 100 + b"1" + b"}" * 100
    assert (await api.call("POST", "/entities", deep)).status == 413


async def test_6_3_4_what_cannot_be_given_is_406_and_names_what_can(api: BrokerApi) -> None:
    answer = await api.call("GET", "/types", headers={"accept": "text/html"})
    assert answer.status == 406
    assert answer.json()["available"] == ["application/json", "application/ld+json"]


async def test_6_3_4_geojson_is_for_entities_only(api: BrokerApi) -> None:
    assert (await api.call("GET", "/types", headers={"accept": "application/geo+json"})).status == 406
    spatial = await api.call("GET", "/entities?type=Ferry", headers={"accept": "application/geo+json"})
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
async def test_6_3_4_accept_is_weighed(api: BrokerApi, accept: str, given: str) -> None:
    answer = await api.call("GET", "/types", headers={"accept": accept})
    assert answer.headers["content-type"] == given


async def test_6_3_5_json_takes_its_context_from_the_link_only(api: BrokerApi) -> None:
    answer = await api.call("POST", "/entities", {**FERRY, "@context": CORE_URL})
    assert (answer.status, answer.json()["type"]) == (400, ERRORS + "BadRequestData")


async def test_6_3_5_json_ld_takes_its_context_from_the_body_only(api: BrokerApi) -> None:
    without = await api.call("POST", "/entities", FERRY, headers=LD)
    link = f'<{CORE_URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    both = await api.call("POST", "/entities", {**FERRY, "@context": CORE_URL}, headers={**LD, "link": link})
    assert (without.status, both.status) == (400, 400)


async def test_6_3_5_other_links_are_not_the_context(api: BrokerApi) -> None:
    headers = {"link": '<https://example.org/x>; rel="help", <https://example.org/y>; rel=next'}
    assert (await api.call("GET", "/entities?type=Ferry", headers=headers)).status == 200


@pytest.mark.parametrize(
    "link",
    [
        CORE_URL,
        f'{CORE_URL}; rel="http://www.w3.org/ns/json-ld#context"',
        f'<{CORE_URL}; rel="http://www.w3.org/ns/json-ld#context"',
        f"<{CORE_URL}> rel=x",
        f'<{CORE_URL}>; rel="x',
        f'<https://example.org/x>; rel="help", {CORE_URL}',
    ],
)
@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_6_3_5_a_link_that_cannot_be_read_is_refused(api: BrokerApi, link: str, verb: str) -> None:
    answer = await api.call(
        verb, "/entities?type=Ferry", FERRY if verb == "POST" else None, headers={"link": link}
    )
    assert answer.status == 400
    if verb == "GET":
        assert "Link" in answer.json()["detail"]


@pytest.mark.parametrize(
    "link", ["", " ", ",", f"<{CORE_URL}>", f'<{CORE_URL}> ; rel="a b" ; x , <y>; rel=z,']
)
async def test_6_3_5_a_list_of_links_is_read_as_rfc_8288_writes_it(api: BrokerApi, link: str) -> None:
    assert (await api.call("GET", "/entities?type=Ferry", headers={"link": link})).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/ngsi-ld/v2/types",
        "/ngsi-ld/zz/types",
        "/ngsi%2Dld/types",
        "/ngsi-ld/v11/types",
        "/ngsi-ld%2Fv1/types",
    ],
)
async def test_6_2_only_version_1_is_the_api(api: BrokerApi, path: str) -> None:
    answer = await ask(api.application, "GET", "", b"", "", {}, raw_path=path)
    assert answer.status == 404
    assert path in answer.json()["detail"]


async def test_6_3_6_json_names_its_context_in_a_link_and_json_ld_inside(api: BrokerApi) -> None:
    await api.call("POST", "/entities", FERRY)
    path = f"/entities/{FERRY['id']}"
    plain = await api.call("GET", path)
    linked = await api.call("GET", path, headers={"accept": "application/ld+json"})
    assert plain.headers["link"].startswith(f"<{CORE_URL}>")
    assert "@context" not in plain.json()
    assert linked.json()["@context"] == CORE_URL
    assert "link" not in linked.headers


async def test_6_3_6_a_context_that_came_in_a_body_is_given_an_address(api: BrokerApi) -> None:
    body = {"type": "Query", "entities": [{"type": "Boat"}], "@context": {"Boat": "https://example.org/Boat"}}
    answer = await api.call("POST", "/entityOperations/query", body, headers=LD)
    url = answer.headers["link"].partition(">")[0].removeprefix("<http://127.0.0.1/ngsi-ld/v1")
    assert (await api.call("GET", url)).json() == {"@context": {"Boat": "https://example.org/Boat"}}


async def test_6_3_6_an_earlier_version_may_be_preferred(api: BrokerApi) -> None:
    tongues = {"type": "LanguageProperty", "languageMap": {"de": "Fähre", "nl": "Veer"}}
    await api.call("POST", "/entities", {**FERRY, "name": tongues})
    path = f"/entities/{FERRY['id']}"
    amended = await api.call("GET", path, headers={"prefer": "ngsi-ld=1.3"})
    native = await api.call("GET", path, headers={"prefer": 'respond-async, NGSI-LD="1.9"'})
    assert (amended.status, amended.headers["preference-applied"]) == (203, "ngsi-ld=1.3")
    assert amended.json()["name"] == {"type": "Property", "value": {"de": "Fähre", "nl": "Veer"}}
    assert (native.status, native.headers["preference-applied"]) == (200, "ngsi-ld=1.9")
    assert native.json()["name"] == tongues


async def test_6_3_14_a_tenant_sees_its_own_entities_and_its_name_is_echoed(api: BrokerApi) -> None:
    mine = {"ngsild-tenant": "harbour"}
    created = await api.call("POST", "/entities", FERRY, headers=mine)
    assert created.headers["ngsild-tenant"] == "harbour"
    assert (await api.call("GET", f"/entities/{FERRY['id']}", headers=mine)).status == 200
    assert (await api.call("GET", f"/entities/{FERRY['id']}")).status == 404


async def test_5_5_10_a_tenant_that_does_not_exist_is_an_error(api: BrokerApi) -> None:
    answer = await api.call("GET", "/entities?type=Ferry", headers={"ngsild-tenant": "nobody"})
    assert (answer.status, answer.json()["type"]) == (404, ERRORS + "NonexistentTenant")
    assert answer.headers["ngsild-tenant"] == "nobody"


@pytest.mark.parametrize("name", ["", "a b", "ü", "x" * 200, "../up"])
async def test_6_3_14_a_tenants_name_is_plain(api: BrokerApi, name: str) -> None:
    assert (await api.call("GET", "/types", headers={"ngsild-tenant": name})).status == 400


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
    api: BrokerApi, query: str
) -> None:
    answer = await api.call("GET", "/entities", query=query)
    assert (answer.status, answer.json()["type"]) == (400, ERRORS + "InvalidRequest")


async def test_head_answers_as_get_does_without_a_body(api: BrokerApi) -> None:
    await api.call("POST", "/entities", FERRY)
    answer = await api.call("HEAD", f"/entities/{FERRY['id']}")
    assert (answer.status, answer.body) == (200, b"")
    assert "link" in answer.headers


async def test_options_names_the_methods(api: BrokerApi) -> None:
    answer = await api.call("OPTIONS", "/entities")
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
async def test_what_is_known_and_not_built_is_501(api: BrokerApi, verb: str, path: str) -> None:
    answer = await api.call(verb, path, {} if verb == "POST" else None)
    assert (answer.status, answer.json()["type"]) == (501, ERRORS + "OperationNotSupported")


async def test_5_15_1_each_tenant_is_a_source_of_its_own(api: BrokerApi) -> None:
    mine = (await api.call("GET", "/info/sourceIdentity", headers={"ngsild-tenant": "harbour"})).json()
    default = (await api.call("GET", "/info/sourceIdentity")).json()
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
    api: BrokerApi, verb: str, path: str, body: Any
) -> None:
    link = f'<{DEAD}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    answer = await api.call(verb, path, body, headers=LD if body else {"link": link})
    failed = answer.json()
    error = failed["errors"][0]["error"] if answer.status == 207 else failed
    assert (error["status"], error["type"]) == (504, ERRORS + "LdContextNotAvailable")


@pytest.mark.parametrize("verb", ["POST", "PATCH", "PUT"])
async def test_6_3_4_a_length_is_asked_for_before_anything_is_looked_up(api: BrokerApi, verb: str) -> None:
    path = "/entities" if verb == "POST" else f"/entities/{FERRY['id']}"
    headers = {"ngsild-tenant": "nobody", "content-type": "application/json"}
    answer = await ask(api.application, verb, path, b"{}", "", headers)
    assert (answer.status, answer.body) == (411, b"")


async def test_5_15_1_a_source_returns_its_identity_uptime_and_time(api: BrokerApi) -> None:
    found = (await api.call("GET", "/info/sourceIdentity")).json()
    assert set(found) == {"id", "type", "contextSourceAlias", "contextSourceUptime", "contextSourceTimeAt"}
    assert found["contextSourceTimeAt"].endswith("Z")
    assert found["id"].startswith("urn:")


@pytest.mark.parametrize("verb", ["HEAD", "POST"])
async def test_6_3_what_was_asked_otherwise_answers_no_other_call(api: BrokerApi, verb: str) -> None:
    first = {"id": "urn:ngsi-ld:Buoy:1", "type": "Buoy"}
    await api.call("POST", "/entities", first)
    path, body = ("/entities/urn:ngsi-ld:Buoy:1", None)
    if verb == "POST":
        path, body = ("/entityOperations/query", {"type": "Query", "entities": [{"type": "Buoy"}]})
    for _ in range(2):
        assert (await api.call(verb, path, body)).status == 200
    assert (await api.call("POST", "/entities", {**first, "id": "urn:ngsi-ld:Buoy:2"})).status == 201
    assert (await api.call("DELETE", "/entities/urn:ngsi-ld:Buoy:1")).status == 204
    assert (await api.call("HEAD", "/entities/urn:ngsi-ld:Buoy:1")).status == 404
