"""Many who write to one entity at once: nobody's attribute is lost, and only one of them has created it.

Over HTTP to a running city, each writer on a connection of its own. `RHINECLOUD_ATTACKS` says how often each of those
writes who do as they please, for longer runs. Source: clauses 5.6.1, 5.6.3, 5.6.4 and 5.6.17.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen

import pytest

from conformance.attacked import Attacked
from conformance.programs import write_at_once

ROUNDS = 25
TURNS = int(os.environ.get("RHINECLOUD_ATTACKS", "30"))
Write = Callable[[Attacked, str, int, int], int]


@pytest.fixture
def entity(city: Attacked, names: Iterator[int] = itertools.count()) -> str:  # noqa: B008 - a name for each test
    name = f"urn:x:shared:{next(names)}"
    assert (
        city.call("POST", "/entities", {"id": name, "type": "Shared", "counter": {"value": 0}}).status == 201
    )
    return name


def append(city: Attacked, entity: str, writer: int, turn: int) -> int:
    return city.call("POST", f"/entities/{entity}/attrs", {f"by{writer}x{turn}": {"value": turn}}).status


def merge(city: Attacked, entity: str, writer: int, turn: int) -> int:
    return city.call("PATCH", f"/entities/{entity}", {f"by{writer}x{turn}": {"value": turn}}).status


def upsert(city: Attacked, entity: str, writer: int, turn: int) -> int:
    body = [{"id": entity, "type": "Shared", f"by{writer}x{turn}": {"value": turn}}]
    return city.call("POST", "/entityOperations/upsert?options=update", body).status


def crowd(writers: int, act: Callable[[int], Any]) -> list[Any]:
    """Let each writer act, all at once."""
    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(act, range(writers)))


@pytest.mark.parametrize("writers", [2, 10])
@pytest.mark.parametrize("write", [append, merge, upsert])
def test_every_writers_attributes_are_there_in_the_end(
    city: Attacked, entity: str, write: Write, writers: int
) -> None:
    crowd(writers, lambda writer: [write(city, entity, writer, turn) for turn in range(ROUNDS)])
    found = city.call("GET", f"/entities/{entity}?options=keyValues").json()
    expected = {f"by{writer}x{turn}": turn for writer in range(writers) for turn in range(ROUNDS)}
    assert {name: value for name, value in found.items() if name.startswith("by")} == expected


@pytest.mark.parametrize("writers", [2, 10])
def test_partial_updates_leave_the_other_members_alone(city: Attacked, entity: str, writers: int) -> None:
    """Each writer has a sub-attribute of its own in one attribute."""

    def act(writer: int) -> None:
        for turn in range(ROUNDS):
            body = {f"part{writer}": {"type": "Property", "value": turn}}
            assert city.call("PATCH", f"/entities/{entity}/attrs/counter", body).status == 204

    crowd(writers, act)
    counter = city.call("GET", f"/entities/{entity}").json()["counter"]
    assert counter["value"] == 0
    assert {counter[f"part{writer}"]["value"] for writer in range(writers)} == {ROUNDS - 1}


@pytest.mark.parametrize("writers", [2, 10])
def test_of_concurrent_creations_of_one_entity_one_succeeds(city: Attacked, writers: int) -> None:
    for turn in range(10):
        name = f"urn:x:raced:{writers}:{turn}"

        def create(writer: int, name: str = name) -> int:
            return city.call("POST", "/entities", {"id": name, "type": "Raced", "winner": writer}).status

        statuses = crowd(writers, create)
        assert sorted(statuses) == [201, *[409] * (writers - 1)]
        winner = city.call("GET", f"/entities/{name}?options=keyValues").json()["winner"]
        assert statuses[winner] == 201


def test_of_concurrent_deletions_of_one_entity_one_succeeds(city: Attacked, entity: str) -> None:
    statuses = crowd(10, lambda _: city.call("DELETE", f"/entities/{entity}").status)
    assert sorted(statuses) == [204, *[404] * 9]


def test_concurrent_creations_and_deletions_leave_the_entity_or_nothing(city: Attacked) -> None:
    """Creations and deletions that succeeded take turns: their numbers differ by one at most."""
    name = "urn:x:flickering"

    def act(writer: int) -> list[int]:
        if writer % 2:
            return [city.call("DELETE", f"/entities/{name}").status for _ in range(ROUNDS)]
        body = {"id": name, "type": "Flickering"}
        return [city.call("POST", "/entities", body).status for _ in range(ROUNDS)]

    statuses = [status for each in crowd(6, act) for status in each]
    assert set(statuses) <= {201, 409, 204, 404}
    there = city.call("GET", f"/entities/{name}").status == 200
    assert statuses.count(201) - statuses.count(204) == int(there)


@pytest.mark.parametrize("writers", [2, 8])
def test_whatever_many_do_to_a_few_entities_nothing_is_lost(city: Attacked, writers: int) -> None:
    """Single writes and batches of every kind; the past has each value that was acknowledged, in its order."""
    crowd = write_at_once([city.call], writers, TURNS, seed=writers)
    for writer in crowd:
        for entity, values in writer.said.items():
            assert past(city, entity, writer.attribute, values) == values


def past(city: Attacked, entity: str, attribute: str, expected: list[int]) -> list[int]:
    """Wait until the history has all of an attribute's values; give them."""
    until = time.monotonic() + 60
    url = f"{city.url}/api/v1/history?entity={entity}&attribute={attribute}&limit=10000"
    while True:
        with urlopen(url) as answer:
            found = json.load(answer)["samples"]
        values = [each["value"] for each in found if isinstance(each["value"], int)]
        if len(values) >= len(expected) or time.monotonic() > until:
            return values
        time.sleep(0.1)
