"""Whatever index an engine uses, it finds what plain `matches` finds, in order of creation."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rhinecloud.ngsild.query import matches
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Edit, Put
from store.questions import some_entity, some_query

AT = "2026-03-01T10:00:00Z"


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_query_finds_what_matches_in_order_of_creation(
    engine: str, seed: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgresql" else "sqlite:city.db"
    store = make_store(StoreSettings(url=url), tmp_path)
    await store.open()
    chance = random.Random(seed)
    entities = [some_entity(chance, str(number)) for number in range(300)]
    await store.write([Edit("", each.id, lambda _, each=each: Put(each), AT) for each in entities])
    for _ in range(200):
        query = some_query(chance)
        page = await store.query("", query)
        wanted = [each.id for each in entities if matches(query, each)]
        end = query.offset + query.limit
        assert [stored.id for stored in page.items] == wanted[query.offset : end], query
        assert page.more is (len(wanted) > end), query
        assert page.total == (len(wanted) if query.count else None), query
    await store.close()
