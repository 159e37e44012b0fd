"""PEGELONLINE and JSON: answers become messages, damage becomes faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.city import FIXTURES
from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.json.codec import JsonCodec
from rhinecloud.connectors.pegelonline.codec import PegelonlineCodec
from rhinecloud.pack.codec import Codec, DecodeError, DecodeFault, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def decode(codec: Codec, body: bytes, origin: str = "") -> list[Any]:
    return list(codec.decode(Parcel(body, NOW, origin)))


def test_a_list_of_stations_gives_each_station_with_its_time_series() -> None:
    [station] = decode(PegelonlineCodec(), (FIXTURES / "pegelonline" / "stations-koeln.json").read_bytes())
    assert station["shortname"] == "KÖLN"
    assert {series["shortname"] for series in station["timeseries"]} == {"W", "Q"}


def test_a_single_station_is_a_list_of_one() -> None:
    [station] = decode(PegelonlineCodec(), (FIXTURES / "pegelonline" / "wuerzburg.json").read_bytes())
    assert len(station["timeseries"]) == 7


def test_an_answer_about_one_series_takes_station_and_series_from_the_url() -> None:
    body = (FIXTURES / "pegelonline" / "emmerich-currentmeasurement.json").read_bytes()
    url = "https://www.pegelonline.wsv.de/webservices/rest-api/v2/stations/EMMERICH/W/currentmeasurement.json"
    [station] = decode(PegelonlineCodec(), body, url)
    assert station["uuid"] == "EMMERICH"
    assert station["timeseries"] == [
        {
            "shortname": "W",
            "currentMeasurement": {
                "timestamp": "2026-09-23T21:45:00+02:00",
                "value": -7.0,
                "stateMnwMhw": "low",
                "stateNswHsw": "normal",
            },
        }
    ]


def test_an_error_of_the_service_is_refused_in_its_own_words() -> None:
    with pytest.raises(DecodeError, match="the service returned: station not found"):
        decode(PegelonlineCodec(), (FIXTURES / "pegelonline" / "error-404.json").read_bytes())


def test_what_is_no_station_is_a_fault() -> None:
    faults = decode(PegelonlineCodec(), b'[1, {"value": 3}, {"uuid": "a", "timeseries": 5}]')
    assert [fault.reason for fault in faults] == ["no station and no measurement"] * 3


def test_the_newest_measurement_is_the_moment_of_an_answer() -> None:
    body = (FIXTURES / "pegelonline" / "stations-koeln.json").read_bytes()
    assert PegelonlineCodec().recorded_at(body) == datetime(2026, 9, 23, 19, 45, tzinfo=UTC)


def test_json_objects_and_lists_become_messages_with_their_topic() -> None:
    assert decode(JsonCodec(), b'{"pm10": 12}', "air/7") == [{"pm10": 12, "topic": "air/7"}]
    assert decode(JsonCodec(), b'[{"a": 1}, 5]') == [{"a": 1}, {"value": 5}]
    assert decode(JsonCodec("data.items"), b'{"data": {"items": [{"a": 1}]}}') == [{"a": 1}]


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"21.5", 21.5), (b" .5 ", 0.5), (b"ON", "ON"), (b"true", True), ("Köln".encode(), "Köln")],
)
def test_a_bare_payload_is_a_value(body: bytes, value: object) -> None:
    assert decode(JsonCodec(), body) == [{"value": value}]


def test_words_for_no_data_are_left_out_at_any_depth() -> None:
    body = b'{"t": "unavailable", "pm10": -999, "list": [1, "n/a", {"h": -999.0, "ok": true}], "ok": 0}'
    codec = JsonCodec(no_data=("unavailable", "-999", "n/a"))
    assert decode(codec, body) == [{"list": [1, None, {"ok": True}], "ok": 0}]


@pytest.mark.parametrize("body", [b"not json", b"21.5", b'"text"', b"null", b"ON"])
def test_a_payload_that_is_no_object_is_refused_where_the_mapping_reads_none(body: bytes) -> None:
    [fault] = decode(JsonCodec(names=frozenset({"pm10"})), body)
    assert isinstance(fault, DecodeFault)
    assert fault.reason.startswith("must be a JSON object, not ")
    assert isinstance(decode(JsonCodec(names=frozenset({"value"})), body)[0], dict)
    assert len(decode(JsonCodec(names=frozenset({"pm10"})), b'[{"pm10": 1}, 5, {"pm10": 2}]')) == 3


@pytest.mark.parametrize("body", [b'{"a": ', b"[1,", b"\xff\xff", b"", b'{"a": NaN}'])
def test_broken_json_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(JsonCodec(), body)


def test_a_list_that_is_not_there_is_said() -> None:
    with pytest.raises(DecodeError, match=r"no list at data\.items"):
        decode(JsonCodec("data.items"), b'{"data": []}')


def test_gzip_stops_at_the_limit() -> None:
    import gzip

    packed = gzip.compress(b"0" * 100_000)
    assert gunzip(packed, 100_000) == b"0" * 100_000
    assert gunzip(b"plain", 3) == b"plain"
    with pytest.raises(DecodeError, match="more than 99999 bytes"):
        gunzip(packed, 99_999)
    with pytest.raises(DecodeError, match="ends early"):
        gunzip(packed[:-4], 100_000)
