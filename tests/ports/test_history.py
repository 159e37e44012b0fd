"""The suite of every history engine: what was true when, and when the city learnt it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from rhinecloud.history.port import History
from rhinecloud.history.sqlite import HotTable
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Entity, Instance

LEVEL = "https://example.org/level"
GAUGE = "urn:ngsi-ld:Gauge:1"
INCIDENT = "urn:rhinecloud:ns:Incident"


@pytest.fixture(params=["sqlite"])
async def history(request: pytest.FixtureRequest, tmp_path: Path):
    engine = HotTable(tmp_path / "history.db", timeline_types=(INCIDENT,))
    await engine.open()
    yield engine
    await engine.close()


def reading(seq: int, value: object, observed_at: str = "", **more: object) -> Change:
    at = f"2026-01-01T00:{seq // 60:02d}:{seq % 60:02d}Z"
    instance = Instance(value=value, observed_at=observed_at, unit_code="CMT", modified_at=at)
    entity = Entity(id=GAUGE, type=["https://example.org/Gauge"], attrs={LEVEL: [instance]})
    return Change(seq=seq, kind=ChangeKind.UPDATED, at=at, entity=entity, changed=[LEVEL], **more)


async def test_readings_come_back_in_the_order_in_which_they_were_true(history: History) -> None:
    await history.append([reading(1, 10, "2025-12-31T12:00:00Z"), reading(2, 9, "2025-12-31T11:00:00Z")])
    samples = await history.series("", GAUGE, LEVEL)
    assert [(each.value, each.observed_at) for each in samples] == [
        (9, "2025-12-31T11:00:00Z"),
        (10, "2025-12-31T12:00:00Z"),
    ]
    assert samples[0].recorded_at == "2026-01-01T00:00:02Z"
    assert samples[0].unit_code == "CMT"


async def test_a_change_that_is_appended_twice_leaves_one_sample(history: History) -> None:
    changes = [reading(seq, seq) for seq in range(1, 6)]
    await history.append(changes)
    await history.append(changes[2:])
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [1, 2, 3, 4, 5]


async def test_what_is_taken_is_there_once_it_is_kept(history: History) -> None:
    history.take([reading(1, 1), reading(2, 2)])
    history.take([reading(3, 3)])
    assert await history.series("", GAUGE, LEVEL) == []
    assert await history.position() == 0
    await history.keep()
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [1, 2, 3]
    assert await history.position() == 3


async def test_what_cannot_be_kept_stays_taken(history: History, tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "history.db"))
    other.execute("CREATE TRIGGER full BEFORE INSERT ON moment BEGIN SELECT RAISE(ABORT, 'no room'); END")
    history.take([reading(1, 1)])
    with pytest.raises(Unavailable):
        await history.keep()
    history.take([reading(2, 2)])
    other.execute("DROP TRIGGER full")
    other.close()
    await history.keep()
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [1, 2]


async def test_a_reading_without_a_time_was_true_when_the_city_learnt_it(history: History) -> None:
    await history.append([reading(7, 1)])
    assert (await history.series("", GAUGE, LEVEL))[0].observed_at == "2026-01-01T00:00:07Z"


async def test_a_series_is_cut_at_both_ends_and_keeps_the_newest(history: History) -> None:
    await history.append([reading(seq, seq) for seq in range(1, 11)])
    samples = await history.series(
        "", GAUGE, LEVEL, since="2026-01-01T00:00:03Z", until="2026-01-01T00:00:09Z", limit=3
    )
    assert [each.value for each in samples] == [6, 7, 8]


async def test_an_attribute_that_was_taken_away_leaves_an_empty_sample(history: History) -> None:
    first = reading(1, 5)
    gone = Change(
        seq=2,
        kind=ChangeKind.UPDATED,
        at="2026-01-01T00:00:02Z",
        entity=Entity(id=GAUGE, type=first.entity.type),
        changed=[LEVEL],
        previous=first.entity.attrs,
    )
    await history.append([first, gone])
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [5, None]


async def test_a_deleted_entity_ends_all_its_series(history: History) -> None:
    first = reading(1, 5)
    gone = Change(seq=2, kind=ChangeKind.DELETED, at="2026-01-01T00:00:02Z", entity=first.entity)
    await history.append([first, gone])
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [5, None]


async def test_instances_that_did_not_change_are_not_kept_again(history: History) -> None:
    one = Instance(value=1, dataset_id="urn:a", modified_at="2026-01-01T00:00:01Z")
    two = Instance(value=2, dataset_id="urn:b", modified_at="2026-01-01T00:00:01Z")
    new = Instance(value=3, dataset_id="urn:b", modified_at="2026-01-01T00:00:02Z")
    entity = Entity(id=GAUGE, type=["https://example.org/Gauge"], attrs={LEVEL: [one, new]})
    change = Change(
        seq=2,
        kind=ChangeKind.UPDATED,
        at="2026-01-01T00:00:02Z",
        entity=entity,
        changed=[LEVEL],
        previous={LEVEL: [one, two]},
    )
    await history.append([change])
    assert [(each.dataset_id, each.value) for each in await history.series("", GAUGE, LEVEL)] == [
        ("urn:b", 3)
    ]


async def test_tenants_do_not_see_each_other(history: History) -> None:
    await history.append([reading(1, 5, tenant="port")])
    assert await history.series("", GAUGE, LEVEL) == []
    assert len(await history.series("port", GAUGE, LEVEL)) == 1


async def test_every_change_of_a_timeline_type_is_kept_whole(history: History) -> None:
    changes = [
        Change(
            seq=seq,
            kind=ChangeKind.CREATED if seq == 1 else ChangeKind.UPDATED,
            at=f"2026-01-01T00:00:0{seq}Z",
            actor="anna",
            entity=Entity(id="urn:i:1", type=[INCIDENT]),
        )
        for seq in (1, 2, 3)
    ]
    await history.append([*changes, reading(4, 1)])
    assert await history.changes_of("", "urn:i:1") == changes
    assert [each.seq for each in await history.changes_of("", "urn:i:1", limit=2)] == [2, 3]
    assert await history.changes_of("", GAUGE) == []


async def test_what_expires_goes_and_what_does_not_stays(history: History) -> None:
    await history.append([reading(seq, seq) for seq in range(1, 11)])
    assert await history.expire("2026-01-01T00:00:06Z") == 5
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [6, 7, 8, 9, 10]


async def test_geometry_and_lists_come_back_as_they_were(history: History) -> None:
    point = {"type": "Point", "coordinates": [6.7, 51.4]}
    await history.append([reading(1, point), reading(2, [1, "a", None])])
    assert [each.value for each in await history.series("", GAUGE, LEVEL)] == [point, [1, "a", None]]


async def test_readers_go_on_while_changes_are_appended(history: History) -> None:
    async def write() -> None:
        for start in range(0, 1000, 100):
            await history.append([reading(seq, seq) for seq in range(start + 1, start + 101)])

    writing = asyncio.create_task(write())
    counts = []
    while not writing.done():
        counts.append(len(await history.series("", GAUGE, LEVEL, limit=10_000)))
    await writing
    assert counts == sorted(counts)
    assert len(await history.series("", GAUGE, LEVEL, limit=10_000)) == 1000


async def test_what_was_appended_outlives_the_engine_and_a_backup_holds_it(tmp_path: Path) -> None:
    first = HotTable(tmp_path / "history.db")
    await first.open()
    await first.append([reading(1, 5)])
    await first.backup(str(tmp_path / "copy.db"))
    await first.close()
    for name in ("history.db", "copy.db"):
        again = HotTable(tmp_path / name)
        await again.open()
        assert [each.value for each in await again.series("", GAUGE, LEVEL)] == [5]
        await again.close()


async def test_a_closed_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="closed"):
        await HotTable(tmp_path / "history.db").series("", GAUGE, LEVEL)
