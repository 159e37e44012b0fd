"""A message through a feed: what cannot be used costs nothing else, and what is left out is counted by reason."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.city import City, open_city, status
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.ignored import MOST_REASONS, OTHER_REASONS, IgnoredCounter
from rhinecloud.connectors.model import FeedState
from rhinecloud.connectors.observed import refuse_times
from rhinecloud.kernel.time import format_time, utc_now
from rhinecloud.pack import Ignored

BOXES = """
each: boxes
when: { kind: box }
id: "urn:ngsi-ld:AirQualityObserved:{nr}"
type: AirQualityObserved
attributes:
  pm10: { from: pm10, unit: GQ, min: 0, max: 100 }
  temperature: { from: t, unit: CEL }
"""


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    async with open_city(tmp_path) as made:
        yield made


async def played(city: City, *messages: dict[str, Any]) -> Feeds:
    (city.root / "boxes.yaml").write_text(BOXES)
    (city.root / "boxes.json").write_text(json.dumps(messages))
    feeds = await city.feed(connector="json", mapping="boxes.yaml", path="boxes.json", speed=0)
    await feeds.get("test").finished()
    return feeds


async def test_parts_that_cannot_be_used_make_one_dead_letter_and_the_others_are_kept(city: City) -> None:
    boxes = [{"nr": 1, "pm10": 5, "t": 20}, {"nr": 2, "pm10": 500, "t": 21}, {"nr": 3, "t": "warm"}]
    feeds = await played(city, {"kind": "box", "boxes": boxes})
    found = await city.entities("AirQualityObserved")
    assert {key[-1]: sorted({"pm10", "temperature"} & value.keys()) for key, value in found.items()} == {
        "1": ["pm10", "temperature"],
        "2": ["temperature"],
    }
    [letter] = (await feeds.deadletters.list()).items
    assert letter.reason == "mapping: boxes.1.pm10: 500 is above 100; boxes.2.t: must be a number, not 'warm'"


async def test_what_is_ignored_is_counted_by_reason_with_the_newest_sample(city: City) -> None:
    box = {"kind": "box", "boxes": [{"nr": 1, "pm10": 5, "t": 20}]}
    feeds = await played(city, {"kind": "hello"}, box, {"kind": "bye", "boxes": [{}]}, {"kind": "box"})
    now = status(feeds)
    assert (now.state, now.error, now.ignored, now.dead) == (FeedState.ENDED, "", 3, 0)
    told = [(each.reason, each.count) for each in now.ignored_by_reason]
    assert told == [("it has nothing in the list `boxes`", 2), ("`kind` is not 'box'", 1)]
    assert [each.sample for each in now.ignored_by_reason][1] == "kind: 'bye'"
    assert '"kind":"box"' in now.ignored_by_reason[0].sample


async def test_a_source_of_which_everything_was_ignored_says_so(city: City) -> None:
    feeds = await played(city, {"kind": "hello", "boxes": [{}]})
    assert status(feeds).error == "everything that is received is ignored: `kind` is not 'box'"


async def test_readings_of_the_future_and_of_clocks_that_were_never_set_are_refused(city: City) -> None:
    (city.root / "boxes.yaml").write_text("id: 'urn:x:{nr}'\ntype: Device\ntime: at\nattributes: { v: v }\n")
    now = utc_now().replace(microsecond=0)
    ahead = now + timedelta(hours=1)
    moments = [now + timedelta(seconds=60), ahead, "0001-01-01T00:00:00Z", "4161-12-31T00:00:00Z", 4294967295]
    rows = [{"nr": nr, "v": 1, "at": str(at)} for nr, at in enumerate(moments)]
    (city.root / "rows.json").write_text(json.dumps(rows))
    feeds = await city.feed(
        connector="json", mapping="boxes.yaml", path="rows.json", dates="measured", time_field="none", speed=0
    )
    await feeds.get("test").finished()
    assert status(feeds).accepted == 1
    reasons = sorted(each.reason for each in (await feeds.deadletters.list()).items)
    assert [reason.partition(", not ")[0] for reason in reasons[:3]] == [
        "mapping: at: must be a time from 1990 to 2099"
    ] * 3
    assert reasons[3].startswith(
        f"mapping: urn:x:1.v.observedAt: must not be in the future: {format_time(ahead)} is more than 300 s after "
    )


def test_only_what_has_a_wrong_time_is_refused_of_an_entity() -> None:
    fragment = {
        "id": "urn:x:1",
        "type": "T",
        "now": {"value": 1, "observedAt": "2026-03-01T12:00:00Z"},
        "soon": [{"value": 2, "observedAt": "2026-03-01T12:05:01Z"}],
        "unset": {"value": 3, "observedAt": "1970-01-01T00:00:07Z"},
        "validTo": "2027-01-01T00:00:00Z",
    }
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    kept, refused = refuse_times(fragment, noon, 300)
    assert kept == {name: fragment[name] for name in ("id", "type", "now", "validTo")}
    assert [each.place for each in refused] == ["urn:x:1.soon.observedAt", "urn:x:1.unset.observedAt"]
    without_now = {name: value for name, value in fragment.items() if name != "now"}
    assert refuse_times(without_now, noon, 300)[0] is None
    assert refuse_times({"id": "urn:x:1", "name": "x"}, noon, 300) == ({"id": "urn:x:1", "name": "x"}, [])


def test_reasons_are_bounded_and_further_ones_are_counted_together() -> None:
    counter = IgnoredCounter()
    for number in range(MOST_REASONS + 3):
        counter.add(Ignored(f"reason {number}", "x" * 10_000), utc_now())
    reasons = counter.reasons()
    assert (reasons[0].reason, reasons[0].count) == (OTHER_REASONS, 3)
    assert len(reasons) == MOST_REASONS + 1
    assert all(len(each.sample) <= 300 for each in reasons)


async def test_a_backlog_with_the_newest_first_is_counted_as_late(city: City) -> None:
    (city.root / "boxes.yaml").write_text("id: 'urn:x:1'\ntype: Device\ntime: at\nattributes: { v: v }\n")
    rows = [{"v": minute, "at": f"2026-03-01T12:{minute:02}:00Z"} for minute in (9, 5, 1)]
    (city.root / "rows.json").write_text(json.dumps(rows))
    feeds = await city.feed(
        connector="json", mapping="boxes.yaml", path="rows.json", dates="measured", time_field="none", speed=0
    )
    await feeds.get("test").finished()
    now = status(feeds)
    assert (now.accepted, now.late, now.unchanged, now.dead) == (1, 2, 0, 0)
