"""Merging by the API: clauses 5.5.12, 6.5.3.4 and 6.31."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from broker.assembly import BrokerApi, open_broker

NULL = "urn:ngsi-ld:null"
PLACE = {
    "id": "urn:ngsi-ld:Place:1",
    "type": "Place",
    "temperature": {"type": "Property", "value": 25, "unitCode": "CEL"},
    "owner": {"type": "Relationship", "object": "urn:x:1"},
    "label": {"type": "LanguageProperty", "languageMap": {"de": "Haus", "en": "house"}},
    "address": {"type": "Property", "value": {"city": "Duisburg", "country": "Germany"}},
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[BrokerApi]:
    async with open_broker(tmp_path) as api:
        assert (await api.call("POST", "/entities", PLACE)).status == 201
        yield api


async def merged(api: BrokerApi, body: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await api.call("PATCH", f"/entities/{PLACE['id']}", body, query=query)
    assert answer.status == 204, answer.body
    shown: dict[str, Any] = (await api.call("GET", f"/entities/{PLACE['id']}", query="format=concise")).json()
    return shown


async def test_a_member_alone_may_be_merged(api: BrokerApi) -> None:
    assert (await merged(api, {"temperature": {"unitCode": "FAR"}}))["temperature"] == {
        "value": 25,
        "unitCode": "FAR",
    }


async def test_null_inside_a_value_removes_a_member(api: BrokerApi) -> None:
    body = {"address": {"type": "Property", "value": {"country": NULL, "street": "Dammstraße"}}}
    assert (await merged(api, body))["address"] == {"city": "Duisburg", "street": "Dammstraße"}


async def test_simplified_values_keep_the_types_that_attributes_have(api: BrokerApi) -> None:
    shown = await merged(
        api, {"owner": "urn:x:2", "label": "home", "temperature": 30}, "options=keyValues&lang=en"
    )
    assert shown["owner"] == {"object": "urn:x:2"}
    assert shown["label"] == {"languageMap": {"de": "Haus", "en": "home"}}
    assert shown["temperature"] == {"value": 30, "unitCode": "CEL"}


async def test_simplified_objects_are_values(api: BrokerApi) -> None:
    shown = await merged(api, {"address": {"type": "PostalAddress", "country": NULL}}, "format=simplified")
    assert shown["address"] == {"value": {"city": "Duisburg", "type": "PostalAddress"}}


async def test_a_batch_merges_alike(api: BrokerApi) -> None:
    body = [
        {
            "id": PLACE["id"],
            "temperature": {"unitCode": "FAR"},
            "address": {"value": {"country": NULL}},
            "label": NULL,
        }
    ]
    assert (await api.call("POST", "/entityOperations/merge", body)).status == 204
    shown = (await api.call("GET", f"/entities/{PLACE['id']}", query="format=concise")).json()
    assert (shown["temperature"], shown["address"]) == (
        {"value": 25, "unitCode": "FAR"},
        {"city": "Duisburg"},
    )
    assert "label" not in shown


async def test_null_inside_a_value_is_refused_where_attributes_are_replaced(api: BrokerApi) -> None:
    body = {"address": {"type": "Property", "value": {"country": NULL}}}
    assert (await api.call("PATCH", f"/entities/{PLACE['id']}/attrs", body)).status == 400
