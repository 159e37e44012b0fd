"""What a call may cost: each limit is a setting, and what exceeds it is refused with its own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from broker.assembly import BrokerApi, open_broker
from rhinecloud.broker.settings import BrokerSettings

FEW = BrokerSettings(
    base_url="http://127.0.0.1",
    max_array=10,
    max_attributes=1_000,
    max_query_length=100,
    max_query_parts=5,
    max_query_terms=3,
    max_query_patterns=1,
    max_query_links=2,
    max_query_positions=6,
    max_query_s=0.0,
)
RING = [[6.0 + step / 10, 51.0 + (step % 2) / 10] for step in range(8)]


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[BrokerApi]:
    async with open_broker(tmp_path, settings=FEW) as opened:
        yield opened


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"id": "urn:x:1", "type": "X", "a": list(range(11))}, "more than 10 elements"),
        ({"id": "urn:x:1", "type": "X", **{f"a{n}": 1 for n in range(1_001)}}, "at most 1000 attributes"),
        ({"id": "urn:x:1", "type": "X", "a": {"json": eval("[" * 60 + "]" * 60)}}, "more than 40 deep"),
    ],
)
async def test_a_body_beyond_a_limit_is_too_large(api: BrokerApi, body: Any, words: str) -> None:
    answer = await api.call("POST", "/entities", body)
    assert answer.status == 413
    assert words in answer.json()["detail"]


async def test_an_entity_does_not_grow_beyond_the_limit_bit_by_bit(api: BrokerApi) -> None:
    first = {f"a{n}": 1 for n in range(900)}
    assert (await api.call("POST", "/entities", {"id": "urn:x:1", "type": "X", **first})).status == 201
    more = {f"b{n}": 1 for n in range(101)}
    assert (await api.call("POST", "/entities/urn:x:1/attrs", more)).status == 413
    del more["b0"]
    assert (await api.call("POST", "/entities/urn:x:1/attrs", more)).status == 204


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "a==1;b==2;c==3,4"}, "q: terms: 4; at most 3"),
        ({"q": 'a~="x";b~="y"'}, "patterns: 2; at most 1"),
        ({"q": "a{b{c{d}}}", "join": "inline", "joinLevel": 3}, "relationships in a row"),
        ({"attrs": ["a"] * 7}, "attrs: must list at most 5"),
        ({"scopeQ": "/a" * 60}, "scopeQ: has 120 characters"),
        ({"entities": [{"type": "X", "id": "urn:x:1"}] * 3}, "selectors"),
        (
            {"geoQ": {"georel": "overlaps", "geometry": "LineString", "coordinates": RING}},
            "positions: 8; at most 6",
        ),
    ],
)
async def test_a_query_beyond_a_limit_is_too_complex(
    api: BrokerApi, query: dict[str, Any], words: str
) -> None:
    asked = {"type": "Query", "entities": [{"type": "X"}], **query}
    answer = await api.call("POST", "/entityOperations/query", asked)
    assert answer.status == 403
    assert answer.json()["type"].endswith("/TooComplexQuery")
    assert words in answer.json()["detail"]


async def test_a_query_that_takes_too_long_is_given_up(api: BrokerApi) -> None:
    batch = [{"id": f"urn:x:{n}", "type": "X", "a": n} for n in range(3_000)]
    assert (await api.call("POST", "/entityOperations/create", batch)).status == 201
    answer = await api.call("GET", "/entities?type=X&idPattern=9$&orderBy=a&count=true")
    assert answer.status == 403
    assert "longer than" in answer.json()["detail"]
    assert (await api.call("GET", "/entities?type=X")).status == 200
