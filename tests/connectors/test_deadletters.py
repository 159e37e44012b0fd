"""Dead letters: kept with their reason, bounded for each feed, retried down their feed's road; and their door."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI, Request

from connectors.city import City, status
from connectors.servers import free_port
from rhinecloud.connectors.deadletters import DeadLetters, Letter, NoSuchLetter, NotRetriable
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.routes import deadletter_routes, feed_routes
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import Forbidden, NotFound, RhineCloudError
from rhinecloud.pack.codec import DecodeFault

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAPPING = """
id: "urn:ngsi-ld:AirQualityObserved:{station}"
type: AirQualityObserved
attributes: { pm10: { from: pm10, unit: GQ, max: %d } }
"""


def letters(city: City, kept: int = 5, most_bytes: int = 100) -> DeadLetters:
    return DeadLetters(city.store, kept, most_bytes, lambda: NOW)


async def test_a_letter_keeps_feed_moment_reason_and_bytes(city: City) -> None:
    kept = letters(city)
    await kept.keep("ais", [DecodeFault(b"\xff line", "no AIS sentence", origin="host:1")], NOW)
    [head] = (await kept.list()).items
    assert (head.feed, head.received, head.reason) == ("ais", "2026-03-01T12:00:00Z", "no AIS sentence")
    assert (head.origin, head.size) == ("host:1", 6)
    assert (await kept.show(head.id)).body() == b"\xff line"


async def test_each_feed_has_a_ring_of_its_own_and_the_newest_stay(city: City) -> None:
    kept = letters(city, kept=5)
    await kept.keep("quiet", [DecodeFault(b"q", "quiet")], NOW)
    for number in range(12):
        await kept.keep("noisy", [DecodeFault(b"x", f"number {number}")], NOW + timedelta(seconds=number))
    await kept.keep(
        "noisy", [DecodeFault(b"x", f"flood {number}") for number in range(100)], NOW + timedelta(hours=1)
    )
    assert [each.reason for each in (await kept.list("noisy")).items] == [
        f"flood {number}" for number in range(99, 94, -1)
    ]
    assert [each.reason for each in (await kept.list("quiet")).items] == ["quiet"]
    assert await city.store.count_records("deadletter") == 6


async def test_letters_outlive_a_restart_and_numbers_go_on(city: City) -> None:
    before = letters(city)
    await before.keep("ais", [DecodeFault(b"1", "one"), DecodeFault(b"2", "two")], NOW)
    after = letters(city)
    await after.open()
    await after.keep("ais", [DecodeFault(b"3", "three")], NOW)
    assert {each.reason for each in (await after.list()).items} == {"one", "two", "three"}


async def test_what_comes_again_is_counted_and_pushes_nothing_out(city: City) -> None:
    kept = letters(city, kept=3)
    await kept.keep("levels", [DecodeFault(b"other", "bad")], NOW)
    await kept.keep(
        "levels", [DecodeFault(b"x", "bad"), DecodeFault(b"x", "bad"), DecodeFault(b"x", "worse")], NOW
    )
    later = letters(city, kept=3)
    await later.open()
    await later.keep("levels", [DecodeFault(b"x", "bad")] * 10, NOW + timedelta(hours=1))
    await later.keep("other feed", [DecodeFault(b"x", "bad")], NOW)
    found = [(each.reason, each.times, each.last_received) for each in (await later.list("levels")).items]
    assert found == [("bad", 12, "2026-03-01T13:00:00Z"), ("worse", 1, ""), ("bad", 1, "")]
    assert (await later.list("other feed")).items[0].times == 1


async def test_one_fault_of_a_recorded_message_is_one_letter_however_often_its_times_are_moved(
    city: City,
) -> None:
    (city.root / "air.yaml").write_text(MAPPING % 100)
    line = '{"station": "%s", "pm10": 500, "time": "2026-01-01T00:00:00Z"}\n'
    (city.root / "air.json").write_text(f"[{line % 'a'}, {line % 'b'}]")
    for _ in range(3):
        feeds = await city.feed(
            connector="json", mapping="air.yaml", path="air.json", speed=0, dates="now", time_field="time"
        )
        await feeds.get("test").finished()
        await feeds.stop()
    heads = (await feeds.deadletters.list()).items
    assert [each.times for each in heads] == [3, 3]
    assert all(each.last_received > each.received for each in heads)
    kept = orjson.loads((await feeds.deadletters.show(heads[0].id)).body())
    assert not kept["time"].startswith("2026-01-01")


async def test_what_comes_again_after_its_letter_was_dropped_or_replaced_is_a_new_one(city: City) -> None:
    kept = letters(city, kept=2)
    await kept.keep("ais", [DecodeFault(b"1", "one")], NOW)
    await kept.drop("ais~1")
    await kept.keep(
        "ais", [DecodeFault(b"1", "one"), DecodeFault(b"2", "two"), DecodeFault(b"3", "three")], NOW
    )
    await kept.keep("ais", [DecodeFault(b"1", "one")], NOW)
    assert [(each.id, each.times) for each in (await kept.list()).items] == [("ais~5", 1), ("ais~4", 1)]


@pytest.mark.parametrize("kept", [2, 4, 20])
async def test_a_ring_of_another_size_keeps_the_newest_and_finds_them(city: City, kept: int) -> None:
    before = letters(city, kept=7)
    await before.keep("ais", [DecodeFault(b"x", str(number)) for number in range(16)], NOW)
    after = letters(city, kept=kept)
    await after.open()
    await after.keep("ais", [DecodeFault(b"x", "new")], NOW)
    found = [(await after.show(head.id)).reason for head in (await after.list()).items]
    assert found == ["new", *["15", "14", "13", "12", "11", "10", "9"][: kept - 1]]
    assert await city.store.count_records("deadletter") == len(found)


async def test_pages_are_newest_first(city: City) -> None:
    kept = letters(city)
    await kept.keep("ais", [DecodeFault(b"", str(number)) for number in range(5)], NOW)
    page = await kept.list(offset=1, limit=2)
    assert ([each.reason for each in page.items], page.total, page.more) == (["3", "2"], 5, True)


async def test_an_id_never_means_another_letter_than_it_did(city: City) -> None:
    kept = letters(city, kept=1)
    await kept.keep("ais", [DecodeFault(b"1", "one")], NOW)
    old = (await kept.list()).items[0].id
    await kept.keep("ais", [DecodeFault(b"2", "two")], NOW)
    for letter_id in (old, "ais~2x", "nothing", "ais~9999999999999999999"):
        with pytest.raises(NoSuchLetter):
            await kept.show(letter_id)


async def test_a_dropped_letter_is_gone(city: City) -> None:
    kept = letters(city)
    await kept.keep("ais", [DecodeFault(b"1", "one")], NOW)
    letter_id = (await kept.list()).items[0].id
    await kept.drop(letter_id)
    assert (await kept.list()).items == []
    with pytest.raises(NoSuchLetter):
        await kept.drop(letter_id)


async def test_what_was_too_large_is_cut_and_cannot_be_retried(city: City) -> None:
    kept = letters(city, most_bytes=10)
    await kept.keep("ais", [DecodeFault(b"x" * 50, "huge")], NOW)
    [head] = (await kept.list()).items
    assert (head.cut, head.size, len((await kept.show(head.id)).body())) == (True, 50, 10)
    with pytest.raises(NotRetriable, match="does not exist any more"):
        await kept.retry(head.id)


async def air_feed(city: City, most: int = 100) -> Feeds:
    """A feed that reads what a file holds, by a mapping that takes at most so much."""
    (city.root / "air.yaml").write_text(MAPPING % most)
    path = city.root / "air.json"
    path.write_text('[{"station": "a", "pm10": 5}, {"station": "b", "pm10": 500}]')
    feeds = await city.feed(connector="json", mapping="air.yaml", path="air.json", speed=0)
    await feeds.get("test").finished()
    return feeds


async def test_a_message_that_the_mapping_refused_goes_through_once_the_mapping_is_mended(city: City) -> None:
    feeds = await air_feed(city)
    [letter] = (await feeds.deadletters.list()).items
    assert letter.decoded
    assert letter.reason == "mapping: pm10: 500 is above 100"
    kept = await feeds.deadletters.retry(letter.id)
    assert kept is not None
    assert kept.tries == 1
    await feeds.stop()
    mended = await air_feed(city, most=1000)
    assert await mended.deadletters.retry(letter.id) is None
    assert (await feeds.deadletters.list()).items == []
    assert (await city.entities("AirQualityObserved"))["urn:ngsi-ld:AirQualityObserved:b"]["pm10"] == 500


async def three_letters(city: City) -> Feeds:
    """A feed with three dead letters, received an hour apart; their mapping reads no time."""
    (city.root / "air.yaml").write_text(MAPPING % 100)
    feeds = await city.feed(connector="json", mapping="air.yaml", url=f"udp://127.0.0.1:{free_port()}")
    for hour, body in enumerate((b'{"station": "a", "pm10": 500}', b'{"station": "a", "pm10": 600}', b"{")):
        fault = DecodeFault(body, "of former times", decoded=hour == 0)
        await feeds.deadletters.keep("test", [fault], NOW + timedelta(hours=hour))
    return feeds


async def test_a_replay_works_off_what_is_mended_in_order_and_keeps_the_time_of_receipt(city: City) -> None:
    feeds = await three_letters(city)
    outcome = await feeds.deadletters.replay("test")
    assert (outcome.accepted, len(outcome.kept), outcome.missing) == (0, 3, [])
    assert [each.reason for each in outcome.kept[:2]] == [
        "mapping: pm10: 500 is above 100",
        "mapping: pm10: 600 is above 100",
    ]
    await feeds.stop()
    (city.root / "air.yaml").write_text(MAPPING % 1000)
    feeds = await city.feed(connector="json", mapping="air.yaml", url=f"udp://127.0.0.1:{free_port()}")
    outcome = await feeds.deadletters.replay("test")
    assert (outcome.accepted, [each.reason[:11] for each in outcome.kept]) == (2, ["broken JSON"])
    found = await city.instance("urn:ngsi-ld:AirQualityObserved:a", "pm10")
    assert (found.value, found.observed_at) == (600, "2026-03-01T13:00:00Z")
    assert (await feeds.deadletters.replay("test")).accepted == 0


async def test_a_replay_of_some_letters_leaves_the_others_and_names_those_that_are_gone(city: City) -> None:
    feeds = await three_letters(city)
    outcome = await feeds.deadletters.replay("test", ["test~2", "test~9"])
    assert ([each.id for each in outcome.kept], outcome.missing) == (["test~2"], ["test~9"])
    assert [each.tries for each in (await feeds.deadletters.list()).items] == [0, 1, 0]
    with pytest.raises(NotFound):
        await feeds.deadletters.replay("none")


async def test_two_replays_at_once_use_each_letter_once(city: City) -> None:
    feeds = await three_letters(city)
    await feeds.stop()
    (city.root / "air.yaml").write_text(MAPPING % 1000)
    feeds = await city.feed(connector="json", mapping="air.yaml", url=f"udp://127.0.0.1:{free_port()}")
    outcomes = await asyncio.gather(*(feeds.deadletters.replay("test") for _ in range(2)))
    assert sum(each.accepted for each in outcomes) == 2


async def test_one_wrong_item_of_a_list_is_a_letter_and_costs_the_others_nothing(city: City) -> None:
    (city.root / "air.yaml").write_text(MAPPING % 100 + "each: data.stations\n")
    stations = [
        {"station": "a", "pm10": 5},
        {"station": "b", "pm10": 500},
        {"pm10": 6},
        {"station": "c", "pm10": 7},
    ]
    (city.root / "air.json").write_bytes(orjson.dumps({"data": {"stations": stations}}))
    feeds = await city.feed(connector="json", mapping="air.yaml", path="air.json", speed=0)
    await feeds.get("test").finished()
    assert [each[-1] for each in sorted(await city.entities("AirQualityObserved"))] == ["a", "c"]
    [letter] = (await feeds.deadletters.list()).items
    assert letter.reason.startswith("mapping: data.stations.1.pm10: 500 is above 100; data.stations.2: ")
    now = status(feeds)
    assert (now.received, now.accepted, now.dead) == (1, 2, 1)
    kept = await feeds.deadletters.retry(letter.id)
    assert kept is not None
    assert kept.reason == letter.reason


async def test_bytes_that_could_not_be_read_are_read_again_on_retry(city: City) -> None:
    feeds = await city.feed(connector="ais", mapping="ais", url=f"udp://127.0.0.1:{free_port()}")
    good = b"!AIVDM,1,1,,A,13aGD3PP00PN?5DMRh878wwn0>`<,0*59"
    await feeds.deadletters.keep(
        "test", [DecodeFault(good, "a codec of former times"), DecodeFault(good[:-1], "x")], NOW
    )
    ids = {each.reason: each.id for each in (await feeds.deadletters.list()).items}
    assert await feeds.deadletters.retry(ids["a codec of former times"]) is None
    assert len(await city.entities("Vessel")) == 1
    kept = await feeds.deadletters.retry(ids["x"])
    assert kept is not None
    assert "checksum" in kept.reason


async def test_a_retry_of_which_no_entity_comes_keeps_the_letter_and_says_so(city: City) -> None:
    feeds = await air_feed(city)
    [letter] = (await feeds.deadletters.list()).items
    await feeds.stop()
    (city.root / "air.yaml").write_text(MAPPING % 1000 + "when: { kind: measurement }\n")
    passing_over = await city.feed(connector="json", mapping="air.yaml", path="air.json", speed=0)
    kept = await passing_over.deadletters.retry(letter.id)
    assert kept is not None
    assert (kept.tries, kept.reason) == (1, "it was decoded, but `kind` is not 'measurement'")
    assert [each.id for each in (await passing_over.deadletters.list()).items][-1:] == [letter.id]


async def test_what_the_broker_refuses_is_a_letter_with_its_reason(city: City) -> None:
    (city.root / "air.yaml").write_text(
        'id: "{station}"\ntype: AirQualityObserved\nattributes: { pm10: pm10 }\n'
    )
    (city.root / "air.json").write_text('{"station": "a", "pm10": 5}')
    feeds = await city.feed(connector="json", mapping="air.yaml", path="air.json", speed=0)
    await feeds.get("test").finished()
    [letter] = (await feeds.deadletters.list()).items
    assert letter.reason.startswith("broker: id: ")
    assert status(feeds).dead == 1


def api(feeds: Feeds, may: set[str]) -> httpx.AsyncClient:
    """Mount the routes as the app does; `may` names what the caller may do."""
    app = FastAPI()

    def allow(what: str) -> Any:
        def check(request: Request) -> Actor:
            if what not in may:
                raise Forbidden(what)
            return part("test")

        return check

    @app.exception_handler(RhineCloudError)
    async def refuse(request: Request, error: RhineCloudError) -> Any:
        from fastapi.responses import JSONResponse

        status_code = {"Forbidden": 403, "NotFound": 404, "NoSuchLetter": 404}[type(error).__name__]
        return JSONResponse({"detail": str(error)}, status_code=status_code)

    app.include_router(feed_routes(feeds, allow("see")))
    app.include_router(deadletter_routes(feeds, allow("see"), allow("operate")))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://city")


async def test_the_door_lists_shows_retries_and_drops(city: City) -> None:
    feeds = await air_feed(city)
    async with api(feeds, {"see", "operate"}) as client:
        [feed] = (await client.get("/feeds")).json()
        assert (feed["name"], feed["state"], feed["dead"], feed["accepted"]) == ("test", "ended", 1, 1)
        assert (await client.get("/feeds/test")).json()["connector"] == "json"
        assert (await client.get("/feeds/none")).status_code == 404
        page = (await client.get("/deadletters", params={"feed": "test"})).json()
        assert (page["total"], page["more"]) == (1, False)
        assert "raw" not in page["items"][0]
        letter_id = page["items"][0]["id"]
        assert (await client.get(f"/deadletters/{letter_id}")).json()["raw"]
        retried = (await client.post(f"/deadletters/{letter_id}/retry")).json()
        assert (retried["accepted"], retried["letter"]["tries"]) == (False, 1)
        replayed = (await client.post("/deadletters/replay", json={"feed": "test"})).json()
        assert (replayed["accepted"], [each["tries"] for each in replayed["kept"]]) == (0, [2])
        assert (await client.post("/deadletters/replay", json={"feed": "none"})).status_code == 404
        assert (await client.delete(f"/deadletters/{letter_id}")).status_code == 204
        assert (await client.get(f"/deadletters/{letter_id}")).status_code == 404


async def test_the_door_lets_nobody_act_who_may_only_see(city: City) -> None:
    feeds = await air_feed(city)
    letter_id = (await feeds.deadletters.list()).items[0].id
    async with api(feeds, {"see"}) as client:
        assert (await client.get("/deadletters")).status_code == 200
        assert (await client.post(f"/deadletters/{letter_id}/retry")).status_code == 403
        assert (await client.post("/deadletters/replay", json={"feed": "test"})).status_code == 403
        assert (await client.delete(f"/deadletters/{letter_id}")).status_code == 403
    async with api(feeds, set()) as client:
        assert (await client.get("/deadletters")).status_code == 403
        assert (await client.get("/feeds")).status_code == 403


def test_a_letter_is_read_as_it_was_written(tmp_path: Path) -> None:
    import msgspec

    letter = Letter(id="a~1", feed="a", number=1, received="2026-03-01T12:00:00Z", reason="x", raw="AA==")
    assert msgspec.json.decode(msgspec.json.encode(letter), type=Letter) == letter
