"""What is PostgreSQL's own: several processes at one database, notices between them, a server that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import psutil
import pytest

from postgres_server import Server, programs
from rhinecloud.kernel.errors import Conflict, Unavailable
from rhinecloud.ngsild.change import decode_change
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Commit, Decision, Edit, Put, Record, Remove, Written
from rhinecloud.store.postgres import PostgresStore
from rhinecloud.store.postgres.connection import DatabaseAddress
from rhinecloud.store.postgres.transfer import PostgresTransfer
from rhinecloud.store.postgres.writer import TRUSTED

AT = "2026-03-01T10:00:00Z"
LEVEL = "https://example.org/level"

MakeStore = Callable[[], Awaitable[PostgresStore]]


@pytest.fixture
async def make_store(postgres_url: str) -> AsyncIterator[MakeStore]:
    made = []

    async def make() -> PostgresStore:
        store = PostgresStore(DatabaseAddress(postgres_url), recent=100)
        await store.open()
        made.append(store)
        return store

    yield make
    for store in made:
        await store.close()


def create(name: str, level: int = 0, kind: str = "urn:T") -> Edit:
    def decide(before: Entity | None) -> Decision:
        if before is not None:
            raise Conflict("exists already")
        return Put(Entity(id=name, type=[kind], attrs={LEVEL: [Instance(value=level)]}), [LEVEL])

    return Edit("", name, decide, AT)


def count_up(name: str) -> Edit:
    def decide(before: Entity | None) -> Decision:
        level = before.attrs[LEVEL][0].value + 1 if before else 1
        return Put(Entity(id=name, type=["urn:T"], attrs={LEVEL: [Instance(value=level)]}), [LEVEL])

    return Edit("", name, decide, AT)


async def level_of(store: PostgresStore, name: str) -> int | None:
    stored = await store.get("", name)
    return stored.entity().attrs[LEVEL][0].value if stored else None


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_several_processes_number_changes_without_gaps_and_lose_nothing(make_store: MakeStore) -> None:
    stores = [await make_store() for _ in range(3)]
    names = [f"urn:x:{number}" for number in range(5)]
    seen: list[int] = []
    going = True

    async def follow() -> None:
        while going or seen[-1:] != [stores[0].last_change()]:
            rows = await stores[0].changes(seen[-1] if seen else 0, 50)
            seen.extend(row.seq for row in rows)
            await asyncio.sleep(0.001)

    async def write(store: PostgresStore, shift: int) -> None:
        for number in range(40):
            answers = await store.write([count_up(names[(number + shift) % 5]), count_up(names[shift])])
            assert all(isinstance(answer, Written) for answer in answers), answers

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(store, shift) for shift, store in enumerate(stores) for _ in range(3)))
    going = False
    total = 3 * 3 * 40 * 2
    await until(lambda: stores[0].last_change() == total)
    await following
    assert seen == list(range(1, total + 1))
    assert sum([await level_of(stores[1], name) or 0 for name in names]) == total
    levels: dict[str, int] = {}
    for row in await stores[2].changes(0, 10_000):
        change = decode_change(row.body)
        level = change.entity.attrs[LEVEL][0].value
        assert level == levels.get(change.entity.id, 0) + 1
        levels[change.entity.id] = level


async def test_of_many_creations_of_one_entity_one_succeeds(make_store: MakeStore) -> None:
    stores = [await make_store() for _ in range(3)]
    for number in range(20):
        name = f"urn:x:{number}"
        answers = await asyncio.gather(*(store.write([create(name)]) for store in stores))
        kinds = sorted(type(answer).__name__ for [answer] in answers)
        assert kinds == ["Conflict", "Conflict", "Written"]
    assert await stores[0].count("") == 20
    assert await stores[1].types("") == {"urn:T": 20}


async def test_no_edit_is_decided_by_an_entity_that_another_process_has_changed(
    make_store: MakeStore,
) -> None:
    one, other = await make_store(), await make_store()
    await one.write([create("urn:x:a", level=1)])
    await other.write([count_up("urn:x:a")])
    assert await level_of(one, "urn:x:a") == 2
    await one.write([count_up("urn:x:a")])
    assert await level_of(other, "urn:x:a") == 3
    await other.write([Edit("", "urn:x:a", lambda before: Remove(before) if before else None, AT)])
    [answer] = await one.write([Edit("", "urn:x:a", lambda before: None, AT)])
    assert answer == Written(0, None)
    [answer] = await one.write([create("urn:x:a", level=7)])
    assert isinstance(answer, Written)
    assert answer.created
    assert await level_of(other, "urn:x:a") == 7


async def test_an_entity_that_is_wrongly_assumed_to_be_new_loses_nothing(make_store: MakeStore) -> None:
    one, other = await make_store(), await make_store()
    there = [f"urn:x:there{number}" for number in range(4)]
    await other.write([create(name, level=5) for name in there])

    async def meet_new(kind: str) -> None:
        for number in range(TRUSTED + 1):
            [answer] = await one.write([create(f"urn:x:{kind}{number}")])
            assert isinstance(answer, Written)

    await meet_new("a")
    [answer] = await one.write([create(there[0])])
    assert isinstance(answer, Conflict)
    await meet_new("b")
    await one.write([count_up(there[1])])
    assert await level_of(other, there[1]) == 6
    await meet_new("c")
    [one_more, answer] = await one.write([create("urn:x:d"), create(there[2])])
    assert isinstance(one_more, Written)
    assert isinstance(answer, Conflict)
    await meet_new("e")
    [answer] = await one.write([Edit("", there[3], lambda before: Remove(before) if before else None, AT)])
    assert isinstance(answer, Written)
    assert await level_of(other, there[3]) is None


async def test_names_that_another_process_entered_are_known(make_store: MakeStore) -> None:
    one, other = await make_store(), await make_store()
    await one.write([Edit("new", "urn:x:a", create("urn:x:a", kind="urn:New").decide, AT)])
    assert await other.tenants() == ["", "new"]
    assert await other.types("new") == {"urn:New": 1}
    stored = await other.get("new", "urn:x:a")
    assert stored is not None


async def test_commits_and_records_of_one_process_reach_the_listeners_of_the_other(
    make_store: MakeStore,
) -> None:
    one, other = await make_store(), await make_store()
    await asyncio.sleep(0.05)
    commits: list[Commit] = []
    mine: list[Commit] = []
    records: list[tuple[str, str, str]] = []
    other.on_commit(commits.append)
    one.on_commit(mine.append)
    other.on_records(lambda *record: records.append(record))
    await one.write([create("urn:x:a"), create("urn:x:b")])
    await until(lambda: other.last_change() == 2)
    await one.put_records([Record("sub", "x", "a", b"1"), Record("sub", "", 'q"ü', b"2")])
    await one.delete_record("sub", "x", "a")
    await one.delete_record("sub", "x", "none")
    await until(lambda: len(records) == 3)
    assert sorted(records) == [("sub", "", 'q"ü'), ("sub", "x", "a"), ("sub", "x", "a")]
    assert [commit.last for commit in commits] == [2]
    await other.write([create("urn:x:c")])
    await until(lambda: len(mine) == 2)
    assert [commit.last for commit in mine] == [2, 3]
    assert [change.seq for change in mine[0].changes] == [1, 2]


async def test_what_postgresql_cannot_keep_as_a_name_fails_alone(make_store: MakeStore) -> None:
    store = await make_store()
    names = ["urn:x:\0", "urn:x:" + "y" * 5_000, "urn:x:fine", "urn:x:\ud800"]
    answers = await store.write([create(name) for name in names] + [create("urn:x:t", kind="urn:\0")])
    assert [type(answer).__name__ for answer in answers] == [
        "Invalid",
        "Invalid",
        "Written",
        "Invalid",
        "Invalid",
    ]
    assert [await store.get("", name) is not None for name in names] == [False, False, True, False]
    assert await store.get("\0", "urn:x:fine") is None
    assert await store.get_record("\0", "", "a") is None


async def test_what_json_can_hold_and_a_text_column_cannot_is_kept(make_store: MakeStore) -> None:
    store = await make_store()
    it = Entity(id="urn:x:a", type=["urn:T"], attrs={LEVEL: [Instance(value="a\0b")]})
    await store.write([Edit("", it.id, lambda _: Put(it), AT)])
    stored = await store.get("", it.id)
    assert stored is not None
    assert stored.entity() == it


async def test_many_may_open_a_fresh_database_at_once(postgres_url: str) -> None:
    stores = [PostgresStore(DatabaseAddress(postgres_url)) for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    for store in stores:
        await store.close()


async def test_a_database_of_a_newer_version_is_not_touched(make_store: MakeStore, postgres_url: str) -> None:
    await make_store()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("INSERT INTO schema_step (number) VALUES (10000)")
    await connection.close()
    with pytest.raises(Unavailable, match="too old"):
        await make_store()


async def test_a_user_without_the_right_to_create_postgis_gets_the_command(
    postgres: Server, postgres_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DROP EXTENSION postgis")
    await connection.execute(
        "DO $$ BEGIN CREATE ROLE clerk LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    await connection.execute("GRANT ALL ON SCHEMA public TO clerk")
    store = PostgresStore(DatabaseAddress(postgres_url.replace("postgres@", "clerk@")))
    with pytest.raises(Unavailable, match="CREATE EXTENSION postgis"):
        await store.open()
    await connection.execute("CREATE EXTENSION postgis")
    await connection.close()
    await store.open()
    await store.write([create("urn:x:a")])
    await store.close()


async def test_a_city_is_not_copied_over_one_that_runs(make_store: MakeStore, postgres_url: str) -> None:
    store = await make_store()
    depot = PostgresTransfer(DatabaseAddress(postgres_url))
    with pytest.raises(Unavailable, match="a city runs"):
        await depot.open()
    await store.close()
    await depot.open()
    with pytest.raises(Unavailable, match="copied"):
        await PostgresStore(DatabaseAddress(postgres_url)).open()
    await depot.close()


async def test_a_database_that_is_not_there_is_said_at_once(postgres: Server) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        await PostgresStore(DatabaseAddress(postgres.url("nowhere"))).open()
    with pytest.raises(Unavailable):
        await PostgresStore(DatabaseAddress("postgresql://postgres@127.0.0.1:1/none")).open()


@pytest.fixture
def mortal() -> object:
    if programs() is None:
        pytest.skip("needs PostgreSQL and PostGIS (tests/prepare.sh)")
    server = Server(durable=True)
    server.start()
    server.prepare()
    yield server
    server.remove()


@pytest.mark.fault
async def test_a_server_that_went_away_is_missed_at_once_and_used_again_by_itself(mortal: Server) -> None:
    address = DatabaseAddress(mortal.make_database())
    store, other = PostgresStore(address), PostgresStore(address)
    await store.open()
    await other.open()
    heard: list[tuple[str, str, str]] = []
    store.on_records(lambda *record: heard.append(record))
    await store.write([create("urn:x:a", level=1)])
    mortal.kill()
    for act in (store.get("", "urn:x:a"), store.count(""), store.write([count_up("urn:x:a")])):
        with pytest.raises(Unavailable):
            await act
    await asyncio.to_thread(mortal.start)
    async with asyncio.timeout(60):
        while True:
            try:
                assert await level_of(store, "urn:x:a") == 1
                break
            except Unavailable:
                await asyncio.sleep(0.1)
    await other.write([count_up("urn:x:a"), create("urn:x:b")])
    await until(lambda: store.last_change() == 3)
    await until(lambda: ("", "", "") in heard)
    await store.write([count_up("urn:x:a")])
    assert await level_of(other, "urn:x:a") == 3
    await store.close()
    await other.close()


@pytest.mark.fault
async def test_a_server_that_hangs_is_not_waited_for(mortal: Server) -> None:
    store = PostgresStore(DatabaseAddress(mortal.make_database(), timeout_s=1.0))
    await store.open()
    await store.write([create("urn:x:a", level=1)])
    server = psutil.Process(mortal.pid)
    processes = [server, *server.children(recursive=True)]
    for each in processes:
        each.suspend()
    try:
        for act in (store.get("", "urn:x:a"), store.count(""), store.write([count_up("urn:x:a")])):
            with pytest.raises(Unavailable):
                await act
    finally:
        for each in processes:
            each.resume()
    await asyncio.sleep(0.5)
    level = await level_of(store, "urn:x:a")
    assert level in (1, 2), "nobody knew whether it was kept"
    await store.write([count_up("urn:x:a")])
    assert await level_of(store, "urn:x:a") == level + 1
    await store.close()


async def test_two_cities_may_live_in_two_schemas_of_one_database(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE SCHEMA here; CREATE SCHEMA there")
    await connection.close()
    stores = [
        PostgresStore(DatabaseAddress(f"{postgres_url}&search_path={name},public"))
        for name in ("here", "there")
    ]
    heard: list[Commit] = []
    for store in stores:
        await store.open()
    stores[1].on_commit(heard.append)
    await stores[0].write([create("urn:x:a")])
    assert [await store.count("") for store in stores] == [1, 0]
    await asyncio.sleep(0.1)
    assert heard == []
    for store in stores:
        await store.close()
