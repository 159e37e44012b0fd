"""What every store engine promises: one suite, run on each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rhinecloud.kernel.errors import Conflict, Invalid, Unavailable
from rhinecloud.ngsild.change import ChangeKind, decode_change
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.expression import Path as AttributePath
from rhinecloud.ngsild.geometry import GeoQuery
from rhinecloud.ngsild.ordering import OrderKey, parse_order
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import (
    Commit,
    Decide,
    Decision,
    Edit,
    JointEdit,
    Put,
    Record,
    Remove,
    Store,
    Written,
)

AT = "2026-03-01T10:00:00Z"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
LEVEL = "https://example.org/level"
GAUGE, SHIP, PORT = "https://example.org/Gauge", "https://example.org/Ship", "https://example.org/Port"

Reopen = Callable[[], "asyncio.Future[Store]"]


@pytest.fixture
async def store(either_store: StoreSettings, tmp_path: Path) -> AsyncIterator[Store]:
    store = make_store(either_store, tmp_path)
    await store.open()
    yield store
    await store.close()


def entity(name: str, *types: str, level: float = 0.0, at: tuple[float, float] | None = None) -> Entity:
    attrs = {LEVEL: [Instance(value=level)]}
    if at:
        attrs[LOCATION] = [Instance(type="GeoProperty", value={"type": "Point", "coordinates": list(at)})]
    return Entity(id=f"urn:x:{name}", type=list(types or (GAUGE,)), created_at=AT, attrs=attrs)


def put(it: Entity, tenant: str = "") -> Edit:
    return Edit(tenant, it.id, lambda _: Put(it, [LEVEL]), AT, "someone")


def edit(name: str, decide: Decide, tenant: str = "") -> Edit:
    return Edit(tenant, f"urn:x:{name}", decide, AT)


async def listeners_have_heard() -> None:
    """Writers are answered first."""
    await asyncio.sleep(0.01)


def remove(before: Entity | None) -> Decision:
    return Remove(before) if before else None


def add_one(before: Entity | None) -> Decision:
    assert before is not None
    level = before.attrs[LEVEL][0].value
    after = Entity(id=before.id, type=before.type, attrs={**before.attrs, LEVEL: [Instance(value=level + 1)]})
    return Put(after, [LEVEL], {LEVEL: before.attrs[LEVEL]})


async def ids(store: Store, query: EntityQuery, tenant: str = "") -> list[str]:
    page = await store.query(tenant, query)
    return [stored.id.removeprefix("urn:x:") for stored in page.items]


async def written(store: Store, edits: Sequence[Edit]) -> list[Written]:
    answers = await store.write(edits)
    assert all(isinstance(answer, Written) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Written)]


async def test_what_was_put_is_given(store: Store) -> None:
    [answer] = await written(store, [put(entity("a", level=3.5))])
    assert answer.created
    assert answer.seq == 1
    stored = await store.get("", "urn:x:a")
    assert stored is not None
    assert stored.version == 1
    assert stored.entity() == entity("a", level=3.5)


async def test_what_was_never_put_is_not_there(store: Store) -> None:
    assert await store.get("", "urn:x:a") is None
    assert await store.get("nobody", "urn:x:a") is None
    assert await store.get_many("", ["urn:x:a"]) == {}
    assert (await store.query("nobody", EntityQuery(count=True))).total == 0


async def test_a_version_known_without_waiting_is_that_of_the_entity(store: Store) -> None:
    knows = (await written(store, [put(entity("a"))]))[0].seq == store.version("", "urn:x:a")
    for edits in ([put(entity("a", level=1.0))], [edit("a", remove)], [put(entity("a"))], [put(entity("b"))]):
        await written(store, edits)
        stored = await store.get("", "urn:x:a")
        assert store.version("", "urn:x:a") == (stored.version if stored and knows else None)
        assert store.version("", "") == (await store.newest() if knows else None)
    assert store.version("harbour", "urn:x:a") is None


async def test_get_many_gives_those_that_exist(store: Store) -> None:
    await store.write([put(entity("a")), put(entity("b"))])
    found = await store.get_many("", ["urn:x:b", "urn:x:c", "urn:x:a"])
    assert sorted(found) == ["urn:x:a", "urn:x:b"]


async def test_tenants_do_not_see_each_other(store: Store) -> None:
    await store.write([put(entity("a", level=1)), put(entity("a", level=2), "other")])
    mine, theirs = await store.get("", "urn:x:a"), await store.get("other", "urn:x:a")
    assert mine is not None
    assert theirs is not None
    assert mine.entity().attrs[LEVEL][0].value == 1
    assert theirs.entity().attrs[LEVEL][0].value == 2
    assert await store.tenants() == ["", "other"]
    assert await ids(store, EntityQuery()) == ["a"]
    await store.write([edit("a", remove, "other")])
    assert await store.count("other") == 0
    assert await store.count("") == 1


async def test_a_change_tells_all_that_happened(store: Store) -> None:
    await store.write([put(entity("a", level=1))])
    await store.write([edit("a", add_one)])
    await store.write([edit("a", remove)])
    changes = [decode_change(row.body) for row in await store.changes(0, 10)]
    assert [row.seq for row in await store.changes(0, 10)] == [1, 2, 3]
    assert [change.seq for change in changes] == [1, 2, 3]
    assert [change.kind for change in changes] == [ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED]
    assert changes[0].actor == "someone"
    assert changes[0].at == AT
    assert changes[1].entity.attrs[LEVEL][0].value == 2
    assert changes[1].previous[LEVEL][0].value == 1
    assert changes[1].changed == [LEVEL]
    assert changes[2].entity.attrs[LEVEL][0].value == 2
    assert store.last_change() == 3


async def test_changes_of_all_tenants_stand_in_one_order(store: Store) -> None:
    await store.write([put(entity("a")), put(entity("a"), "other"), put(entity("b"))])
    changes = [decode_change(row.body) for row in await store.changes(1, 10)]
    assert [(change.seq, change.tenant) for change in changes] == [(2, "other"), (3, "")]


async def test_changes_stop_at_limit_and_at_bytes(store: Store) -> None:
    await store.write([put(entity(str(number))) for number in range(20)])
    assert [row.seq for row in await store.changes(5, 3)] == [6, 7, 8]
    assert len(await store.changes(0, 20, max_bytes=1)) == 1


async def test_an_edit_sees_what_the_one_before_it_did(store: Store) -> None:
    answers = await written(store, [put(entity("a")), *(edit("a", add_one) for _ in range(5))])
    assert [answer.seq for answer in answers] == [1, 2, 3, 4, 5, 6]
    stored = await store.get("", "urn:x:a")
    assert stored is not None
    assert stored.entity().attrs[LEVEL][0].value == 5
    assert stored.version == 6
    assert [decode_change(row.body).entity.attrs[LEVEL][0].value for row in await store.changes(0, 9)] == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]


async def test_an_entity_may_come_go_and_come_again_in_one_write(store: Store) -> None:
    await store.write([put(entity("b"))])
    answers = await written(
        store,
        [
            put(entity("a", SHIP)),
            edit("a", remove),
            put(entity("a", PORT, level=7)),
            edit("b", remove),
            put(entity("b")),
        ],
    )
    assert [answer.created for answer in answers] == [True, False, True, False, True]
    assert answers[1].entity is None
    assert await ids(store, EntityQuery()) == ["a", "b"]
    assert await ids(store, EntityQuery(types=((SHIP,),))) == []
    assert await ids(store, EntityQuery(types=((PORT,),))) == ["a"]
    assert await store.types("") == {PORT: 1, GAUGE: 1}
    await store.write([edit("a", remove), edit("b", remove)])
    assert await store.count("") == 0
    assert await store.types("") == {}


async def test_an_edit_that_fails_fails_alone(store: Store) -> None:
    def refuse(_: Entity | None) -> Decision:
        raise Conflict("exists already")

    def stumble(_: Entity | None) -> Decision:
        raise KeyError("a fault of the caller's own")

    answers = await store.write([put(entity("a")), edit("b", refuse), edit("c", stumble), put(entity("d"))])
    assert isinstance(answers[1], Conflict)
    assert isinstance(answers[2], KeyError)
    assert await ids(store, EntityQuery()) == ["a", "d"]
    assert [row.seq for row in await store.changes(0, 10)] == [1, 2]


async def test_an_edit_cannot_put_another_entity(store: Store) -> None:
    [answer] = await store.write([edit("a", lambda _: Put(entity("b")))])
    assert isinstance(answer, Invalid)
    assert await store.count("") == 0


async def test_what_cannot_be_written_down_fails_alone(store: Store) -> None:
    bad = entity("a")
    bad.attrs[LEVEL] = [Instance(value="\ud800")]
    answers = await store.write([put(bad), put(entity("b"))])
    assert isinstance(answers[0], Exception)
    assert isinstance(answers[1], Written)


async def test_a_decision_for_nothing_leaves_no_trace(store: Store) -> None:
    await store.write([put(entity("a"))])
    answers = await written(store, [edit("a", lambda _: None), edit("b", lambda _: None), edit("b", remove)])
    assert [answer.seq for answer in answers] == [0, 0, 0]
    assert answers[0].entity is not None
    assert answers[1].entity is None
    assert store.last_change() == 1


async def test_no_edits_are_no_work(store: Store) -> None:
    assert await store.write([]) == []


async def test_writers_of_one_entity_lose_nothing(store: Store) -> None:
    await store.write([put(entity("a"))])

    async def writer() -> None:
        for _ in range(50):
            await store.write([edit("a", add_one)])

    await asyncio.gather(*(writer() for _ in range(10)))
    stored = await store.get("", "urn:x:a")
    assert stored is not None
    assert stored.entity().attrs[LEVEL][0].value == 500
    assert store.last_change() == 501


async def test_a_reader_sees_what_was_acknowledged_and_never_less(store: Store) -> None:
    await store.write([put(entity("a"))])
    for number in range(1, 30):
        await store.write([edit("a", add_one)])
        stored = await store.get("", "urn:x:a")
        page = await store.query("", EntityQuery(types=((GAUGE,),)))
        assert stored is not None
        assert stored.entity().attrs[LEVEL][0].value == number
        assert page.items == [stored]


async def test_each_of_many_at_once_sees_what_it_wrote(store: Store) -> None:
    async def client(number: int) -> None:
        for turn in range(10):
            name = f"{number}-{turn}"
            await store.write([put(entity(name, GAUGE))])
            assert await store.get("", f"urn:x:{name}") is not None
            page = await store.query("", EntityQuery(types=((GAUGE,),), limit=1_000))
            assert f"urn:x:{name}" in {stored.id for stored in page.items}

    await asyncio.gather(*(client(number) for number in range(12)))


async def test_a_cancelled_caller_does_not_disturb_the_others(store: Store) -> None:
    gone = asyncio.ensure_future(store.write([put(entity("a"))]))
    stays = asyncio.ensure_future(store.write([put(entity("b"))]))
    await asyncio.sleep(0)
    gone.cancel()
    [answer] = await stays
    assert isinstance(answer, Written)
    assert await ids(store, EntityQuery()) == ["a", "b"]


async def test_a_large_write_is_one_and_others_have_their_turn(store: Store) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.ensure_future(other())
    await written(store, [put(entity(f"{number:05}", level=number)) for number in range(6_000)])
    task.cancel()
    assert turns > 50
    assert await store.count("") == 6_000
    assert store.last_change() == 6_000


async def test_listeners_are_called_for_commits_in_order(store: Store) -> None:
    heard: list[Commit] = []
    store.on_commit(heard.append)
    await store.write([put(entity("a")), put(entity("b"))])
    await store.write([edit("c", remove)])
    await store.put_records([Record("kind", "", "one", b"1")])
    await store.write([edit("a", add_one)])
    await listeners_have_heard()
    assert [commit.last for commit in heard] == [2, 3]


async def test_a_commit_that_brings_its_changes_says_what_the_log_says(store: Store) -> None:
    heard: list[Commit] = []
    store.on_commit(heard.append)
    await store.write([put(entity("a", level=1)), put(entity("b"))])
    await store.write([edit("a", add_one), edit("b", remove)])
    await listeners_have_heard()
    logged = await store.changes(0, 10)
    assert [each.seq for each in logged] == [1, 2, 3, 4]
    brought = [each for commit in heard for each in commit.changes]
    if brought:  # an engine may tell the number alone
        assert [(each.seq, each.body) for each in brought] == [(each.seq, each.body) for each in logged]
        assert [each.change for each in brought] == [decode_change(each.body) for each in logged]


async def test_a_listener_that_fails_affects_nothing_else(store: Store) -> None:
    def stumble(_commit: Commit) -> None:
        raise RuntimeError("on purpose")

    heard: list[int] = []
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    store.on_commit(stumble)
    store.on_commit(lambda commit: heard.append(commit.last))
    await written(store, [put(entity("a"))])
    await written(store, [put(entity("b"))])
    await listeners_have_heard()
    assert heard == [1, 2]
    assert len(failures) == 2


async def test_all_is_there_when_the_store_is_opened_again(
    either_store: StoreSettings, tmp_path: Path
) -> None:
    store = make_store(either_store, tmp_path)
    await store.open()
    await store.write([put(entity("a", GAUGE, PORT, at=(6.7, 51.4))), put(entity("b"), "other")])
    await store.put_records([Record("kind", "", "one", b"1")])
    await store.close()
    store = make_store(either_store, tmp_path)
    await store.open()
    assert await ids(store, EntityQuery(types=((PORT,),))) == ["a"]
    assert await store.types("") == {GAUGE: 1, PORT: 1}
    assert await store.tenants() == ["", "other"]
    assert await store.get_record("kind", "", "one") == Record("kind", "", "one", b"1")
    [answer] = await written(store, [put(entity("c"))])
    assert answer.seq == 3
    assert await ids(store, EntityQuery()) == ["a", "c"]
    await store.close()


async def test_a_closed_store_says_so(either_store: StoreSettings, tmp_path: Path) -> None:
    store = make_store(either_store, tmp_path)
    await store.open()
    pending = asyncio.ensure_future(store.write([put(entity("a"))]))
    await asyncio.sleep(0)
    await store.close()
    assert isinstance((await pending)[0], Written)
    with pytest.raises(Unavailable):
        await store.write([put(entity("b"))])


async def test_numbers_go_on_after_all_changes_were_forgotten(
    either_store: StoreSettings, tmp_path: Path
) -> None:
    store = make_store(either_store, tmp_path)
    await store.open()
    await store.write([put(entity("a")), edit("a", remove)])
    assert await store.forget_changes(2) == 2
    assert await store.changes(0, 10) == []
    assert store.last_change() == 2
    await store.close()
    store = make_store(either_store, tmp_path)
    await store.open()
    assert store.last_change() == 2
    [answer] = await written(store, [put(entity("b"))])
    assert answer.seq == 3
    await store.close()


async def test_only_the_changes_asked_for_are_forgotten(store: Store) -> None:
    await store.write([put(entity(str(number))) for number in range(3_000)])
    assert await store.forget_changes(2_500) == 2_500
    assert await store.forget_changes(2_500) == 0
    assert [row.seq for row in await store.changes(0, 2)] == [2_501, 2_502]
    assert await store.count("") == 3_000


# Queries


async def test_entities_come_in_order_of_creation_page_by_page(store: Store) -> None:
    names = [f"{number:03}" for number in (5, 3, 9, 1, 7, 2)]
    for name in names:
        await store.write([put(entity(name))])
    await store.write([edit("003", add_one)])
    pages = [
        await store.query("", EntityQuery(limit=2, offset=offset, count=True)) for offset in (0, 2, 4, 6)
    ]
    assert [stored.id[-3:] for page in pages for stored in page.items] == names
    assert [page.more for page in pages] == [True, True, False, False]
    assert {page.total for page in pages} == {6}
    assert (await store.query("", EntityQuery())).total is None


async def test_types_are_selected_by_and_and_or(store: Store) -> None:
    await store.write(
        [
            put(entity("a", GAUGE)),
            put(entity("b", SHIP)),
            put(entity("c", GAUGE, PORT)),
            put(entity("d", PORT)),
        ]
    )
    assert await ids(store, EntityQuery(types=((GAUGE,),))) == ["a", "c"]
    assert await ids(store, EntityQuery(types=((GAUGE, PORT),))) == ["c"]
    assert await ids(store, EntityQuery(types=((SHIP,), (GAUGE, PORT)))) == ["b", "c"]
    assert await ids(store, EntityQuery(types=(("https://example.org/Unknown",),))) == []
    assert await ids(store, EntityQuery(types=(("https://example.org/Unknown",), (SHIP,)))) == ["b"]
    page = await store.query("", EntityQuery(types=((PORT,), (GAUGE,)), limit=1, count=True))
    assert (page.total, page.more) == (3, True)


async def test_a_type_that_changes_changes_the_lists(store: Store) -> None:
    await store.write([put(entity("a", GAUGE))])
    await store.write([put(entity("a", GAUGE, SHIP))])
    assert await store.types("") == {GAUGE: 1, SHIP: 1}
    await store.write([put(entity("a", SHIP))])
    assert await store.types("") == {SHIP: 1}
    assert await ids(store, EntityQuery(types=((GAUGE,),))) == []
    assert await ids(store, EntityQuery(types=((SHIP,),))) == ["a"]


async def test_ids_are_selected_with_and_without_types(store: Store) -> None:
    await store.write([put(entity("a")), put(entity("b", SHIP)), put(entity("c"))])
    assert await ids(store, EntityQuery(ids=("urn:x:c", "urn:x:a", "urn:x:z"))) == ["a", "c"]
    assert await ids(store, EntityQuery(ids=("urn:x:b", "urn:x:a"), types=((SHIP,),))) == ["b"]
    assert await ids(store, EntityQuery(ids=("urn:x:b",), id_pattern="^urn:x:[ac]$")) == []
    assert (await store.query("", EntityQuery(ids=("urn:x:b",), count=True))).total == 1


@pytest.mark.parametrize("many", [0, 400], ids=["few", "many"])
async def test_documents_are_looked_into_where_no_index_answers(store: Store, many: int) -> None:
    bare = Entity(id="urn:x:bare", type=[GAUGE])
    await store.write([put(entity(f"n{number:03}")) for number in range(many)])
    await store.write([put(bare), put(entity("a")), put(entity("b", SHIP)), put(entity("c"))])
    query = EntityQuery(id_pattern="^urn:x:[abc]", count=True, limit=2)
    page = await store.query("", query)
    assert ([stored.id for stored in page.items], page.more, page.total) == (
        ["urn:x:bare", "urn:x:a"],
        True,
        4,
    )
    assert await ids(store, EntityQuery(id_pattern="^urn:x:[abc]", offset=2)) == ["b", "c"]
    assert (await store.query("", EntityQuery(attrs=(LEVEL,), count=True))).total == 3 + many
    assert await ids(store, EntityQuery(attrs=("https://example.org/leve",))) == []


@pytest.mark.parametrize("many", [0, 400], ids=["few", "many"])
async def test_hidden_types_are_left_out_of_page_and_total(store: Store, many: int) -> None:
    await store.write([put(entity(f"n{number:03}")) for number in range(many)])
    await store.write(
        [put(entity("a")), put(entity("b", GAUGE, PORT)), put(entity("c", SHIP)), put(entity("d"))]
    )
    hidden = frozenset({PORT, "https://example.org/Unknown"})
    page = await store.query(
        "", EntityQuery(types=((GAUGE,),), hidden=hidden, count=True, limit=1, offset=many + 1)
    )
    assert ([stored.id for stored in page.items], page.total) == (["urn:x:d"], many + 2)
    assert await ids(store, EntityQuery(hidden=hidden, offset=many)) == ["a", "c", "d"]


class Levels:
    """Admits entities whose level is at most a number."""

    attributes = frozenset({LEVEL})
    is_steady = True

    def __init__(self, most: float) -> None:
        self.most = most

    def admits(self, entity: Entity) -> bool:
        return all(each.value <= self.most for each in entity.attrs.get(LEVEL, ()))


@pytest.mark.parametrize("many", [0, 400], ids=["few", "many"])
async def test_rows_that_a_condition_does_not_admit_are_left_out_of_page_total_and_order(
    store: Store, many: int
) -> None:
    await store.write([put(entity(f"n{number:03}", level=9)) for number in range(many)])
    await store.write(
        [put(entity("a", level=1)), put(entity("b", level=9)), put(entity("c")), put(entity("d", level=2))]
    )
    rows = Levels(5)
    for types in ((), ((GAUGE,),)):
        query = EntityQuery(types=types, rows=rows, count=True, limit=2)
        page = await store.query("", query)
        assert ([stored.id for stored in page.items], page.more, page.total) == (
            ["urn:x:a", "urn:x:c"],
            True,
            3,
        )
        assert await ids(store, replace(query, offset=2)) == ["d"]
        assert await ids(store, replace(query, order=parse_order("id;desc", core_context()))) == ["d", "c"]
    assert await ids(store, EntityQuery(ids=("urn:x:b", "urn:x:d"), rows=rows)) == ["d"]
    assert await ids(store, EntityQuery(rows=rows, q=parse_q(f"{LEVEL}>1", core_context()))) == ["d"]


def near(longitude: float, latitude: float, metres: float) -> GeoQuery:
    point = {"type": "Point", "coordinates": [longitude, latitude]}
    return GeoQuery("near", point, LOCATION, max_m=metres)


@pytest.mark.parametrize("many", [0, 400], ids=["few", "many"])
async def test_places_are_found_and_found_again_after_a_move(store: Store, many: int) -> None:
    await store.write([put(entity(f"n{number:03}", at=(10.0, 50.0))) for number in range(many)])
    await store.write(
        [
            put(entity("a", at=(6.76, 51.43))),
            put(entity("b", SHIP, at=(6.77, 51.43))),
            put(entity("c")),
            put(entity("d", at=(7.5, 51.5))),
        ]
    )
    here = near(6.76, 51.43, 2_000)
    assert await ids(store, EntityQuery(geo=here)) == ["a", "b"]
    assert await ids(store, EntityQuery(geo=here, types=((SHIP,),))) == ["b"]
    await store.write(
        [put(entity("d", at=(6.761, 51.431))), put(entity("a", at=(8.0, 51.0))), edit("b", remove)]
    )
    page = await store.query("", EntityQuery(geo=here, count=True))
    assert ([stored.id for stored in page.items], page.total) == (["urn:x:d"], 1)
    await store.write([put(entity("d"))])
    assert await ids(store, EntityQuery(geo=here)) == []


async def test_every_instance_of_a_location_counts(store: Store) -> None:
    both = entity("a", at=(6.76, 51.43))
    far = {"type": "Point", "coordinates": [9.0, 52.0]}
    both.attrs[LOCATION].append(Instance(type="GeoProperty", dataset_id="urn:d", value=far))
    await store.write([put(both), *(put(entity(f"n{number}", at=(0.0, 0.0))) for number in range(300))])
    assert await ids(store, EntityQuery(geo=near(9.0, 52.0, 100))) == ["a"]
    assert await ids(store, EntityQuery(geo=near(6.76, 51.43, 100))) == ["a"]


@pytest.mark.parametrize("many", [0, 2_500], ids=["few", "many"])
async def test_an_order_is_kept_over_pages(store: Store, many: int) -> None:
    levels = [7, 1, 9, 3, 3, 8]
    await store.write([put(entity(f"n{number}", level=100 + number)) for number in range(many)])
    await store.write([put(entity(f"{n}-{level}", level=level)) for n, level in enumerate(levels)])
    order = (OrderKey(AttributePath(("level",), (LEVEL,))),)
    got = [
        name
        for offset in (0, 2, 4)
        for name in await ids(store, EntityQuery(order=order, limit=2, offset=offset))
    ]
    assert got == ["1-1", "3-3", "4-3", "0-7", "5-8", "2-9"]
    page = await store.query("", EntityQuery(order=order, limit=2, count=True))
    assert (page.total, page.more) == (many + 6, True)


async def test_a_long_scan_does_not_hold_up_the_loop(store: Store) -> None:
    await store.write([put(entity(f"{number:05}", level=number)) for number in range(5_000)])
    turns = 0
    scan = asyncio.ensure_future(store.query("", EntityQuery(id_pattern="9$", limit=3, count=True)))
    while not scan.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await scan).total == 500
    assert turns > 50


async def test_what_expires_is_listed_when_its_time_is_over(store: Store) -> None:
    soon, attribute, stays = entity("soon"), entity("attribute"), entity("stays")
    soon.expires_at = "2026-03-01T11:00:00Z"
    attribute.attrs[LEVEL] = [Instance(value=1, expires_at="2026-03-01T11:30:00.5Z")]
    await store.write([put(stays), put(attribute), put(soon)])
    eleven = 1772362800.0
    assert await store.expired(eleven - 1) == []
    assert await store.expired(eleven) == [("", "urn:x:soon")]
    assert await store.expired(eleven + 1_801) == [("", "urn:x:soon"), ("", "urn:x:attribute")]
    assert await store.expired(eleven + 1_801, 1) == [("", "urn:x:soon")]
    await store.write([edit("soon", remove), put(entity("attribute"))])
    assert await store.expired(eleven * 2) == []


# Records


async def test_records_are_kept_replaced_listed_and_deleted(store: Store) -> None:
    records = [
        Record("sub", "", "b", b"2"),
        Record("sub", "", "a", b"1"),
        Record("sub", "x", "a", b"3"),
        Record("mark", "", "a", b"4"),
    ]
    await store.put_records(records)
    await store.put_records([Record("sub", "", "b", b"two")])
    assert await store.get_record("sub", "", "b") == Record("sub", "", "b", b"two")
    assert await store.get_record("sub", "", "z") is None
    assert [(r.tenant, r.id) for r in await store.list_records("sub")] == [("", "a"), ("", "b"), ("x", "a")]
    assert [r.id for r in await store.list_records("sub", "", after="a")] == ["b"]
    assert [r.id for r in await store.list_records("sub", "", limit=1)] == ["a"]
    assert await store.count_records("sub") == 3
    assert await store.count_records("sub", "x") == 1
    assert await store.delete_record("sub", "", "a") is True
    assert await store.delete_record("sub", "", "a") is False
    assert await store.count_records("sub", "") == 1


async def test_listeners_are_called_for_changed_records(store: Store) -> None:
    heard: list[tuple[str, str, str]] = []
    store.on_records(lambda *record: heard.append(record))
    await store.put_records([Record("sub", "", "a", b"1"), Record("sub", "x", "b", b"2")])
    await store.delete_record("sub", "", "a")
    await store.delete_record("sub", "", "none")
    async with asyncio.timeout(60):
        while len(heard) < 3:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert heard == [("sub", "", "a"), ("sub", "x", "b"), ("sub", "", "a")]


async def test_a_backup_is_whole_while_writing_goes_on(store: Store, tmp_path: Path) -> None:
    await store.write([put(entity(f"{number:04}")) for number in range(2_000)])
    await store.put_records([Record("kind", "", "one", b"1")])
    going = True

    async def write_on() -> None:
        while going:
            await store.write([edit("0000", add_one)])

    writing = asyncio.ensure_future(write_on())
    target = tmp_path / "copy" / "city.db"
    await store.backup(str(target))
    going = False
    await writing
    copy = make_store(StoreSettings(), target.parent)
    await copy.open()
    assert await copy.count("") == 2_000
    assert copy.last_change() >= 2_000
    last = await copy.changes(copy.last_change() - 1, 1)
    assert await copy.get_record("kind", "", "one") is not None
    assert decode_change(last[0].body).seq == copy.last_change()
    await copy.close()


async def test_a_backup_does_not_overwrite(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_bytes(b"something")
    with pytest.raises(Invalid):
        await store.backup(str(target))
    assert target.read_bytes() == b"something"


def jointly(*names: str, decide: Callable, **more: Sequence[Record]) -> JointEdit:
    return JointEdit("", [f"urn:x:{name}" for name in names], decide, AT, "someone", **more)


async def test_a_joint_edit_changes_several_entities_and_records_at_once(store: Store) -> None:
    await store.write([put(entity("a", level=1)), put(entity("b"))])
    heard: list[Commit] = []
    records: list[tuple[str, str, str]] = []
    store.on_commit(heard.append)
    store.on_records(lambda *key: records.append(key))

    def decide(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        assert before["urn:x:d"] is None
        return {
            "urn:x:c": Put(entity("c"), [LEVEL]),
            "urn:x:a": add_one(before["urn:x:a"]),
            "urn:x:b": remove(before["urn:x:b"]),
            "urn:x:d": None,
        }

    mark = Record("mark", "", "reader", b"7")
    answers = await store.write_jointly(jointly("a", "b", "c", "d", decide=decide, records=[mark]))
    await listeners_have_heard()
    assert {name.removeprefix("urn:x:"): each.seq for name, each in answers.items()} == {
        "a": 4,
        "b": 5,
        "c": 3,
        "d": 0,
    }
    assert (answers["urn:x:c"].created, answers["urn:x:b"].entity) == (True, None)
    assert await ids(store, EntityQuery()) == ["a", "c"]
    stored = await store.get("", "urn:x:a")
    assert stored is not None
    assert (stored.entity().attrs[LEVEL][0].value, stored.version) == (2, 4)
    assert await store.get_record("mark", "", "reader") == mark
    assert [
        change.actor for change in map(decode_change, (row.body for row in await store.changes(2, 9)))
    ] == ["someone"] * 3
    assert heard[-1].last == 5
    async with asyncio.timeout(60):
        while records != [("mark", "", "reader")]:
            await asyncio.sleep(0.01)


async def test_a_joint_edit_that_fails_changes_nothing(store: Store) -> None:
    await store.write([put(entity("a", level=1))])

    def stranger(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        return {"urn:x:a": add_one(before["urn:x:a"]), "urn:x:z": Put(entity("z"), [LEVEL])}

    def unspeakable(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        broken = Entity(id="urn:x:b", type=[GAUGE], attrs={LEVEL: [Instance(value=object())]})
        return {"urn:x:a": add_one(before["urn:x:a"]), "urn:x:b": Put(broken, [LEVEL])}

    def refused(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        raise Conflict("no")

    mark = Record("mark", "", "reader", b"7")
    for decide, error in ((stranger, Invalid), (unspeakable, TypeError), (refused, Conflict)):
        with pytest.raises(error):
            await store.write_jointly(jointly("a", "b", decide=decide, records=[mark]))
    assert store.last_change() == 1
    assert await store.get_record("mark", "", "reader") is None


async def test_a_joint_edit_goes_by_the_records_that_it_expects(store: Store) -> None:
    await store.write([put(entity("a", level=1))])

    def decide(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        return {"urn:x:a": add_one(before["urn:x:a"])}

    def edit_from(old: bytes, new: bytes) -> JointEdit:
        expected, record = Record("mark", "", "reader", old), Record("mark", "", "reader", new)
        return jointly("a", decide=decide, records=[record], expected=[expected])

    first, second = await asyncio.gather(
        store.write_jointly(edit_from(b"", b"1")),
        store.write_jointly(edit_from(b"", b"2")),
        return_exceptions=True,
    )
    assert isinstance(second, Conflict)
    assert not isinstance(first, BaseException)
    with pytest.raises(Conflict, match="reader"):
        await store.write_jointly(
            jointly("a", decide=lambda _: {}, expected=[Record("mark", "", "reader", b"")])
        )
    await store.write_jointly(edit_from(b"1", b"3"))
    stored = await store.get("", "urn:x:a")
    assert stored is not None
    assert stored.entity().attrs[LEVEL][0].value == 3
    assert store.last_change() == 3


async def test_joint_edits_and_others_of_one_entity_do_not_lose_each_other(store: Store) -> None:
    await store.write([put(entity("a")), put(entity("b"))])

    def decide(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        return {name: add_one(each) for name, each in before.items()}

    await asyncio.gather(
        *(store.write_jointly(jointly("a", "b", decide=decide)) for _ in range(20)),
        *(store.write([edit("a", add_one)]) for _ in range(20)),
    )
    found = await store.get_many("", ["urn:x:a", "urn:x:b"])
    assert [found[f"urn:x:{name}"].entity().attrs[LEVEL][0].value for name in "ab"] == [40, 20]


async def test_records_are_listed_by_tenant(store: Store) -> None:
    await store.put_records([Record("letter", tenant, "1", b"") for tenant in ("b", "", "a")])
    await store.put_records([Record("mark", "z", "1", b"")])
    assert await store.tenants_of_records("letter") == ["", "a", "b"]
    assert await store.tenants_of_records("nothing") == []


async def test_a_late_change_is_logged_and_the_entity_is_as_before(store: Store) -> None:
    await store.write([put(entity("a", level=5))])
    late = {LEVEL: [Instance(value=1, observed_at=AT)]}
    (written,) = await store.write([edit("a", lambda before: Put(before or entity("a"), late=late))])
    assert isinstance(written, Written)
    assert written.late
    assert written.entity == entity("a", level=5)
    change = decode_change((await store.changes(written.seq - 1, 10))[0].body)
    assert (change.kind, change.changed, change.late) == (ChangeKind.UPDATED, [], late)
    assert change.is_late
