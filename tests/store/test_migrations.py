"""Data of an older version is brought up to date when a store is opened, on each engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rhinecloud.kernel.errors import Conflict, Unavailable
from rhinecloud.ngsild.change import ChangeKind, decode_change
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.migration import Migration, check_numbers
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.engine import StoreSettings, make_store, read_data_versions
from rhinecloud.store.migrations import (
    DataTooNew,
    DataTooOld,
    DataVersion,
    data_versions,
    migrate_data,
    require_current,
)
from rhinecloud.store.port import Edit, Put, Record, Store
from store.old_data import AT, BOOK, CARDS, COUNT, DROP, ON, SHELF, SPLIT, TITLE, TITLES, fill

SHELVES = 50


def clock() -> datetime:
    return datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
async def store(either_store: StoreSettings, tmp_path: Path) -> AsyncIterator[Store]:
    store = make_store(either_store, tmp_path)
    await store.open()
    yield store
    await store.close()


async def migrate(store: Store, *migrations: Migration, page: int = 7) -> None:
    await migrate_data(store, {"library": migrations}, clock, "0.2.0", page=page)


async def counted(store: Store, kind: str, tenant: str = "") -> int:
    return (await store.query(tenant, EntityQuery(types=((kind,),), count=True, limit=1))).total or 0


async def test_each_entity_of_every_tenant_is_rewritten_once(store: Store) -> None:
    await fill(store, SHELVES)
    await fill(store, 9, "north")
    before = store.last_change()
    await migrate(store, SPLIT)
    assert (await counted(store, BOOK), await counted(store, BOOK, "north")) == (73, 12)
    shelf = await store.get("", "urn:x:3")
    book = await store.get("north", "urn:x:3:2")
    assert shelf is not None
    assert book is not None
    assert TITLES not in shelf.entity().attrs
    assert shelf.entity().attrs[COUNT][0].value == 3
    assert book.entity().attrs[TITLE][0].value == "Book 3.2"
    assert book.entity().attrs[ON][0].value == "urn:x:3"
    assert await data_versions(store) == {
        "library": DataVersion(1, "0.2.0"),
    }
    assert store.last_change() == before + SHELVES + 9 + 73 + 12
    await migrate(store, SPLIT)
    assert store.last_change() == before + SHELVES + 9 + 73 + 12


async def test_what_a_migration_changes_is_in_the_change_log(store: Store) -> None:
    await fill(store, 3)
    await migrate(store, SPLIT)
    changes = [decode_change(row.body) for row in await store.changes(3, 100)]
    assert {change.actor for change in changes} == {"part:migration"}
    assert {change.at for change in changes} == {"2026-04-01T00:00:00Z"}
    (shelf,) = (each for each in changes if each.entity.id == "urn:x:2")
    assert shelf.kind is ChangeKind.UPDATED
    assert sorted(shelf.changed) == [COUNT, TITLES]
    assert shelf.previous[TITLES][0].value == ["Book 2.0", "Book 2.1"]
    assert (shelf.entity.created_at, shelf.entity.modified_at) == (AT, "2026-04-01T00:00:00Z")
    (book,) = (each for each in changes if each.entity.id == "urn:x:1:0")
    assert (book.kind, book.entity.created_at) == (ChangeKind.CREATED, "2026-04-01T00:00:00Z")


async def test_migrations_run_in_order_and_deletions_skip_no_entity(store: Store) -> None:
    await fill(store, SHELVES)
    await store.put_records(
        [Record("card", tenant, f"{n:02}", b"reader") for tenant in ("", "z") for n in range(20)]
    )
    await migrate(store, SPLIT, DROP, CARDS)
    assert await counted(store, SHELF) == 37
    assert {each.body for each in await store.list_records("card")} == {b"READER"}
    assert await data_versions(store) == {"library": DataVersion(3, "0.2.0")}


async def test_an_interrupted_migration_goes_on_where_it_ended(store: Store) -> None:
    await fill(store, SHELVES)
    seen: list[str] = []

    def rewrite(shelf: Entity) -> dict[str, Entity | None]:
        seen.append(shelf.id)
        if len(seen) == 20:
            raise KeyboardInterrupt
        return dict(SPLIT.rewrite(shelf))

    with pytest.raises(KeyboardInterrupt):
        await migrate(store, replace(SPLIT, rewrite=rewrite))
    half = (await data_versions(store))["library"]
    assert (half.number, half.position) == (0, 14)
    await migrate(store, replace(SPLIT, rewrite=rewrite))
    assert seen == [f"urn:x:{number}" for number in [*range(20), *range(14, SHELVES)]]
    assert await counted(store, BOOK) == 73


async def test_an_entity_that_is_not_the_migrations_own_is_never_overwritten(store: Store) -> None:
    await fill(store, 4)
    stranger = Entity(id="urn:x:3:1", type=["https://example.org/Ship"])
    await store.write([Edit("", stranger.id, lambda _: Put(stranger), AT)])
    with pytest.raises(Conflict, match="would overwrite urn:x:3:1"):
        await migrate(store, SPLIT)
    assert await counted(store, BOOK) == 0


async def test_newer_data_is_refused_with_both_versions(store: Store) -> None:
    await fill(store, 1)
    await migrate(store, SPLIT, DROP)
    for check in (
        migrate_data(store, {"library": [SPLIT]}, clock, "0.1.0"),
        require_current(store, {"library": [SPLIT]}, "0.1.0"),
    ):
        with pytest.raises(DataTooNew) as caught:
            await check
        assert "the data of library has version 2, written by Rhine Cloud 0.2.0" in str(caught.value)
        assert "this is Rhine Cloud 0.1.0, which knows version 1" in str(caught.value)


async def test_a_process_that_does_not_lead_waits_for_the_migration(store: Store) -> None:
    library = {"library": [SPLIT]}
    await require_current(store, library, "0.2.0")  # nothing was ever written
    await fill(store, 1)
    with pytest.raises(DataTooOld, match="the process that leads the city"):
        await require_current(store, library, "0.2.0")
    await migrate(store, SPLIT)
    await require_current(store, library, "0.2.0")


async def test_of_two_that_migrate_at_once_each_page_is_written_by_one(store: Store) -> None:
    await fill(store, SHELVES)
    outcomes = await asyncio.gather(migrate(store, SPLIT), migrate(store, SPLIT), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, Conflict) for outcome in outcomes)
    await migrate(store, SPLIT)
    assert await counted(store, BOOK) == 73
    assert store.last_change() == SHELVES + SHELVES + 73


def test_migrations_are_numbered_without_gaps() -> None:
    with pytest.raises(ValueError, match=r"not \[1, 3\]"):
        check_numbers("library", [SPLIT, CARDS])


async def test_the_version_of_a_file_is_read_while_the_store_is_open(tmp_path: Path) -> None:
    assert read_data_versions(StoreSettings(), tmp_path) is None
    store = make_store(StoreSettings(), tmp_path)
    await store.open()
    assert read_data_versions(StoreSettings(), tmp_path) is None
    await fill(store, 2)
    assert read_data_versions(StoreSettings(), tmp_path) == {}
    await migrate(store, SPLIT)
    assert read_data_versions(StoreSettings(), tmp_path) == {"library": DataVersion(1, "0.2.0")}
    await store.close()


async def test_the_version_in_a_database_is_read_without_opening_it(
    tmp_path: Path, postgres_url: str
) -> None:
    settings = StoreSettings(url=postgres_url)
    assert read_data_versions(settings, tmp_path) is None
    store = make_store(settings, tmp_path)
    await store.open()
    await fill(store, 2)
    assert read_data_versions(settings, tmp_path) == {}
    await migrate(store, SPLIT)
    assert read_data_versions(settings, tmp_path) == {"library": DataVersion(1, "0.2.0")}
    await store.close()
    with pytest.raises(Unavailable, match="cannot be read"):
        read_data_versions(StoreSettings(url="postgresql://nobody@127.0.0.1:1/none"), tmp_path)
