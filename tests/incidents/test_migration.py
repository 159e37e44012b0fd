"""Incidents of version 0, which held their tasks and comments as JSON, become those of today on each engine.

`fixtures/city-0.1.0.db.gz` is the store of a city that the code of 0.1.0 wrote before tasks and comments were entities.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from incidents.assembly import CONTEXT, FIREFIGHTER, KEYED, OPERATOR, SteppingClock
from policies import shipped
from rhinecloud.broker.service import Broker
from rhinecloud.incidents.migrations import MIGRATIONS
from rhinecloud.incidents.model import COMMENT, TASK, TaskStatus
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.timeline import describe_changes
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.ids import new_urn
from rhinecloud.ngsild.change import decode_change
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.engine import StoreSettings, make_store, make_transferable_store
from rhinecloud.store.migrations import data_versions, migrate_data
from rhinecloud.store.port import Store
from rhinecloud.store.transfer import move, prove

FIXTURE = Path(__file__).parent / "fixtures" / "city-0.1.0.db.gz"
HANNA = Actor("user:hanna", "Hanna", frozenset({Role.OPERATOR}), tenant="harbour")


@asynccontextmanager
async def old_city(folder: Path, settings: StoreSettings) -> AsyncIterator[Store]:
    """Open the store of the fixture on an engine."""
    old = StoreSettings(url="sqlite:city.db")
    (folder / "city.db").write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    if settings.shared:
        source, target = make_transferable_store(old, folder), make_transferable_store(settings, folder)
        await source.open()
        await target.open()
        await move(source, target)
        await prove(source, target)
        await source.close()
        await target.close()
    store = make_store(settings if settings.shared else old, folder)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def incidents_of(store: Store, tenant: str = "") -> Incidents:
    policy = shipped()
    return Incidents(
        Broker(store, policy, SteppingClock()),
        policy,
        CONTEXT,
        SteppingClock(),
        new_urn,
        KEYED.derive,
        tenant,
    )


async def migrate(store: Store) -> None:
    await migrate_data(store, {"incidents": MIGRATIONS}, SteppingClock(), "0.2.0", page=10)


async def test_tasks_and_comments_of_an_old_city_are_entities(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    async with old_city(tmp_path, either_store) as store:
        await migrate(store)
        incidents = incidents_of(store)
        (flood,) = [each for each in (await incidents.list(OPERATOR)).items if each.alerts]
        assert [(task.title, task.status, task.assignee, task.created_by) for task in flood.tasks] == [
            ("Pump it dry", TaskStatus.DONE, FIREFIGHTER.id, FIREFIGHTER.id),
            ("Close the road", TaskStatus.OPEN, "", OPERATOR.id),
        ]
        assert (flood.tasks[0].done_by, flood.tasks[0].done_at > flood.tasks[0].created_at) == (
            FIREFIGHTER.id,
            True,
        )
        assert [(each.name, each.text) for each in flood.comments] == [
            ("Fred", "Water falls"),
            ("Olga", "The road stays closed until 18:00"),
        ]
        entity = (await store.get_many("", [flood.id]))[flood.id].entity()
        names = {CONTEXT.compact(iri) for iri in entity.attrs}
        assert "radioChannel" in names  # what another system wrote stays
        assert names.isdisjoint({"tasks", "comments"})
        (harbour,) = (await incidents_of(store, "harbour").list(HANNA)).items
        assert (harbour.tasks[0].title, harbour.comments[0].text) == ("Lay a boom", "Boom ordered")
        assert (await data_versions(store))["incidents"].number == 1


async def test_an_old_city_loses_nothing_and_gets_nothing_twice(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    async with old_city(tmp_path, either_store) as store:
        before = store.last_change()
        await migrate(store)
        after = store.last_change()
        await migrate(store)
        assert store.last_change() == after

        async def count(kind: str) -> int:
            return (await store.query("", EntityQuery(types=((kind,),), count=True, limit=1))).total or 0

        # forty incidents with n % 4 tasks and n % 3 comments, and the flood with two of each
        assert (await count(TASK), await count(COMMENT)) == (60 + 2, 39 + 2)
        changed = [decode_change(row.body) for row in await store.changes(before, 10_000)]
        assert {each.actor for each in changed} == {"part:migration"}
        assert len({each.entity.id for each in changed}) == len(changed)
        closed = (await incidents_of(store).list(OPERATOR, status="closed")).items
        assert {task.status for each in closed for task in each.tasks} == {TaskStatus.CANCELLED}


async def test_work_goes_on_with_a_migrated_incident_and_its_timeline_is_whole(tmp_path: Path) -> None:
    async with old_city(tmp_path, StoreSettings()) as store:
        await migrate(store)
        incidents = incidents_of(store)
        (flood,) = [each for each in (await incidents.list(OPERATOR)).items if each.alerts]
        road = flood.tasks[1]
        flood = await incidents.change_task(OPERATOR, flood.id, flood.version, road.id, {"done": True})
        assert [task.done for task in flood.tasks] == [True, True]
        about = {flood.id, *(task.id for task in flood.tasks)}
        changes = [decode_change(row.body) for row in await store.changes(0, 10_000)]
        events = describe_changes([each for each in changes if each.entity.id in about], CONTEXT, {})
    assert [event.act for event in events] == [
        *("open", "assign", "acknowledge", "start", "add_task", "add_task", "change_task"),
        *("comment", "comment", "change_task"),
    ]
    assert events[4].details["task"]["to"]["title"] == "Pump it dry"
    assert events[6].texts["en"] == "Fred finished the task “Pump it dry”"
    assert events[9].texts["en"] == "Olga finished the task “Close the road”"
