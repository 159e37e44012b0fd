"""What is SQLite's own: schema, checkpoints, and indexes that say the same as the documents whatever was written."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.change import decode_change
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.geometry import GeoQuery
from rhinecloud.ngsild.query import EntityQuery, matches
from rhinecloud.store.port import Decision, Edit, Put, Remove
from rhinecloud.store.sqlite import SqliteStore, checkpoint, plan
from rhinecloud.store.sqlite.schema import STEPS, connect, number_of

AT = "2026-03-01T10:00:00Z"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
NAMES = [f"urn:x:{number}" for number in range(6)]
TYPES = ["urn:T:a", "urn:T:b", "urn:T:c"]
TENANTS = ["", "other"]


async def test_a_store_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    connection = connect(path)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(Unavailable, match="too old"):
        await SqliteStore(path).open()


async def test_a_store_that_could_not_be_opened_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"this is no database" * 100)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await SqliteStore(path).open()
    path.unlink()
    store = SqliteStore(path)
    await store.open()
    await store.close()


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    await store.open()
    with pytest.raises(Unavailable, match="another process"):
        await SqliteStore(tmp_path / "s.db").open()
    await store.close()


async def test_the_log_is_folded_into_the_file_while_writing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"STEP_PAGES": 50, "REST_PAGES": 25, "LONG_PAGES": 200, "LONGEST_PAGES": 800}
    for name, number in pages.items():
        monkeypatch.setattr(checkpoint, name, number)
    path = tmp_path / "s.db"
    store = SqliteStore(path)
    await store.open()
    chance = random.Random(1)

    async def write() -> None:
        for _ in range(400):
            it = Entity(
                id=f"urn:x:{chance.randrange(500)}",
                type=["urn:T"],
                attrs={"urn:a": [Instance(value="x" * 900)]},
            )
            await store.write([Edit("", it.id, lambda _, it=it: Put(it), AT)])

    largest = 0
    writers = [asyncio.create_task(write()) for _ in range(8)]
    while not all(task.done() for task in writers):
        await asyncio.sleep(0.01)
        largest = max(largest, path.with_name("s.db-wal").stat().st_size)
    await asyncio.gather(*writers)
    assert largest < 1_000 * 8_192
    assert store.last_change() == 3_200
    await store.close()
    assert not path.with_name("s.db-wal").exists()


entities = st.builds(
    lambda name, types, level, place, expires: Entity(
        id=name,
        type=types,
        expires_at=expires,
        attrs={
            "urn:level": [Instance(value=level)],
            **(
                {LOCATION: [Instance(type="GeoProperty", value={"type": "Point", "coordinates": place})]}
                if place
                else {}
            ),
        },
    ),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
    st.integers(0, 9),
    st.none() | st.tuples(st.integers(-3, 3), st.integers(-3, 3)).map(list),
    st.sampled_from(["", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
)
edits = st.tuples(
    st.sampled_from(TENANTS), entities, st.sampled_from(["put", "put", "put", "remove", "nothing", "fail"])
)
writes = st.lists(st.lists(edits, max_size=12), max_size=6)

BOX = {"type": "Polygon", "coordinates": [[[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]]}
QUERIES = [
    EntityQuery(limit=100, count=True),
    *(EntityQuery(types=((each,),), limit=100, count=True) for each in TYPES),
    EntityQuery(types=(("urn:T:a", "urn:T:b"), ("urn:T:c",)), limit=100, count=True),
    EntityQuery(types=(("urn:T:a",),), hidden=frozenset({"urn:T:b"}), limit=100, count=True),
    EntityQuery(ids=(NAMES[0], NAMES[3], "urn:none"), types=(("urn:T:a",),), limit=100, count=True),
    EntityQuery(geo=GeoQuery("intersects", BOX, LOCATION), limit=100, count=True),
    EntityQuery(attrs=(LOCATION,), limit=100, count=True),
]


def decide(entity: Entity, what: str) -> Edit:
    def decision(before: Entity | None) -> Decision:
        if what == "fail":
            raise Unavailable("on purpose")
        if what == "nothing":
            return None
        if what == "remove":
            return Remove(before or entity)
        return Put(entity)

    return Edit("", entity.id, decision, AT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=writes, few=st.sampled_from([0, 200]))
def test_it_holds_what_a_dictionary_would_hold(
    script: list[list[tuple[str, Entity, str]]], few: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(follow(script, few, tmp_path_factory.mktemp("model") / "s.db"))


async def follow(script: list[list[tuple[str, Entity, str]]], few: int, path: Path) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(plan, "FEW", few)  # with 0 every index is used, however few there are
    store = SqliteStore(path, recent=2)
    await store.open()
    model: dict[tuple[str, str], Entity] = {}
    logged = 0
    for group in script:
        batch = []
        for tenant, entity, what in group:
            edit = decide(entity, what)
            batch.append(Edit(tenant, edit.entity_id, edit.decide, AT))
            logged += what == "put" or (what == "remove" and (tenant, entity.id) in model)
            if what == "put":
                model[tenant, entity.id] = entity
            elif what == "remove":
                model.pop((tenant, entity.id), None)
        await store.write(batch)
    for _ in range(2):
        await compare(store, model, logged)
        await store.close()
        store = SqliteStore(path)
        await store.open()
    await store.close()
    patch.undo()


async def compare(store: SqliteStore, model: dict[tuple[str, str], Entity], logged: int) -> None:
    assert [decode_change(row.body).seq for row in await store.changes(0, 1_000)] == list(
        range(1, logged + 1)
    )
    for tenant in TENANTS:
        mine = {name: entity for (owner, name), entity in model.items() if owner == tenant}
        for name in NAMES:
            stored = await store.get(tenant, name)
            assert (stored.entity() if stored else None) == mine.get(name)
        assert await store.count(tenant) == len(mine)
        kinds = [kind for entity in mine.values() for kind in entity.type]
        assert await store.types(tenant) == {kind: kinds.count(kind) for kind in kinds}
        for query in QUERIES:
            page = await store.query(tenant, query)
            wanted = {name for name, entity in mine.items() if matches(query, entity)}
            assert {stored.id for stored in page.items} == wanted, query
            assert page.total == len(wanted)
        due = {name for owner, name in await store.expired(1_780_000_000.0) if owner == tenant}
        assert due == {name for name, entity in mine.items() if entity.expires_at.startswith("2026-01")}
    sizes = [
        number_of(store._read, f"SELECT count(*) FROM {table}") for table in ("entity", "place", "expiry")
    ]
    located = sum(LOCATION in entity.attrs for entity in model.values())
    assert sizes == [len(model), located, sum(bool(entity.expires_at) for entity in model.values())]
