"""Attribute indexes: they find what matches, they are built beside the work, and they have to pay."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery, matches, parse_q
from rhinecloud.store import index_costs
from rhinecloud.store.index_costs import AttributeIndex, IndexCosts, idle_of
from rhinecloud.store.port import Edit, Put, Remove
from rhinecloud.store.sqlite import SqliteStore, indexing, plan
from rhinecloud.store.sqlite.schema import number_of
from rhinecloud.store.terms import literal_prefix
from store.questions import CORE, INDEXES, IRIS, some_entity, some_query

AT = "2026-03-01T10:00:00Z"


async def opened(path: Path, indexes: tuple[str, ...] = ()) -> SqliteStore:
    """Open a store and wait until its indexes are built."""
    store = SqliteStore(path, indexes=indexes)
    await store.open()
    await built(store)
    return store


async def built(store: SqliteStore) -> None:
    assert store._indexing is not None
    await asyncio.sleep(0.01)
    while store._indexing.busy:
        await asyncio.sleep(0.01)


def put(it: Entity) -> Edit:
    return Edit("", it.id, lambda _: Put(it), AT)


def level(number: int, value: object) -> Entity:
    return Entity(id=f"urn:x:{number}", type=["urn:T"], attrs={IRIS["level"]: [Instance(value=value)]})


def index_rows(store: SqliteStore) -> int:
    return number_of(store._read, "SELECT count(*) FROM value")


@pytest.mark.parametrize("few", [0, 200])
@pytest.mark.parametrize("seed", range(4))
async def test_a_query_finds_what_matches_whatever_was_written(
    few: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FEW", few)  # with 0 every index is used, however few entities there are
    chance = random.Random(seed)
    store = await opened(tmp_path / "s.db", INDEXES)
    model: dict[str, Entity] = {}
    for _round in range(4):
        edits = []
        for _ in range(80):
            it = some_entity(chance, str(chance.randrange(90)))
            if it.id in model and chance.random() < 0.3:
                edits.append(Edit("", it.id, lambda before: Remove(before) if before else None, AT))
                del model[it.id]
            else:
                edits.append(put(it))
                model[it.id] = it
        await store.write(edits)
        for _ in range(60):
            query = some_query(chance)
            page = await store.query("", query)
            wanted = [name for name, each in model.items() if matches(query, each)]
            found = [stored.id for stored in page.items]
            end = query.offset + query.limit
            assert found == wanted[query.offset : end], query
            assert page.more is (len(wanted) > end)
            assert page.total == (len(wanted) if query.count else None), query
    await store.write([Edit("", name, lambda before: before and Remove(before), AT) for name in model])
    assert index_rows(store) == 0
    await store.close()


@pytest.mark.parametrize("mixed", [False, True])
async def test_an_entity_with_the_attribute_and_another_type_is_not_found(
    mixed: bool, tmp_path: Path
) -> None:
    store = await opened(tmp_path / "s.db", INDEXES)
    types = [["urn:T"], ["urn:U"], ["urn:U", "urn:T"], ["urn:T", "urn:U"]] if mixed else [["urn:T"]]
    model = [
        Entity(
            id=f"urn:größe:{number}",
            type=types[number % len(types)],
            attrs={IRIS["level"]: [Instance(value=number % 3)]},
        )
        for number in range(300)
    ]
    await store.write([put(each) for each in model])
    for limit, offset in ((20, 0), (20, 20), (300, 0)):
        query = EntityQuery(types=(("urn:T",),), q=parse_q("level==1", CORE), limit=limit, offset=offset)
        page = await store.query("", query)
        wanted = [each.id for each in model if matches(query, each)]
        assert [stored.id for stored in page.items] == wanted[offset : offset + limit]
        assert page.more is (len(wanted) > offset + limit)
    await store.close()


async def test_an_index_is_built_while_others_write(tmp_path: Path) -> None:
    store = await opened(tmp_path / "s.db")
    await store.write([put(level(number, number % 50)) for number in range(1_500)])
    await store.close()
    store = SqliteStore(tmp_path / "s.db", indexes=[IRIS["level"]])
    await store.open()
    for number in range(0, 1_500, 7):
        await store.write([put(level(number, "moved"))])
    await store.write([put(level(number, 3)) for number in range(1_500, 1_520)])
    await built(store)
    assert index_rows(store) == 1_520
    for q, count in (('level=="moved"', 215), ("level==3", 26 + 20)):
        page = await store.query("", EntityQuery(q=parse_q(q, CORE), count=True))
        assert page.total == count
    await store.close()


async def test_a_build_that_was_broken_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await opened(tmp_path / "s.db")
    await store.write([put(level(number, number)) for number in range(20_000)])
    await store.close()
    monkeypatch.setattr(indexing, "SHARE", 0.01)
    store = SqliteStore(tmp_path / "s.db", indexes=[IRIS["level"]])
    await store.open()
    while not any(index.built for index in store._values.kept.values()):
        await asyncio.sleep(0.005)
    await store.close()
    monkeypatch.setattr(indexing, "SHARE", 1.0)
    store = SqliteStore(tmp_path / "s.db", indexes=[IRIS["level"]])
    await store.open()
    assert 0 < (store._values.kept[IRIS["level"]].built or 0) < 20_000
    await built(store)
    assert index_rows(store) == 20_000
    await store.close()


async def test_queries_that_look_through_much_for_little_get_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_costs, "LEAST_DOCUMENTS", 3_000)
    monkeypatch.setattr(index_costs, "SCANS", 2)
    store = await opened(tmp_path / "s.db")
    await store.write([put(level(number, number)) for number in range(1_500)])
    rare, usual = (EntityQuery(q=parse_q(q, CORE)) for q in ("level==7", "level>=0"))
    for _ in range(5):
        await store.query("", usual)
    assert not store._values.kept
    for _ in range(5):
        await store.query("", rare)
    await built(store)
    assert store._values.ready(IRIS["level"])
    assert [stored.id for stored in (await store.query("", rare)).items] == ["urn:x:7"]
    assert store._values.kept[IRIS["level"]].spared >= 1_499
    await store.close()
    store = await opened(tmp_path / "s.db")
    assert store._values.ready(IRIS["level"])
    await store.close()


async def test_a_learnt_index_that_does_not_pay_is_dropped_with_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened(tmp_path / "s.db", (IRIS["level"],))
    await store.write([put(level(number, number)) for number in range(500)])
    await store.close()
    monkeypatch.setattr(indexing, "PERIOD_S", 0.05)
    monkeypatch.setattr(indexing, "DROPPED_WAIT_S", 0.0)
    store = await opened(tmp_path / "s.db")  # asked for no more: from now on it has to pay
    await store.write([put(level(number, -1)) for number in range(500)])
    while index_rows(store):
        await asyncio.sleep(0.02)
    assert not store._values.kept
    page = await store.query("", EntityQuery(q=parse_q("level==-1", CORE), count=True))
    assert page.total == 500
    await store.close()


def test_what_was_looked_through_long_ago_counts_little() -> None:
    book = IndexCosts()
    assert not any(book.miss("a", 100_000, 1_000, hour * 36_000.0) for hour in range(10))
    assert book.miss("c", 200_000, 1_000, 0.0)
    assert not book.miss("d", 200_000, 1_000_000, 0.0)


def test_only_learnt_indexes_whose_upkeep_outweighs_them_are_idle() -> None:
    asked = AttributeIndex(1, "asked", True, None, upkeep=100)
    useful = AttributeIndex(2, "useful", False, None, upkeep=100, spared=1_000)
    still = AttributeIndex(3, "still", False, None)
    idle = AttributeIndex(4, "idle", False, None, upkeep=100, spared=10)
    young = AttributeIndex(5, "young", False, 7, upkeep=100)
    assert idle_of([asked, useful, still, idle, young]) == [idle]
    assert useful.spared == useful.upkeep == 0


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("^urn:x:1", "urn:x:1"),
        (r"^urn:x\.y", "urn:x.y"),
        ("^urn:x:12*", "urn:x:1"),
        ("^urn:x:12?", "urn:x:1"),
        ("^urn:x:1{0}", "urn:x:"),
        ("^urn:x:1+", "urn:x:1"),
        ("^urn:[a-c]", "urn:"),
        ("^urn:(a)?", "urn:"),
        (r"^urn:\d", "urn:"),
        ("^urn:a|^urn:b", ""),
        ("urn:x", ""),
        ("", ""),
    ],
)
def test_the_beginning_of_a_pattern_is_found(pattern: str, prefix: str) -> None:
    assert literal_prefix(pattern) == prefix
