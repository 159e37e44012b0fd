"""Replay: recordings play with their own pauses, quicker, at a rate, once or for ever, with their dates or today's."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.city import CONTEXT, FIXTURES, TESTER, City, status, until
from rhinecloud.connectors.model import FeedState
from rhinecloud.connectors.replay.recording import find_files
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import format_time, utc_now

KOELN = {"uuid": "koeln", "station": "KÖLN"}
GAUGE = "urn:ngsi-ld:WaterObserved:pegelonline:koeln"


def table(path: Path, *rows: str) -> str:
    path.write_text("timestamp,w_cm\n" + "".join(f"{row}\n" for row in rows))
    return path.name


@pytest.mark.parametrize("dates", ["recorded", "measured"])
async def test_a_recording_keeps_its_own_dates(city: City, dates: str) -> None:
    shutil.copy(FIXTURES / "ais" / "lemmer-2020.log", city.root / "a.log")
    feeds = await city.feed(connector="ais", mapping="ais", path="a.log", speed=0, dates=dates)
    await feeds.get("test").finished()
    assert (status(feeds).received, status(feeds).dead, status(feeds).state) == (171, 0, FeedState.ENDED)
    vessels = await city.entities("Vessel")
    assert len(vessels) == 33
    placed = next(each for each, values in vessels.items() if "location" in values)
    location = await city.instance(placed, "location")
    assert location.observed_at.startswith("2020-04-07T2")
    marked = sum(values.get("simulated", False) for values in vessels.values())
    assert marked == (33 if dates == "recorded" else 0), (
        "what comes before the first time is measured later on"
    )


@pytest.mark.parametrize("dates", ["recorded", "now", "measured"])
async def test_a_recording_without_times_is_never_passed_off_as_measured_now(city: City, dates: str) -> None:
    write_undated(city.root / "a.log")
    feeds = await city.feed(connector="ais", mapping="ais", path="a.log", speed=0, dates=dates)
    await feeds.get("test").finished()
    vessels = await city.entities("Vessel")
    assert len(vessels) > 10
    assert {values.get("simulated") for values in vessels.values()} == {True}
    assert status(feeds).simulated


async def test_a_recording_without_times_has_the_date_that_the_settings_name(city: City) -> None:
    write_undated(city.root / "a.log")
    for _ in range(2):
        feeds = await city.feed(
            connector="ais", mapping="ais", path="a.log", speed=0, recorded_at="2018-09-04"
        )
        await feeds.get("test").finished()
    vessels = await city.entities("Vessel")
    placed = [each for each, values in vessels.items() if "location" in values]
    moments = {(await city.instance(each, "location")).observed_at for each in placed}
    assert moments == {"2018-09-04T00:00:00Z"}
    assert {values.get("simulated") for values in vessels.values()} == {True}


async def test_what_stands_before_the_first_time_of_a_recording_is_marked(city: City) -> None:
    (city.root / "m.jsonl").write_bytes(
        b"\n".join(
            orjson.dumps({"topic": f"air/{name}", "payload": {"station": name, "pm10": 1}, **tst})
            for name, tst in (("a", {}), ("b", {"tst": "2026-03-01T12:00:00.000000+0000"}), ("c", {}))
        )
    )
    feeds = await city.feed(connector="mqtt", mapping="air", path="m.jsonl", speed=0, dates="measured")
    await feeds.get("test").finished()
    stations = await city.entities("AirQualityObserved")
    marked = {entity_id[-1]: values.get("simulated", False) for entity_id, values in stations.items()}
    assert marked == {"a": True, "b": False, "c": False}
    third = await city.instance("urn:ngsi-ld:AirQualityObserved:c", "pm10")
    assert third.observed_at == "2026-03-01T12:00:00Z"


async def test_dates_may_be_moved_to_the_present_and_then_all_is_marked(city: City) -> None:
    path = table(city.root / "g.csv", "2022-08-08T22:00:00+02:00,93", "2022-08-08T22:00:10+02:00,94")
    started = datetime.now(UTC)
    feeds = await city.feed(
        connector="csv", mapping="gauge-csv", path=path, fields=KOELN, dates="now", speed=100
    )
    await feeds.get("test").finished()
    level = await city.instance(GAUGE, "waterLevel")
    seen = datetime.fromisoformat(level.observed_at)
    assert level.value == 94
    second = timedelta(seconds=1)
    assert started - second < seen < datetime.now(UTC) + second
    assert (await city.entities("WaterObserved"))[GAUGE]["simulated"] is True
    assert status(feeds).simulated


async def test_the_pauses_of_a_recording_are_kept_and_shortened_by_the_speed(city: City) -> None:
    path = table(
        city.root / "g.csv",
        "2022-08-08T22:00:00+02:00,1",
        "2022-08-08T22:00:30+02:00,2",
        "2022-08-08T22:01:00+02:00,3",
    )
    started = time.monotonic()
    feeds = await city.feed(connector="csv", mapping="gauge-csv", path=path, fields=KOELN, speed=100)
    await until(lambda: status(feeds).received == 2)
    assert time.monotonic() - started > 0.25
    await feeds.get("test").finished()
    assert time.monotonic() - started > 0.55


def write_undated(path: Path) -> None:
    """Write thirty positions that name no time, each of another vessel."""
    lines = (FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b",1,1,," in line[:13])[: 50 * 30])


async def test_a_recording_without_times_plays_at_the_set_rate(city: City) -> None:
    write_undated(city.root / "a.log")
    started = time.monotonic()
    feeds = await city.feed(connector="ais", mapping="ais", path="a.log", rate_per_s=50)
    await feeds.get("test").finished()
    assert status(feeds).received + status(feeds).dead >= 28
    assert time.monotonic() - started > 0.5


async def test_a_recording_may_be_looped_and_stopped(city: City) -> None:
    path = table(city.root / "g.csv", "2022-08-08T22:00:00+02:00,1")
    feeds = await city.feed(connector="csv", mapping="gauge-csv", path=path, fields=KOELN, loop=True)
    await until(lambda: status(feeds).received >= 2)
    await feeds.stop()
    assert status(feeds).state is FeedState.STOPPED


async def test_an_empty_recording_is_said_and_does_not_spin(city: City) -> None:
    (city.root / "a.log").write_bytes(b"")
    feeds = await city.feed(connector="ais", mapping="ais", path="a.log", loop=True)
    await until(lambda: status(feeds).error == "the recording is empty")


async def test_frames_come_file_by_file_by_their_own_times(city: City) -> None:
    folder = city.root / "frames"
    folder.mkdir()
    for path in (FIXTURES / "gtfs-rt").glob("2016*.gz"):
        shutil.copy(path, folder)
    started = time.monotonic()
    feeds = await city.feed(connector="gtfs-rt", mapping="gtfs-rt", path="frames", speed=200)
    await feeds.get("test").finished()
    assert status(feeds).received == 650 + 660 + 661
    assert status(feeds).dead == 0
    assert time.monotonic() - started >= 0.6
    assert len(await city.entities("GtfsTrip")) >= 650


async def test_warnings_of_a_folder_play_in_the_order_of_their_names(city: City) -> None:
    folder = city.root / "cap"
    folder.mkdir()
    shutil.copy(FIXTURES / "cap" / "heavy-rain-update.xml", folder / "2.xml")
    (folder / "1.xml").write_text("<nonsense/>")
    feeds = await city.feed(connector="cap", mapping="cap", path="cap/*.xml", speed=0)
    await feeds.get("test").finished()
    assert (status(feeds).received, status(feeds).dead) == (1, 1)
    [letter] = (await feeds.deadletters.list()).items
    assert letter.origin == "1.xml"


async def test_recorded_mqtt_messages_play_with_topic_and_time(city: City) -> None:
    rows: list[dict[str, Any]] = [
        {"tst": "2026-03-01T12:00:00.000000+0000", "topic": "air/7", "payload": {"station": "a", "pm10": 12}},
        {
            "tst": "2026-03-01T12:00:10.000000+0000",
            "topic": "air/7",
            "payload": '{"station": "a", "pm10": 13}',
        },
    ]
    (city.root / "m.jsonl.gz").write_bytes(
        gzip.compress(b"\n".join(orjson.dumps(row) for row in rows) + b"\nx\n")
    )
    feeds = await city.feed(connector="mqtt", mapping="air", path="m.jsonl.gz", speed=100)
    await feeds.get("test").finished()
    pm10 = await city.instance("urn:ngsi-ld:AirQualityObserved:a", "pm10")
    assert (pm10.value, pm10.observed_at) == (13, "2026-03-01T12:00:10Z")
    assert (status(feeds).received, status(feeds).ignored) == (3, 1)


async def test_a_city_is_not_held_up_by_a_long_recording(city: City) -> None:
    body = (FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes()
    (city.root / "a.log").write_bytes(body * 20)
    feeds = await city.feed(connector="ais", mapping="ais", path="a.log", speed=0, rate_per_s=0)
    turns = 0
    while status(feeds).state is not FeedState.ENDED:
        await asyncio.sleep(0)
        turns += 1
    assert status(feeds).received == 20 * 1326
    assert turns > 500


def test_files_are_found_by_name_folder_and_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    for name in ("b.log", "a.log", ".hidden", "c.txt"):
        (folder / name).write_text("x")
    names = [path.name for path in find_files("feeds", tmp_path)]
    assert names == ["a.log", "b.log", "c.txt"]
    assert [path.name for path in find_files("feeds/*.log", tmp_path)] == ["a.log", "b.log"]
    assert [path.name for path in find_files(str(folder / "*.txt"), tmp_path)] == ["c.txt"]
    with pytest.raises(Invalid, match="must be a recording"):
        find_files("feeds/*.csv", tmp_path)


async def test_a_path_at_which_no_message_has_a_value_stands_on_the_status(city: City) -> None:
    (city.root / "air.yaml").write_text(
        "id: urn:x:{box.id}\ntype: Box\nattributes: { pm10: values.pm10, pm25: values.pm25, name: values.name }\n"
    )
    (city.root / "air.json").write_text(
        '[{"box": {"id": 1}, "values": {"pm10": 1}}, {"box": {"id": 2}, "values": {"pm10": 2, "name": "b"}}]'
    )
    feeds = await city.feed(connector="json", mapping="air.yaml", path="air.json", speed=0)
    await feeds.get("test").finished()
    [reason] = status(feeds).ignored_by_reason
    assert (reason.reason, reason.count) == (
        "no message has a value at `values.pm25`, which the mapping reads",
        2,
    )
    assert status(feeds).ignored == 0


async def test_a_live_reading_ends_the_mark_that_a_recording_set(city: City) -> None:
    await city.feed(connector="json", mapping="air", path=written(city, {"station": "a", "pm10": 5}), speed=0)
    station = "urn:ngsi-ld:AirQualityObserved:a"

    async def mark() -> Any:
        return (await city.entities("AirQualityObserved")).get(station, {}).get("simulated")

    await until_mark(mark, True)
    live = {"id": station, "type": "AirQualityObserved", "name": "A"}
    ingest = partial(city.broker.ingest, TESTER, "", context=CONTEXT, measured=True)
    await ingest([live])
    assert await mark() is True
    await ingest([{**live, "pm10": {"value": 6, "observedAt": "2018-01-01T00:00:00Z"}}])
    assert await mark() is True
    await ingest([{**live, "pm10": {"value": 6, "observedAt": format_time(utc_now())}}])
    assert await mark() is None


def written(city: City, document: dict[str, Any]) -> str:
    (city.root / "a.json").write_text(json.dumps(document))
    return "a.json"


async def until_mark(mark: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    async with asyncio.timeout(30):
        while await mark() is not wanted:
            await asyncio.sleep(0.01)
