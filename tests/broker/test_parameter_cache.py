"""The cache of parsed query parameters: what is kept depends on nothing but its key."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from broker.assembly import open_broker
from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.parameter_cache import KEPT, ParameterCache
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.http.request import Request
from rhinecloud.ngsild.context import compile_context, core_context

LOCK = {"id": "urn:ngsi-ld:Lock:7", "type": "Lock", "level": 3}


async def no_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


def make_request(**changed: Any) -> Request:
    """Return a GET of locks; `changed` are attributes of the request, or `headers`."""
    query_string = changed.get("query_string", b"type=Lock")
    request = Request("GET", changed.get("headers", {}), query_string, no_body, {})
    request.query = dict([each.split("=") for each in query_string.decode().split("&")])
    request.context = changed.get("context", core_context())
    request.media = changed.get("media", Media.JSON)
    request.link = changed.get("link", b"<urn:x>")
    request.source = request.link.decode()
    return request


@pytest.mark.parametrize("path", ["/entities?type=Lock&limit=7", f"/entities/{LOCK['id']}?attrs=level"])
@pytest.mark.parametrize("first", [{}, {"ngsild-entitymap": "urn:x:map"}])
async def test_a_header_that_makes_a_request_unsupported_is_seen_whatever_was_asked_before(
    tmp_path: Path, path: str, first: dict[str, str]
) -> None:
    async with open_broker(tmp_path) as api:
        await api.call("POST", "/entities", LOCK)
        await api.call("GET", path, headers=first)
        assert (await api.call("GET", path, headers={"ngsild-entitymap": "urn:x:map"})).status == 501
        assert (await api.call("GET", path)).status == 200


CHANGES: dict[str, dict[str, Any]] = {
    "values": {"query_string": b"type=Door"},
    "context": {"context": compile_context({"Lock": "https://example.org/Lock"}, {})},
    "media": {"media": Media.LD},
    "link": {"link": b"<urn:y>"},
    "source": {"link": b"<urn:y>"},
    "prefer": {"headers": {b"prefer": b"ngsi-ld=1.3"}},
    "entity_map": {"headers": {b"ngsild-entitymap": b"urn:x"}},
}


@pytest.mark.parametrize("field", [each.name for each in fields(QueryParameters)])
def test_each_input_of_a_parse_function_is_part_of_the_key(field: str) -> None:
    plain, changed = make_request(), make_request(**CHANGES[field])
    assert getattr(plain.parameters(), field) != getattr(changed.parameters(), field)
    assert plain.parameter_key() != changed.parameter_key()


def test_a_parse_function_cannot_read_what_is_not_declared() -> None:
    with pytest.raises(AttributeError):
        ParameterCache().parse(make_request(), lambda parameters: parameters.headers)


def test_a_result_is_computed_once_and_the_number_of_results_is_bounded() -> None:
    cache, parsed = ParameterCache(), []

    def parse(parameters: QueryParameters) -> str:
        parsed.append(parameters.values["type"])
        return parsed[-1]

    for number in range(3 * KEPT):
        assert cache.parse(make_request(), parse) == "Lock"
        cache.parse(make_request(query_string=b"type=T%d" % number), parse)
    assert parsed.count("Lock") == 1
    assert cache.kept <= KEPT


def test_a_long_query_string_is_parsed_each_time() -> None:
    cache, long = ParameterCache(), make_request(query_string=b"type=" + b"x" * 3_000)
    results = [cache.parse(long, lambda parameters: object()) for _ in range(2)]
    assert results[0] is not results[1]
