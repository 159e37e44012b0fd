"""Clauses 4.5.23, 4.21: linked entities inline and flat, one and two levels deep, in every form, picked and omitted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from broker.assembly import BrokerApi

CRANE, QUAY, PORT = (f"urn:ngsi-ld:{kind}:1" for kind in ("Crane", "Quay", "Port"))
ENTITIES = [
    {"id": CRANE, "type": "Crane", "reach": 30, "on": {"object": QUAY, "objectType": "Quay"}},
    {"id": QUAY, "type": "Quay", "depth": 4, "of": {"object": PORT}},
    {"id": PORT, "type": "Port", "name": "Ruhrort"},
]
PATH = f"/entities/{CRANE}"


@pytest_asyncio.fixture
async def port(api: BrokerApi) -> AsyncIterator[BrokerApi]:
    assert (await api.call("POST", "/entityOperations/create", ENTITIES)).status == 201
    yield api


async def ask(api: BrokerApi, way: str, query: str) -> Any:
    """Ask for the crane with what it is linked to: by its id, by a query, or by a query in a body."""
    if way == "retrieve":
        answer = await api.call("GET", PATH, query=query)
    elif way == "query":
        answer = await api.call("GET", "/entities", query=f"type=Crane&{query}")
    else:
        given = dict(each.split("=") for each in query.split("&"))
        body: dict[str, Any] = {"type": "Query", "entities": [{"type": "Crane"}]}
        for name in ("join", "joinLevel"):
            if name in given:
                body[name] = int(given[name]) if name == "joinLevel" else given[name]
        for name in ("pick", "omit"):
            if name in given:
                body[name] = [given[name]] if "{" in given[name] else given[name].split(",")
        shape = "&".join(f"{name}={given[name]}" for name in ("format", "options") if name in given)
        answer = await api.call("POST", "/entityOperations/query", body, query=shape)
    assert answer.status == 200, answer.body
    found = answer.json()
    return found[0] if isinstance(found, list) and "flat" not in query else found


SIMPLE_PORT = {"id": PORT, "type": "Port", "name": "Ruhrort"}


@pytest.mark.parametrize("way", ["retrieve", "query", "body"])
@pytest.mark.parametrize(
    ("level", "quay"),
    [
        ("1", {"id": QUAY, "type": "Quay", "depth": 4, "of": PORT}),
        ("2", {"id": QUAY, "type": "Quay", "depth": 4, "of": SIMPLE_PORT}),
    ],
)
async def test_inline_puts_the_linked_entity_where_the_link_was(
    port: BrokerApi, way: str, level: str, quay: dict[str, Any]
) -> None:
    found = await ask(port, way, f"join=inline&joinLevel={level}&format=simplified")
    assert found == {"id": CRANE, "type": "Crane", "reach": 30, "on": quay}


@pytest.mark.parametrize("way", ["retrieve", "query", "body"])
async def test_inline_in_normalized_form_keeps_the_link_beside_its_entity(port: BrokerApi, way: str) -> None:
    found = await ask(port, way, "join=inline&joinLevel=2")
    quay = found["on"]["entity"]
    assert (found["on"]["type"], found["on"]["object"], quay["id"]) == ("Relationship", QUAY, QUAY)
    assert quay["of"]["entity"] == {
        "id": PORT,
        "type": "Port",
        "name": {"type": "Property", "value": "Ruhrort"},
    }


@pytest.mark.parametrize("way", ["retrieve", "query", "body"])
@pytest.mark.parametrize(("level", "ids"), [("1", [CRANE, QUAY]), ("2", [CRANE, QUAY, PORT])])
@pytest.mark.parametrize("form", ["normalized", "concise", "simplified"])
async def test_flat_puts_linked_entities_behind(
    port: BrokerApi, way: str, level: str, ids: list[str], form: str
) -> None:
    found = await ask(port, way, f"join=flat&joinLevel={level}&format={form}")
    assert [each["id"] for each in found] == ids
    depth = {"normalized": {"type": "Property", "value": 4}, "concise": 4, "simplified": 4}[form]
    assert found[1]["depth"] == depth


@pytest.mark.parametrize("join", ["inline", "flat"])
async def test_system_attributes_reach_linked_entities(port: BrokerApi, join: str) -> None:
    found = await ask(port, "retrieve", f"join={join}&options=sysAttrs")
    crane, quay = (found, found["on"]["entity"]) if join == "inline" else found
    assert {"createdAt", "modifiedAt"} <= crane.keys() & quay.keys()
    assert "createdAt" in quay["depth"]


@pytest.mark.parametrize("way", ["retrieve", "query", "body"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("pick=reach,on", {"reach": 30, "on": {"id": QUAY, "type": "Quay", "depth": 4, "of": PORT}}),
        ("pick=on{depth}", {"on": {"depth": 4}}),
        ("pick=on{of{name}}&joinLevel=2", {"on": {"of": {"name": "Ruhrort"}}}),
        ("omit=reach,id,type", {"on": {"id": QUAY, "type": "Quay", "depth": 4, "of": PORT}}),
        (
            "omit=on{of}",
            {"id": CRANE, "type": "Crane", "reach": 30, "on": {"id": QUAY, "type": "Quay", "depth": 4}},
        ),
    ],
)
async def test_4_21_what_is_picked_or_omitted_inline(
    port: BrokerApi, way: str, query: str, expected: dict[str, Any]
) -> None:
    assert await ask(port, way, f"join=inline&format=simplified&{query}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("pick=id,on{id}", [{"id": CRANE, "on": QUAY}, {"id": QUAY}]),
        ("omit=type,reach,on{type,depth,of}", [{"id": CRANE, "on": QUAY}, {"id": QUAY}]),
    ],
)
async def test_4_21_what_is_picked_or_omitted_flat(port: BrokerApi, query: str, expected: Any) -> None:
    assert await ask(port, "retrieve", f"join=flat&format=simplified&{query}") == expected


async def test_what_the_asker_has_is_not_given_again(port: BrokerApi) -> None:
    found = await port.call("GET", f"/entities?type=Crane&join=flat&joinLevel=2&containedBy={QUAY}&pick=id")
    assert QUAY not in [each["id"] for each in found.json()]


async def test_a_circle_of_links_ends(port: BrokerApi) -> None:
    await port.call("POST", f"/entities/{PORT}/attrs", {"has": {"object": CRANE}})
    flat = (await port.call("GET", f"{PATH}?join=flat&joinLevel=10&pick=id,on,of,has")).json()
    assert sorted(each["id"] for each in flat) == sorted((CRANE, QUAY, PORT))
    assert (await port.call("GET", f"{PATH}?join=inline&joinLevel=10")).status == 200
