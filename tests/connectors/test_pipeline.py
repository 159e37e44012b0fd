"""A message through a feed: what cannot be used costs nothing else, and what is left out is counted by reason."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.city import City, open_city, status
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.ignored import MOST_REASONS, OTHER_REASONS, IgnoredCounter
from rhinecloud.connectors.model import FeedState
from rhinecloud.kernel.time import utc_now
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
    box = {"kind": "box", "boxes": [{"nr": 1, "pm10": 5}]}
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


def test_reasons_are_bounded_and_further_ones_are_counted_together() -> None:
    counter = IgnoredCounter()
    for number in range(MOST_REASONS + 3):
        counter.add(Ignored(f"reason {number}", "x" * 10_000), utc_now())
    reasons = counter.reasons()
    assert (reasons[0].reason, reasons[0].count) == (OTHER_REASONS, 3)
    assert len(reasons) == MOST_REASONS + 1
    assert all(len(each.sample) <= 300 for each in reasons)
