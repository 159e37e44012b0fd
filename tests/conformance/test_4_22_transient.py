"""Clause 4.22: entities, attributes and instances that end at a moment; how it is set, kept and taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from broker.assembly import BrokerApi, open_broker
from rhinecloud.store.engine import StoreSettings

ID = "urn:ngsi-ld:Closure:1"
PATH = f"/entities/{ID}"
SOON = "2026-03-01T12:00:10Z"
LATER = "2026-03-01T13:00:00Z"
PAST = "2026-03-01T11:00:00Z"
POINT = {"type": "Point", "coordinates": [6.7, 51.4]}


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest_asyncio.fixture
async def watch() -> Watch:
    return Watch()


@pytest_asyncio.fixture
async def api(tmp_path: Path, watch: Watch, store_settings: StoreSettings) -> AsyncIterator[BrokerApi]:
    async with open_broker(tmp_path, clock=watch, kept=store_settings) as opened:
        yield opened


def closure(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Closure", "street": "Ruhrorter Straße", **members}


async def shown(api: BrokerApi, query: str = "format=concise") -> dict[str, Any] | None:
    answer = await api.call("GET", PATH, query=query)
    return answer.json() if answer.status == 200 else None


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("POST", "/entities", closure(expiresAt=SOON)),
        ("POST", "/entityOperations/create", [closure(expiresAt=SOON)]),
        ("POST", "/entityOperations/upsert", [closure(expiresAt=SOON)]),
        ("PATCH", PATH, {"expiresAt": SOON}),
        ("PUT", PATH, closure(expiresAt=SOON)),
        ("POST", "/entityOperations/merge", [{"id": ID, "type": "Closure", "expiresAt": SOON}]),
    ],
)
async def test_an_entity_is_there_until_its_moment(
    api: BrokerApi, watch: Watch, verb: str, path: str, body: Any
) -> None:
    if path not in ("/entities", "/entityOperations/create"):
        await api.call("POST", "/entities", closure())
    assert (await api.call(verb, path, body)).status in (201, 204)
    assert await shown(api) is not None
    assert len((await api.call("GET", "/entities?type=Closure")).json()) == 1
    watch.pass_seconds(11)
    assert await shown(api) is None
    assert (await api.call("GET", "/entities?type=Closure")).json() == []
    assert (await api.call("PATCH", PATH, {"street": "x"})).status == 404
    assert (await api.call("POST", "/entities", closure())).status == 201, "its id is free again"


@pytest.mark.parametrize(
    "attribute",
    [
        {"type": "Property", "value": 1},
        {"type": "Relationship", "object": "urn:x:1"},
        {"type": "GeoProperty", "value": POINT},
        {"type": "LanguageProperty", "languageMap": {"de": "x"}},
        {"type": "VocabProperty", "vocab": "x"},
        {"type": "JsonProperty", "json": {"a": 1}},
        {"type": "ListProperty", "valueList": [1]},
        {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]},
    ],
)
async def test_an_attribute_of_any_kind_ends_and_the_rest_stays(
    api: BrokerApi, watch: Watch, attribute: dict[str, Any]
) -> None:
    await api.call("POST", "/entities", closure())
    assert (await api.call("POST", f"{PATH}/attrs", {"a": {**attribute, "expiresAt": SOON}})).status == 204
    assert (await shown(api, "")) == {
        **closure(street={"type": "Property", "value": "Ruhrorter Straße"}),
        "a": attribute,
    }
    assert len((await api.call("GET", "/entities?attrs=a")).json()) == 1
    watch.pass_seconds(11)
    await api.broker.sweep()
    assert await shown(api) == closure()
    assert (await api.call("GET", "/entities?attrs=a")).json() == []


async def test_an_instance_ends_by_itself(api: BrokerApi, watch: Watch) -> None:
    several = [{"value": 1}, {"value": 2, "datasetId": "urn:d:2", "expiresAt": SOON}]
    await api.call("POST", "/entities", closure(a=several))
    watch.pass_seconds(11)
    await api.broker.sweep()
    assert await shown(api) == closure(a=1)


@pytest.mark.parametrize(
    ("verb", "path", "body", "kept"),
    [
        ("PATCH", f"{PATH}/attrs/a", {"value": 2}, True),
        ("PATCH", PATH, {"a": {"value": 2}}, True),
        ("PATCH", f"{PATH}/attrs", {"a": 2}, False),
        ("POST", f"{PATH}/attrs", {"a": 2}, False),
        ("PUT", f"{PATH}/attrs/a", {"type": "Property", "value": 2}, False),
    ],
)
async def test_5_5_8_what_is_replaced_whole_loses_its_moment(
    api: BrokerApi, watch: Watch, verb: str, path: str, body: dict[str, Any], kept: bool
) -> None:
    await api.call("POST", "/entities", closure(a={"value": 1, "expiresAt": SOON}))
    assert (await api.call(verb, path, body)).status == 204
    watch.pass_seconds(11)
    await api.broker.sweep()
    found = await shown(api)
    assert found is not None
    assert ("a" in found) is not kept


async def test_a_moment_can_be_moved_and_taken_back(api: BrokerApi, watch: Watch) -> None:
    await api.call("POST", "/entities", closure(expiresAt=SOON, a={"value": 1, "expiresAt": SOON}))
    await api.call("PATCH", PATH, {"expiresAt": LATER, "a": {"expiresAt": "urn:ngsi-ld:null"}})
    watch.pass_seconds(11)
    assert await shown(api) == closure(a=1)
    await api.call("PATCH", PATH, {"expiresAt": PAST})
    assert await shown(api) is None, "a moment that is past ends it at once"


@pytest.mark.parametrize("form", ["", "concise"])
async def test_6_3_11_the_moment_is_shown_among_system_attributes_only(api: BrokerApi, form: str) -> None:
    await api.call("POST", "/entities", closure(expiresAt=SOON, a={"value": 1, "expiresAt": SOON}))
    options = f"format={form}" if form else ""
    plain = await shown(api, options)
    full = await shown(api, f"{options}&options=sysAttrs".removeprefix("&"))
    assert plain is not None and full is not None
    assert "expiresAt" not in plain and "expiresAt" not in str(plain["a"])
    assert (full["expiresAt"], full["a"]["expiresAt"]) == (SOON, SOON)


@pytest.mark.parametrize("moment", ["soon", "2026-03-01", "2026-03-01T12:00:00+01:00", 5, ""])
async def test_what_is_no_moment_is_refused(api: BrokerApi, moment: Any) -> None:
    assert (await api.call("POST", "/entities", closure(expiresAt=moment))).status == 400
    attribute = {"value": 1, "expiresAt": moment}
    assert (await api.call("POST", "/entities", closure(a=attribute))).status == 400
