"""GTFS-Realtime from frames to entities: who a vehicle is, how late it is, what is announced, and what has gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from google.protobuf.json_format import ParseDict
from google.transit import gtfs_realtime_pb2
from hypothesis import given
from hypothesis import strategies as st

from connectors.city import City
from connectors.servers import http_server
from connectors.test_http import poll
from rhinecloud.connectors.gtfs_rt.codec import GtfsRealtimeCodec
from rhinecloud.pack import MappedItem, Parcel, Rejected
from rhinecloud.pack.codec import DecodeFault
from rhinecloud_packs.transport.announcements import period_at
from rhinecloud_packs.transport.realtime import map_realtime

T = 1_796_069_258
NOW = datetime.fromtimestamp(T, UTC)


def frame(*entities: dict[str, Any], at: int = T, full: bool = True) -> bytes:
    made = gtfs_realtime_pb2.FeedMessage()
    made.header.gtfs_realtime_version = "2.0"
    made.header.timestamp = at
    made.header.incrementality = 0 if full else 1
    for number, each in enumerate(entities, start=1):
        ParseDict({"id": str(number), **each}, made.entity.add())
    body: bytes = made.SerializeToString()
    return body


def mapped(body: bytes, codec: GtfsRealtimeCodec | None = None) -> list[MappedItem]:
    messages = (codec or GtfsRealtimeCodec()).decode(Parcel(body, NOW))
    return [
        item for each in messages if not isinstance(each, DecodeFault) for item in map_realtime(each, NOW)
    ]


def entities(body: bytes, codec: GtfsRealtimeCodec | None = None) -> dict[str, dict[str, Any]]:
    found = [item for item in mapped(body, codec) if isinstance(item, dict)]
    return {each["id"].removeprefix("urn:ngsi-ld:"): each for each in found}


def vehicle(latitude: float = 51.4, **more: Any) -> dict[str, Any]:
    return {"vehicle": {"position": {"latitude": latitude, "longitude": 6.7}, **more}}


def test_a_vehicle_without_an_id_is_known_by_its_run_whatever_the_entity_is_called() -> None:
    a, b = {"trip_id": "A", "start_date": "20261130"}, {"trip_id": "B"}
    first = entities(frame(vehicle(51.4, trip=a), vehicle(51.5, trip=b)))
    second = entities(frame(vehicle(51.501, trip=b), vehicle(51.401, trip=a)))
    assert first.keys() == second.keys() == {"Vehicle:trip%3AA%3A20261130", "Vehicle:trip%3AB"}
    assert second["Vehicle:trip%3AB"]["location"]["value"]["coordinates"][1] == 51.501


def test_the_id_of_a_vehicle_comes_before_its_run_and_nothing_at_all_is_rejected() -> None:
    named = vehicle(vehicle={"id": "v 1", "label": "1001"}, trip={"trip_id": "A"})
    assert entities(frame(named))["Vehicle:v%201"]["name"] == "1001"
    [rejected] = mapped(frame(vehicle()))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "vehicle.vehicle.id"


def trip(*stops: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"trip_update": {"trip": {"trip_id": "t"}, "stop_time_update": list(stops), **more}}


def stop(stop_id: str, **events: Any) -> dict[str, Any]:
    return {"stop_id": stop_id, **events}


@pytest.mark.parametrize(
    ("update", "delay", "next_stop"),
    [
        (trip(stop("a", arrival={"delay": 700, "time": T + 60}, departure={"time": T + 90})), 700, "a"),
        (trip(stop("a", arrival={"delay": 900}), stop("b", arrival={"delay": 0})), 900, "a"),
        (trip(stop("a", arrival={"delay": 0}), stop("b", arrival={"delay": 300})), 0, "a"),
        (trip(stop("a", arrival={"delay": 60, "time": T - 60}), stop("b", arrival={"delay": 90})), 90, "b"),
        (trip(stop("a", departure={"delay": -120, "time": (T + 60) * 1000})), -120, "a"),
        (trip(delay=171), 171, None),
        (trip(stop("a", arrival={"time": T + 60}), delay=171), 171, "a"),
        (trip(stop("a", schedule_relationship="SKIPPED"), stop("b", departure={"delay": 5})), 5, "b"),
        (trip(stop("a", arrival={"time": T + 300, "scheduled_time": T})), 300, "a"),
    ],
)
def test_the_delay_is_that_of_the_next_stop(
    update: dict[str, Any], delay: int, next_stop: str | None
) -> None:
    found = entities(frame(update))["GtfsTrip:t"]
    assert found["delay"]["value"] == delay
    assert found.get("nextStop", {}).get("object") == (next_stop and f"urn:ngsi-ld:GtfsStop:{next_stop}")


def test_a_time_without_a_delay_is_kept_as_a_time() -> None:
    found = entities(frame(trip(stop("a", arrival={"time": T + 300}))))["GtfsTrip:t"]
    assert "delay" not in found
    assert found["nextStopTime"]["value"]["@value"] == "2026-11-30T20:12:38Z"


def test_several_runs_of_one_trip_stay_apart_also_when_one_of_them_is_left() -> None:
    codec = GtfsRealtimeCodec()
    runs = [
        {"trip_update": {"trip": {"trip_id": "f", "start_time": time}, "delay": delay}}
        for time, delay in (("08:00:00", 60), ("08:10:00", 1200))
    ]
    both = entities(frame(*runs), codec)
    assert {name: each["delay"]["value"] for name, each in both.items()} == {
        "GtfsTrip:f%3A08%3A00%3A00": 60,
        "GtfsTrip:f%3A08%3A10%3A00": 1200,
    }
    assert set(entities(frame(runs[1], at=T + 10), codec)) == {"GtfsTrip:f%3A08%3A10%3A00"}
    assert set(entities(frame(runs[1]))) == {"GtfsTrip:f"}


def test_a_trip_without_an_id_is_known_by_route_direction_and_start_and_nothing_is_rejected() -> None:
    named = {"route_id": "10", "direction_id": 1, "start_time": "25:10:00", "start_date": "20261130"}
    [found] = entities(frame({"trip_update": {"trip": named, "delay": 300}})).values()
    assert found["id"].endswith("GtfsTrip:route%3A10%3A1%3A20261130%3A25%3A10%3A00")
    assert found["tripStart"] == "20261130 25:10:00"
    [rejected] = mapped(frame({"trip_update": {"trip": {"route_id": "10"}, "delay": 300}}))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "trip_update.trip"


@pytest.mark.parametrize("factor", [1, 1000, 10**6, 10**9])
def test_times_are_read_in_whatever_unit_they_are(factor: int) -> None:
    found = entities(frame(vehicle(vehicle={"id": "v"}, timestamp=T * factor), at=T * factor))["Vehicle:v"]
    assert found["location"]["observedAt"] == "2026-11-30T20:07:38Z"


def test_a_time_that_is_none_costs_itself() -> None:
    rejected, found = mapped(frame(vehicle(vehicle={"id": "v"}, timestamp=2**64 - 1)))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "vehicle.timestamp"
    assert isinstance(found, dict)
    assert found["location"]["observedAt"] == "2026-11-30T20:07:38Z"


def alert(text: str, **more: Any) -> dict[str, Any]:
    header = {"translation": [{"text": text, "language": "de"}, {"text": text, "language": "en"}]}
    return {"id": text, "alert": {"effect": "NO_SERVICE", "header_text": header, **more}}


def test_an_alert_holds_in_its_periods_and_names_whom_it_is_about() -> None:
    about = [{"route_id": "901"}, {"route_id": "903", "stop_id": "S1"}, {"route_id": "901"}]
    found = entities(
        frame(
            alert("future", active_period=[{"start": T + 99, "end": T + 999}]),
            alert("past", active_period=[{"start": T - 999, "end": T - 99}]),
            alert(
                "now",
                active_period=[{"start": T - 99, "end": T + 99}],
                informed_entity=about,
                severity_level="SEVERE",
                cause="STRIKE",
                url={"translation": [{"text": "https://example.org/"}]},
            ),
            alert("always"),
        )
    )
    assert {name.rpartition(":")[2]: each["status"] for name, each in found.items()} == {
        "future": "planned",
        "past": "ended",
        "now": "active",
        "always": "active",
    }
    now = found["ServiceAlert:now"]
    assert now["hasRoute"]["object"] == ["urn:ngsi-ld:GtfsRoute:901", "urn:ngsi-ld:GtfsRoute:903"]
    assert now["hasStop"]["object"] == "urn:ngsi-ld:GtfsStop:S1"
    assert now["informedEntity"]["json"] == about
    assert (now["severity"], now["cause"], now["effect"]) == ("high", "STRIKE", "NO_SERVICE")
    assert now["url"]["languageMap"] == {"@none": "https://example.org/"}
    assert now["name"]["languageMap"] == {"de": "now", "en": "now"}


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=5), st.integers(1, 60))
def test_an_alert_is_active_exactly_while_one_of_its_periods_holds(
    periods: list[tuple[int, int]], now: int
) -> None:
    given_ = [{"start": min(each), "end": max(each) + 1} for each in periods]
    status, _ = period_at(given_, now)
    holds = not given_ or any(each["start"] <= now < each["end"] for each in given_)
    assert (status == "active") == holds


def statuses(codec: GtfsRealtimeCodec, body: bytes) -> dict[str, str]:
    return {name: each["status"] for name, each in entities(body, codec).items()}


def test_an_alert_that_leaves_a_full_frame_has_ended_at_once_a_vehicle_after_five_minutes() -> None:
    codec = GtfsRealtimeCodec()
    seen = vehicle(vehicle={"id": "v"})
    assert statuses(codec, frame(seen, alert("x"))) == {"Vehicle:v": "active", "ServiceAlert:x": "active"}
    assert statuses(codec, frame(at=T + 60)) == {"ServiceAlert:x": "ended"}
    assert statuses(codec, frame(seen, at=T + 120)) == {"Vehicle:v": "active"}
    assert statuses(codec, frame(at=T + 419)) == {}
    assert statuses(codec, frame(at=T + 420)) == {"Vehicle:v": "ended"}
    assert statuses(codec, frame(at=T + 900)) == {}


def test_a_differential_frame_ends_what_it_names_as_deleted_and_nothing_else() -> None:
    codec = GtfsRealtimeCodec()
    statuses(codec, frame({"id": "e1", **vehicle(vehicle={"id": "v"})}, alert("x")))
    assert statuses(codec, frame(at=T + 9999, full=False)) == {}
    gone = frame({"id": "e1", "is_deleted": True}, {"id": "x", "is_deleted": True}, full=False)
    assert statuses(codec, gone) == {"Vehicle:v": "ended", "ServiceAlert:x": "ended"}


async def test_an_alert_that_returns_without_an_end_has_no_old_end(city: City) -> None:
    frames = [
        frame(alert("x", active_period=[{"start": T - 99, "end": T + 99}])),
        frame(at=T + 60),
        frame(alert("x"), at=T + 120),
    ]
    served = 0

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=frames[served])

    async def shows(status: str, *, ends: bool) -> bool:
        found = next(iter((await city.entities("ServiceAlert")).values()), {})
        return found.get("status") == status and ("validTo" in found) == ends

    async with http_server(answer) as url:
        feeds = await poll(city, url, connector="gtfs-rt", mapping="gtfs-rt")
        for number, (status, ends) in enumerate((("active", True), ("ended", True), ("active", False))):
            served = number
            async with asyncio.timeout(60):
                while not await shows(status, ends=ends):
                    await asyncio.sleep(0.01)
            assert feeds.status()[0].dead == 0, (await feeds.deadletters.list()).items
