"""What every engine promises of attribute indexes that nobody asked for: they have to pay, season after season."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Edit, Put, Store
from rhinecloud.store.postgres import index_costs
from rhinecloud.store.postgres import indexing as postgres_indexing
from rhinecloud.store.sqlite import indexing as sqlite_indexing
from rhinecloud.store.sqlite import plan
from rhinecloud.store.sqlite.schema import number_of
from store.questions import CORE, IRIS

AT = "2026-03-01T10:00:00Z"
LEVEL = IRIS["level"]
ENTITIES = 300


@pytest.fixture(autouse=True)
def short_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sqlite_indexing, index_costs):
        monkeypatch.setattr(module, "PERIOD_S", 0.3)
        monkeypatch.setattr(module, "DROPPED_WAIT_S", 0.0)
    monkeypatch.setattr(index_costs, "REPORT_S", 0.0)
    monkeypatch.setattr(postgres_indexing, "CHECK_S", 0.05)


async def count_kept(settings: StoreSettings, folder: Path) -> tuple[int, int]:
    """Count the indexes and their rows, as they lie in the database."""
    texts = ("SELECT count(*) FROM indexed", "SELECT count(*) FROM value")
    if settings.shared:
        connection = await asyncpg.connect(settings.url)
        one, two = [await connection.fetchval(text) for text in texts]
        await connection.close()
        return one, two
    file = apsw.Connection(str(folder / "city.db"), flags=apsw.SQLITE_OPEN_READONLY)
    one, two = [number_of(file, text) for text in texts]
    file.close()
    return one, two


async def open_store(settings: StoreSettings, folder: Path, *indexes: str) -> Store:
    store = make_store(settings, folder, indexes=indexes)
    await store.open()
    return store


async def write(store: Store, value: Any) -> None:
    """Set all levels to what none of them was."""
    attrs: Any = {LEVEL: [Instance(value=value)]}
    entities = [Entity(id=f"urn:x:{number}", type=["urn:T"], attrs=attrs) for number in range(ENTITIES)]
    await store.write([Edit("", each.id, lambda _, each=each: Put(each), AT) for each in entities])


async def ask(store: Store, value: int) -> int | None:
    query = EntityQuery(types=(("urn:T",),), q=parse_q(f"level=={value}", CORE), count=True, limit=1)
    return (await store.query("", query)).total


async def ask_again_and_again(store: Store) -> None:
    while True:
        assert await ask(store, -1) == 0
        await asyncio.sleep(0.001)


async def until(kept: tuple[int, int], settings: StoreSettings, folder: Path) -> None:
    async with asyncio.timeout(60):
        while await count_kept(settings, folder) != kept:
            await asyncio.sleep(0.02)


async def asked_once(settings: StoreSettings, folder: Path) -> None:
    """Leave behind an index that an operator asked for, and asks for no more."""
    store = await open_store(settings, folder, LEVEL)
    await write(store, 0)
    await until((1, ENTITIES), settings, folder)
    await store.close()


async def test_an_index_that_is_asked_for_before_anything_is_written_need_not_be_built(
    either_store: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sqlite_indexing, postgres_indexing):
        monkeypatch.delattr(module, "_step")
    store = await open_store(either_store, tmp_path, LEVEL)
    await until((1, 0), either_store, tmp_path)
    await write(store, 7)
    await until((1, ENTITIES), either_store, tmp_path)
    assert await ask(store, 7) == ENTITIES
    await store.close()


async def test_a_value_that_becomes_an_equal_one_of_another_kind_is_found_as_what_it_is(
    either_store: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FEW", 0)  # the index is used, however few entities there are
    store = await open_store(either_store, tmp_path, LEVEL)
    await until((1, 0), either_store, tmp_path)
    for value, is_one in ((True, False), (1, True), (True, False), ([1], True), ([True], False)):
        await write(store, value)
        assert await ask(store, 1) == (ENTITIES if is_one else 0), value
    await store.close()


async def test_an_index_that_is_asked_for_no_more_is_dropped_where_it_does_not_pay(
    either_store: StoreSettings, tmp_path: Path
) -> None:
    await asked_once(either_store, tmp_path)
    store = await open_store(either_store, tmp_path)
    writing = 1
    async with asyncio.timeout(60):
        while await count_kept(either_store, tmp_path) != (0, 0):
            await write(store, writing)
            assert await ask(store, writing) == ENTITIES
            writing += 1
            await asyncio.sleep(0.05)
    await write(store, 1_000)
    assert await ask(store, 1_000) == ENTITIES
    assert await count_kept(either_store, tmp_path) == (0, 0)
    await store.close()


async def test_an_index_that_pays_or_is_asked_for_stays(either_store: StoreSettings, tmp_path: Path) -> None:
    await asked_once(either_store, tmp_path)
    store = await open_store(either_store, tmp_path)
    asking = asyncio.create_task(ask_again_and_again(store))
    for number in range(1, 6):
        await write(store, number)
        await asyncio.sleep(0.15)
    assert not asking.done()
    assert await count_kept(either_store, tmp_path) == (1, ENTITIES)
    asking.cancel()
    await store.close()
    store = await open_store(either_store, tmp_path, LEVEL)
    for number in range(6, 11):
        await write(store, number)
        await asyncio.sleep(0.15)
    assert await count_kept(either_store, tmp_path) == (1, ENTITIES)
    await store.close()


async def test_what_several_processes_count_is_added_up(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One only writes and would drop it; the other one only reads and needs it."""
    settings = StoreSettings(url=postgres_url)
    await asked_once(settings, tmp_path)
    monkeypatch.setattr(index_costs, "PERIOD_S", 0.6)
    writer, reader = [await open_store(settings, tmp_path) for _ in range(2)]
    asking = asyncio.create_task(ask_again_and_again(reader))
    for number in range(1, 6):
        await write(writer, number)
        await asyncio.sleep(0.2)
    assert not asking.done()
    assert await count_kept(settings, tmp_path) == (1, ENTITIES)
    asking.cancel()
    await reader.close()
    number = 6
    async with asyncio.timeout(60):
        while await count_kept(settings, tmp_path) != (0, 0):
            await write(writer, number)
            number += 1
            await asyncio.sleep(0.1)
    await writer.close()
