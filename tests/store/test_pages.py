"""A page that was read before is given again from memory, and is right after every change."""

from __future__ import annotations

from pathlib import Path

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Decision, Edit, Put, Remove, Store
from rhinecloud.store.sqlite import SqliteReader, SqliteStore

AT = "2026-03-01T10:00:00Z"
ALL, SHIPS = EntityQuery(limit=3), EntityQuery(types=(("urn:Ship",),), limit=3)


def put(name: str, value: int = 0, kind: str = "urn:Gauge") -> Edit:
    it = Entity(id=f"urn:x:{name}", type=[kind], attrs={"urn:level": [Instance(value=value)]})
    return Edit("", it.id, lambda _: Put(it), AT)


def remove(name: str) -> Edit:
    def decide(before: Entity | None) -> Decision:
        return Remove(before) if before else None

    return Edit("", f"urn:x:{name}", decide, AT)


async def read(store: Store, query: EntityQuery) -> tuple[str, bool]:
    page = await store.query("", query)
    shown = [f"{each.id[-1]}{each.entity().attrs['urn:level'][0].value}" for each in page.items]
    return " ".join(shown), page.more


async def test_a_page_shows_each_creation_deletion_and_change_at_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db", recent=2)
    await store.open()
    await store.write([put("a"), put("b"), put("c")])
    assert await read(store, ALL) == ("a0 b0 c0", False)
    await store.write([put("b", 5)])
    assert await read(store, ALL) == ("a0 b5 c0", False)
    await store.write([put("d")])
    assert await read(store, ALL) == ("a0 b5 c0", True)
    await store.write([remove("a"), put("c", 1, "urn:Ship")])
    assert await read(store, ALL) == ("b5 c1 d0", False)
    assert await read(store, SHIPS) == ("c1", False)
    await store.write([put("c", 2)])
    assert await read(store, SHIPS) == ("", False)
    await store.write([remove("b"), put("b", 7)])
    assert await read(store, ALL) == ("c2 d0 b7", False)
    assert await store.query("other", ALL) == await store.query("other", ALL)
    await store.close()


async def test_a_reading_process_sees_each_change_and_each_index(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    await store.open()
    await store.write([put("a"), put("b")])
    reader = SqliteReader(tmp_path / "s.db")
    await reader.open()
    assert await read(reader, ALL) == ("a0 b0", False)
    await store.write([put("b", 1)])
    assert await read(reader, ALL) == ("a0 b1", False)
    await store.write([put("c"), remove("a")])
    assert await read(reader, ALL) == ("b1 c0", False)
    assert await reader.count("") == 2
    await reader.close()
    await store.close()
