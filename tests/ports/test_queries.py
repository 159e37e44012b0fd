"""Whatever index an engine uses, it finds what plain `matches` finds, in order of creation."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.expression import Path as AttributePath
from rhinecloud.ngsild.query import EntityQuery, OrderKey, condition, matches, parse_q
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Edit, Put
from store.questions import CORE, INDEXES, some_entity, some_query

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


@dataclass(frozen=True, slots=True)
class WiderQuery(EntityQuery):
    """A query with a condition that no engine knows."""

    even: bool = condition(False, lambda _, entity: int(entity.id.rpartition(":")[2]) % 2 == 0)


async def test_a_condition_that_an_engine_does_not_know_is_checked(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    """Whatever else the query asks, and whatever index answers that: no entity is returned that does not match."""
    store = make_store(either_store, tmp_path, indexes=INDEXES)
    await store.open()
    chance = random.Random(4)
    entities = [some_entity(chance, str(number)) for number in range(600)]
    await store.write([Edit("", each.id, lambda _, each=each: Put(each), AT) for each in entities])
    q = parse_q("level==1", CORE)
    plain = [
        EntityQuery(),
        EntityQuery(types=(("urn:T:a",),)),
        EntityQuery(q=q, count=True),
        EntityQuery(hidden=frozenset({"urn:T:b"})),
    ]
    for query in [*plain, *(some_query(chance) for _ in range(60))]:
        given = {each.name: getattr(query, each.name) for each in fields(query) if each.init}
        wider = WiderQuery(**given, even=True)
        page = await store.query("", wider)
        wanted = [each.id for each in entities if matches(wider, each)]
        assert [stored.id for stored in page.items] == wanted[query.offset : query.offset + query.limit], (
            query
        )
        assert page.total == (len(wanted) if query.count else None), query
    await store.close()
