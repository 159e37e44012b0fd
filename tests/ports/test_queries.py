"""Whatever index an engine uses, it finds what plain `matches` finds, in order of creation."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.expression import Path as AttributePath
from rhinecloud.ngsild.query import EntityQuery, OrderKey, matches
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Edit, Put
from store.questions import some_entity, some_query

AT = "2026-03-01T10:00:00Z"


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_query_finds_what_matches_in_order_of_creation(
    seed: int, tmp_path: Path, either_store: StoreSettings
) -> None:
    store = make_store(either_store, tmp_path)
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


@pytest.mark.parametrize(
    ("collation", "alphabet"),
    [
        ("de-u-ks-level2", "Ärger, Mueller, Muffel, Muller, Müller=MÜLLER"),
        ("de-u-co-phonebk-ks-level1", "Ärger, Mueller=Müller=MÜLLER, Muffel, Muller"),
    ],
)
async def test_pages_in_the_order_of_a_language_neither_repeat_nor_skip(
    collation: str, alphabet: str, tmp_path: Path, either_store: StoreSettings
) -> None:
    """What the collation takes for equal stays in order of creation, on each engine."""
    ranks = {name: rank for rank, names in enumerate(alphabet.split(", ")) for name in names.split("=")}
    store = make_store(either_store, tmp_path)
    await store.open()
    names = random.Random(3).choices(sorted(ranks), k=60)
    entities = [
        Entity(id=f"urn:x:{number}", type=["urn:t"], attrs={"urn:name": [Instance(value=name)]})
        for number, name in enumerate(names)
    ]
    await store.write([Edit("", each.id, lambda _, each=each: Put(each), AT) for each in entities])
    order = (OrderKey(AttributePath(("name",), ("urn:name",)), collation=collation),)
    found: list[str] = []
    for offset in range(0, 60, 7):
        query = EntityQuery(types=(("urn:t",),), order=order, limit=7, offset=offset)
        found += [stored.id for stored in (await store.query("", query)).items]
    assert found == [f"urn:x:{number}" for number in sorted(range(60), key=lambda each: ranks[names[each]])]
    await store.close()
