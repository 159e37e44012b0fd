"""Readings that are received after newer ones: in history, and not in the present state."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.assembly import ADMIN, BrokerApi, open_broker
from rhinecloud.history.samples import rows_of
from rhinecloud.ngsild.change import Change, decode_change
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Written
from rhinecloud.subscriptions.matching.differences import Differences

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def reading(minute: int, value: Any, name: str = "level", **members: Any) -> dict[str, Any]:
    timed = {"value": value, "observedAt": f"2026-03-01T11:{minute:02}:00Z"}
    return {"id": "urn:g:a", "type": "Gauge", name: timed, **members}


async def ingest(api: BrokerApi, *fragments: dict[str, Any]) -> None:
    for outcome in await api.broker.ingest(ADMIN, "", fragments, core_context()):
        assert isinstance(outcome, Written)


async def present(api: BrokerApi) -> Entity:
    return (await api.broker.get(ADMIN, "", "urn:g:a")).entity()


async def changes(api: BrokerApi) -> list[Change]:
    return [decode_change(each.body) for each in await api.store.changes(0, 1000)]


async def past(api: BrokerApi) -> list[tuple[int, bytes]]:
    """What history stores: the time when it was true, and the samples."""
    rows = [row for change in await changes(api) for row in rows_of(change, str)]
    return sorted((observed, samples) for _, _, observed, _, _, samples in rows)


def value(entity: Entity, name: str = "level") -> Any:
    found = entity.first(DEFAULT + name)
    return found and found.value


async def test_an_older_reading_is_in_the_past_and_does_not_become_the_present(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50))
        before = await present(api)
        await ingest(api, reading(0, 10))
        assert await present(api) == before
        _, late = await changes(api)
        assert (late.is_late, late.changed, late.previous) == (True, [], {})
        assert [each.value for each in late.late[DEFAULT + "level"]] == [10]
        assert [samples for _, samples in await past(api)] == [
            b'[["%slevel",10]]' % DEFAULT.encode(),
            b'[["%slevel",50]]' % DEFAULT.encode(),
        ]


async def test_a_late_change_triggers_no_subscription(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50), reading(0, 10))
        assert Differences((await changes(api))[-1]).attributes == {}


async def test_a_reading_of_the_same_time_is_a_correction(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50), reading(5, 51))
        corrected = reading(5, 52)
        corrected["level"]["observedAt"] = "2026-03-01T11:05:00.000Z"
        await ingest(api, corrected, reading(5, 53))
        assert value(await present(api)) == 53
        assert not any(each.late for each in await changes(api))


async def test_of_one_message_some_attributes_are_late_and_others_not(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50), reading(0, 1, "flow"))
        await ingest(api, {**reading(3, 30), **reading(3, 3, "flow"), "state": "open"})
        entity = await present(api)
        assert (value(entity), value(entity, "flow"), value(entity, "state")) == (50, 3, "open")
        change = (await changes(api))[-1]
        assert (change.is_late, list(change.late)) == (False, [DEFAULT + "level"])
        assert sorted(change.changed) == [DEFAULT + "flow", DEFAULT + "state"]


async def test_instances_are_compared_with_the_same_dataset_id(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50))
        other = reading(0, 10)
        other["level"]["datasetId"] = "urn:d:1"
        await ingest(api, other)
        assert len((await present(api)).attrs[DEFAULT + "level"]) == 2


async def test_attributes_without_a_time_are_as_old_as_their_message(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50, destination="Basel"))
        await ingest(
            api, reading(0, 10, destination="Rotterdam", draught=3), {"id": "urn:g:a", "name": "Anna"}
        )
        entity = await present(api)
        assert [value(entity, each) for each in ("destination", "draught", "name")] == ["Basel", None, "Anna"]
        (late,) = (await changes(api))[-1].late[DEFAULT + "destination"]
        assert (late.value, late.observed_at) == ("Rotterdam", "2026-03-01T11:00:00Z")


async def test_a_late_message_deletes_nothing_and_leaves_types_and_expiry(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50, destination="Basel"))
        before = await present(api)
        await ingest(
            api, reading(0, 10, destination="urn:ngsi-ld:null", type="Pump", expiresAt="2036-01-01T00:00:00Z")
        )
        assert await present(api) == before


async def test_an_ngsi_ld_client_overwrites_whatever_the_time(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await ingest(api, reading(5, 50))
        body = {"level": {"type": "Property", "value": 10, "observedAt": "2026-03-01T11:00:00Z"}}
        assert (await api.call("PATCH", "/entities/urn:g:a/attrs", body)).status == 204
        assert value(await present(api)) == 10


async def test_of_two_feeds_at_once_the_newest_reading_remains(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        await asyncio.gather(*(ingest(api, reading(minute, minute)) for minute in (7, 3, 9, 1, 5)))
        assert value(await present(api)) == 9


READINGS = st.dictionaries(
    st.tuples(st.sampled_from(("level", "flow")), st.integers(0, 20)),
    st.integers(-9, 9),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(READINGS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_ends_in_the_same_present_and_the_same_past(
    values: dict[tuple[str, int], int], chance: Any, size: int
) -> None:
    fragments = [reading(minute, each, name) for (name, minute), each in values.items()]
    ordered = sorted(fragments, key=lambda each: str([each.get("level"), each.get("flow")]))
    ordered.sort(key=lambda each: (each.get("level") or each["flow"])["observedAt"])
    shuffled = list(ordered)
    chance.shuffle(shuffled)

    async def result(given_order: list[dict[str, Any]], batch: int) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            async with open_broker(Path(folder)) as api:
                for start in range(0, len(given_order), batch):
                    await ingest(api, *given_order[start : start + batch])
                entity = await present(api)
                state = {
                    name: [(each.value, each.observed_at) for each in instances]
                    for name, instances in entity.attrs.items()
                }
                samples = [(at, each) for at, row in await past(api) for each in split(row)]
                return state, sorted(samples)

    assert asyncio.run(result(ordered, 1)) == asyncio.run(result(shuffled, size))


def split(row: bytes) -> list[str]:
    return [str(each) for each in orjson.loads(row)]
