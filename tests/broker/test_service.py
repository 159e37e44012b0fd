"""The broker as the rooms above it use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from broker.assembly import ADMIN, BrokerApi, open_broker
from rhinecloud.broker.errors import AlreadyExists
from rhinecloud.kernel.actor import Actor, Role, part
from rhinecloud.kernel.errors import Conflict, Forbidden, NotFound, RhineCloudError
from rhinecloud.ngsild.change import Change, ChangeKind, decode_change
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.parsing import parse_entity
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.policy.facts import ASSIGNED_AGENCY
from rhinecloud.store.port import Decision, Put, Remove, Written

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEVEL = "https://uri.etsi.org/ngsi-ld/default-context/level"
AGENCY = Actor("fire", "fire", frozenset({Role.AGENCY}), agency="urn:ngsi-ld:Agency:fire")
INCIDENTS, COMMENT = part("incidents"), "incidents.comment"


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def api(tmp_path: Path, time: Time) -> AsyncIterator[BrokerApi]:
    async with open_broker(tmp_path, clock=time) as opened:
        yield opened


def gauge(name: str = "a", **members: Any) -> Entity:
    return parse_entity({"id": f"urn:g:{name}", "type": "Gauge", **members}, core_context())


async def changes(api: BrokerApi) -> list[Change]:
    return [decode_change(each.body) for each in await api.store.changes(0, 1000)]


async def test_what_is_created_can_be_got_and_bears_its_time(api: BrokerApi) -> None:
    written = await api.broker.create(ADMIN, "", gauge(level=3))
    stored = await api.broker.get(ADMIN, "", "urn:g:a")
    assert (written.created, stored.version) == (True, written.seq)
    assert stored.entity().created_at == "2026-03-01T12:00:00Z"
    with pytest.raises(AlreadyExists):
        await api.broker.create(ADMIN, "", gauge())


async def test_what_is_not_there_is_found_as_none_or_not_got(api: BrokerApi) -> None:
    assert await api.broker.find(ADMIN, "", "urn:g:a") is None
    with pytest.raises(NotFound):
        await api.broker.get(ADMIN, "", "urn:g:a")
    with pytest.raises(NotFound):
        await api.broker.delete(ADMIN, "", "urn:g:a")


async def test_an_edit_sees_the_entity_as_it_is_and_may_refuse(api: BrokerApi) -> None:
    await api.broker.create(ADMIN, "", gauge(level=3))

    def raise_by_one(entity: Entity | None) -> Decision:
        assert entity is not None
        level = entity.attrs[LEVEL][0].value + 1
        if level > 5:
            raise Conflict("the gauge is full")
        entity = Entity(id=entity.id, type=entity.type, attrs={LEVEL: [Instance(value=level)]})
        return Put(entity, [LEVEL])

    outcomes = await asyncio.gather(
        *(api.broker.edit(ADMIN, "", "urn:g:a", raise_by_one) for _ in range(4)), return_exceptions=True
    )
    assert [type(each) for each in outcomes].count(Conflict) == 2
    assert (await api.broker.get(ADMIN, "", "urn:g:a")).entity().attrs[LEVEL][0].value == 5


async def test_an_edit_may_create_delete_or_do_nothing(api: BrokerApi) -> None:
    assert (await api.broker.edit(ADMIN, "", "urn:g:a", lambda _: None)).seq == 0
    written = await api.broker.edit(ADMIN, "", "urn:g:a", lambda _: Put(gauge()))
    assert written.created
    await api.broker.edit(ADMIN, "", "urn:g:a", lambda entity: Remove(entity or gauge()))
    assert await api.broker.find(ADMIN, "", "urn:g:a") is None


async def test_upserts_merge_or_replace_and_fail_alone(api: BrokerApi) -> None:
    await api.broker.upsert(ADMIN, "", [gauge("a", level=3), gauge("b", level=4)])
    await api.broker.upsert(ADMIN, "", [gauge("a", depth=9)])
    await api.broker.upsert(ADMIN, "", [gauge("b", depth=9)], replace=True)
    assert LEVEL in (await api.broker.get(ADMIN, "", "urn:g:a")).entity().attrs
    assert LEVEL not in (await api.broker.get(ADMIN, "", "urn:g:b")).entity().attrs


async def test_a_change_has_its_actor_what_changed_and_the_previous_values(api: BrokerApi) -> None:
    await api.broker.create(part("risk"), "", gauge(level=3))
    await api.broker.upsert(ADMIN, "", [gauge(level=4)])
    first, second = await changes(api)
    assert (first.kind, first.actor, first.changed) == (ChangeKind.CREATED, "part:risk", [LEVEL])
    assert (second.kind, second.actor, second.changed) == (ChangeKind.UPDATED, "test", [LEVEL])
    assert second.previous[LEVEL][0].value == 3
    assert second.entity.attrs[LEVEL][0].value == 4


async def test_what_changes_nothing_is_no_change(api: BrokerApi) -> None:
    await api.broker.create(ADMIN, "", gauge(level=3))
    written = await api.broker.upsert(ADMIN, "", [gauge()])
    assert isinstance(written[0], Written)
    assert (written[0].seq, len(await changes(api))) == (0, 1)


async def test_an_agency_edits_only_what_is_assigned_to_it(api: BrokerApi) -> None:
    kind = "urn:rhinecloud:ns:Incident"
    for name, agency in (("mine", AGENCY.agency), ("theirs", "urn:ngsi-ld:Agency:police")):
        attrs = {ASSIGNED_AGENCY: [Instance(type="Relationship", value=agency)]}
        await api.broker.create(INCIDENTS, "", Entity(id=f"urn:i:{name}", type=[kind], attrs=attrs))

    def note(entity: Entity | None) -> Decision:
        assert entity is not None
        return Put(entity, ["urn:rhinecloud:ns:note"])

    assert (await api.broker.edit(AGENCY, "", "urn:i:mine", note, action=COMMENT)).seq
    with pytest.raises(Forbidden):
        await api.broker.edit(AGENCY, "", "urn:i:theirs", note, action=COMMENT)
    with pytest.raises(Forbidden):
        await api.broker.edit(AGENCY, "", "urn:i:mine", note)
    with pytest.raises(Forbidden):
        await api.broker.delete(AGENCY, "", "urn:i:mine")


async def test_a_joint_edit_asks_about_its_subjects_and_writes_what_belongs_to_them(api: BrokerApi) -> None:
    task = "urn:rhinecloud:ns:Task"
    for name, agency in (("mine", AGENCY.agency), ("theirs", "urn:ngsi-ld:Agency:police")):
        attrs = {ASSIGNED_AGENCY: [Instance(type="Relationship", value=agency)]}
        await api.broker.create(INCIDENTS, "", Entity(id=f"urn:i:{name}", type=[task], attrs=attrs))

    def note(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
        changed = {name: Put(each, ["urn:rhinecloud:ns:note"]) for name, each in before.items() if each}
        return {**changed, "urn:i:new": Put(Entity(id="urn:i:new", type=[task]), [])}

    ids = ["urn:i:mine", "urn:i:theirs", "urn:i:new"]
    with pytest.raises(Forbidden):
        await api.broker.edit_jointly(AGENCY, "", ids, note, subjects=["urn:i:theirs"], action=COMMENT)
    assert len(await changes(api)) == 2
    written = await api.broker.edit_jointly(AGENCY, "", ids, note, subjects=ids[:2][::-1], action=COMMENT)
    assert [written[name].seq for name in ids] == [3, 4, 5]
    (*_, last) = await changes(api)
    assert (last.actor, last.entity.id, last.entity.created_by) == (AGENCY.id, "urn:i:new", AGENCY.id)
    assert await api.broker.edit_jointly(AGENCY, "", ids, lambda _: {}, subjects=["urn:i:theirs"])


CONTEXT = compile_context({"Vessel": "urn:t:Vessel", "speed": "urn:t:speed", "course": "urn:t:course"}, {})


def vessel(name: str, **members: Any) -> dict[str, Any]:
    return {"id": f"urn:v:{name}", "type": "Vessel", **members}


async def test_fragments_of_one_entity_become_one_change(api: BrokerApi) -> None:
    fragments = [vessel("a", speed=5), vessel("b", speed=6), vessel("a", course=90), vessel("a")]
    outcomes = await api.broker.ingest(part("ais"), "", fragments, CONTEXT)
    assert [each.seq for each in outcomes if isinstance(each, Written)] == [1, 2, 1, 1]
    entity = (await api.broker.get(ADMIN, "", "urn:v:a")).entity()
    assert {name: each[0].value for name, each in entity.attrs.items()} == {
        "urn:t:speed": 5,
        "urn:t:course": 90,
    }


async def test_values_that_supersede_each_other_are_changes_of_their_own(api: BrokerApi) -> None:
    fragments = [vessel("a", speed=5), vessel("a", course=90, speed=6), vessel("a", speed=7)]
    await api.broker.ingest(part("ais"), "", fragments, CONTEXT)
    assert [each.entity.attrs["urn:t:speed"][0].value for each in await changes(api)] == [5, 6, 7]


async def test_a_fragment_that_cannot_be_read_fails_alone(api: BrokerApi) -> None:
    fragments = [vessel("a", speed=5), {"id": "no uri"}, {"id": "urn:v:c", "speed": 3}, vessel("d", speed=8)]
    outcomes = await api.broker.ingest(part("ais"), "", fragments, CONTEXT)
    assert [type(each).__name__ for each in outcomes] == ["Written", "Invalid", "Invalid", "Written"]
    assert all(isinstance(each, Written | RhineCloudError) for each in outcomes)


async def test_fragments_merge_into_what_is_there(api: BrokerApi) -> None:
    await api.broker.ingest(ADMIN, "", [vessel("a", speed=5)], CONTEXT)
    await api.broker.ingest(ADMIN, "", [{"id": "urn:v:a", "course": 180}], CONTEXT)
    entity = (await api.broker.get(ADMIN, "", "urn:v:a")).entity()
    assert sorted(entity.attrs) == ["urn:t:course", "urn:t:speed"]
    await api.broker.ingest(ADMIN, "", [{"id": "urn:v:a", "course": "urn:ngsi-ld:null"}], CONTEXT)
    assert sorted((await api.broker.get(ADMIN, "", "urn:v:a")).entity().attrs) == ["urn:t:speed"]


async def test_what_expires_goes_and_its_going_is_a_change(api: BrokerApi, time: Time) -> None:
    soon = "2026-03-01T12:00:05.5Z"
    await api.broker.create(ADMIN, "", gauge("gone", expiresAt=soon))
    await api.broker.create(ADMIN, "", gauge("kept", level={"value": 3, "expiresAt": soon}, depth=9))
    time.now = NOW + timedelta(seconds=5)
    await api.broker.sweep()
    assert await api.broker.find(ADMIN, "", "urn:g:gone") is not None
    time.now = NOW + timedelta(seconds=6)
    assert await api.broker.find(ADMIN, "", "urn:g:gone") is None, (
        "expired things are not shown before they are swept"
    )
    await api.broker.sweep()
    assert LEVEL not in (await api.broker.get(ADMIN, "", "urn:g:kept")).entity().attrs
    assert {(each.kind, each.entity.id) for each in (await changes(api))[2:]} == {
        (ChangeKind.DELETED, "urn:g:gone"),
        (ChangeKind.UPDATED, "urn:g:kept"),
    }


async def test_an_entity_that_expired_can_be_created_again(api: BrokerApi, time: Time) -> None:
    await api.broker.create(ADMIN, "", gauge(expiresAt="2026-03-01T12:00:05Z", level=3))
    time.now = NOW + timedelta(seconds=5)
    written = await api.broker.create(ADMIN, "", gauge(level=4))
    assert written.entity is not None
    assert written.entity.expires_at == ""


async def test_discovery_counts_anew_after_a_change(api: BrokerApi) -> None:
    await api.broker.create(ADMIN, "", gauge("a", level=3))
    assert (await api.broker.discover(ADMIN, "")).attributes[LEVEL].count == 1
    await api.broker.create(ADMIN, "", gauge("b", level=[{"value": 3}, {"value": 4, "datasetId": "urn:d"}]))
    tally = await api.broker.discover(ADMIN, "")
    assert (tally.entities, tally.attributes[LEVEL].count) == (2, 3)


async def test_a_query_of_another_part_is_under_the_policy(api: BrokerApi) -> None:
    device = Actor("d", "d", frozenset({Role.DEVICE}))
    with pytest.raises(Forbidden):
        await api.broker.query(device, "", EntityQuery())
