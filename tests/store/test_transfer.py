"""A store that was moved holds what its source held, whichever engines they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from postgres_server import Server
from rhinecloud.kernel.errors import Conflict, Unavailable
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.geometry import GeoQuery
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.engine import StoreSettings, make_store, make_transferable_store
from rhinecloud.store.port import Decision, Edit, Put, Record, Remove, Store, Written
from rhinecloud.store.transfer import CopyFailed, TransferableStore, digest, move, prove

AT = "2026-03-01T10:00:00Z"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
NUMBER = 1_300

MakePlace = Callable[[], StoreSettings]


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite", "sqlite to sqlite"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[StoreSettings, StoreSettings]:
    def place(engine: str, name: str) -> StoreSettings:
        if engine == "sqlite":
            return StoreSettings(url=f"sqlite:{name}.db")
        server: Server = request.getfixturevalue("postgres")
        return StoreSettings(url=server.make_database())

    source, _, target = request.param.partition(" to ")
    return place(source, "source"), place(target, "target")


def put(number: int) -> Edit:
    place = {"type": "Point", "coordinates": [number / 100, 51.0]}
    it = Entity(
        id=f"urn:x:{number}",
        type=["urn:T:a"] if number % 3 else ["urn:T:a", "urn:T:b"],
        expires_at="2026-01-01T00:00:00Z" if number == 7 else "",
        attrs={LOCATION: [Instance(type="GeoProperty", value=place)], "urn:n": [Instance(value=number)]},
    )
    return Edit("" if number % 2 else "other", it.id, lambda _: Put(it, ["urn:n"]), AT, "someone")


def remove(before: Entity | None) -> Decision:
    return Remove(before) if before else None


async def fill(store: Store) -> None:
    await store.write([put(number) for number in range(NUMBER)])
    await store.write([put(5), Edit("", "urn:x:3", remove, AT), put(9)])
    await store.write([put(3)])
    await store.put_records([Record("sub", "", str(number), b"%d" % number) for number in range(700)])
    await store.put_records([Record("mark", "x", 'ü"', b"1")])
    await store.forget_changes(100)


async def opened(settings: StoreSettings, folder: Path) -> Store:
    store = make_store(settings, folder)
    await store.open()
    return store


class Breaking:
    """Breaks off after some things."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise KeyboardInterrupt


async def both(
    places: tuple[StoreSettings, StoreSettings], folder: Path
) -> tuple[TransferableStore, TransferableStore]:
    source, target = (make_transferable_store(each, folder) for each in places)
    await source.open()
    await target.open()
    return source, target


@pytest.mark.parametrize("left", [0, 600, NUMBER + 300, 10_000])
async def test_a_moved_store_is_the_same_even_after_it_broke_off(
    places: tuple[StoreSettings, StoreSettings], left: int, tmp_path: Path
) -> None:
    store = await opened(places[0], tmp_path)
    await fill(store)
    await store.close()
    source, target = await both(places, tmp_path)
    if left < 10_000:
        with pytest.raises(KeyboardInterrupt):
            await move(source, target, Breaking(left))
        await target.close()
        with pytest.raises(Unavailable, match="rhinecloud copy"):
            await opened(places[1], tmp_path)
        await source.close()
        source, target = await both(places, tmp_path)
    await move(source, target)
    proof = await prove(source, target)
    assert (proof.contents.entities, proof.contents.changes, proof.contents.records) == (
        NUMBER,
        NUMBER + 4 - 100,
        701,
    )
    assert proof == await digest(target)
    await source.close()
    await target.close()
    await look(places, tmp_path)


async def look(places: tuple[StoreSettings, StoreSettings], folder: Path) -> None:
    source, target = await opened(places[0], folder), await opened(places[1], folder)
    assert await target.tenants() == await source.tenants() == ["", "other"]
    assert target.last_change() == source.last_change() == NUMBER + 4
    box = {"type": "Polygon", "coordinates": [[[1, 50], [9, 50], [9, 52], [1, 52], [1, 50]]]}
    queries = [
        EntityQuery(types=(("urn:T:b",),)),
        EntityQuery(geo=GeoQuery("within", box, LOCATION)),
        EntityQuery(),
    ]
    for tenant in ("", "other"):
        assert await target.types(tenant) == await source.types(tenant)
        assert await target.count(tenant) == await source.count(tenant)
        for query in queries:
            wanted = replace(query, limit=2_000, count=True)
            assert await target.query(tenant, wanted) == await source.query(tenant, wanted)
    assert await target.expired(1_780_000_000.0) == [("", "urn:x:7")]
    answer = (await target.write([put(5)]))[0]
    assert isinstance(answer, Written)
    assert (answer.seq, answer.created) == (NUMBER + 5, False)
    await source.close()
    await target.close()


async def test_a_store_that_holds_a_city_is_not_written_over(
    places: tuple[StoreSettings, StoreSettings], tmp_path: Path
) -> None:
    for place in places:
        store = await opened(place, tmp_path)
        await store.write([put(1)])
        await store.close()
    source, target = await both(places, tmp_path)
    with pytest.raises(Conflict, match="1 entities"):
        await move(source, target)
    await source.close()
    await target.close()
    store = await opened(places[1], tmp_path)
    assert await store.count("") == 1
    await store.close()


async def test_what_was_written_between_two_parts_of_a_copy_is_noticed(
    places: tuple[StoreSettings, StoreSettings], tmp_path: Path
) -> None:
    store = await opened(places[0], tmp_path)
    await fill(store)
    await store.close()
    source, target = await both(places, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        await move(source, target, Breaking(600))
    await source.close()
    store = await opened(places[0], tmp_path)
    await store.write([put(1)])
    await store.close()
    source = make_transferable_store(places[0], tmp_path)
    await source.open()
    await move(source, target)
    with pytest.raises(CopyFailed):
        await prove(source, target)
    await source.close()
    await target.close()
