"""PEGELONLINE, CSV and JSON: answers and rows become messages, damage becomes faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.city import FIXTURES
from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.csv.codec import CsvCodec
from rhinecloud.connectors.json.codec import JsonCodec
from rhinecloud.connectors.pegelonline.codec import PegelonlineCodec
from rhinecloud.pack.codec import Codec, DecodeError, DecodeFault, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GAUGE = FIXTURES.parents[2] / "examples" / "duisburg" / "feeds" / "water" / "koeln-2022-08.csv"


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


def test_the_low_water_of_august_2022_has_400_readings_from_73_to_161_cm() -> None:
    rows = decode(CsvCodec(), GAUGE.read_bytes())
    levels = [int(row["w_cm"]) for row in rows]
    assert (len(rows), min(levels), max(levels)) == (400, 73, 161)


def test_a_row_names_its_moment_once_the_header_is_known() -> None:
    codec = CsvCodec()
    lines = GAUGE.read_bytes().splitlines()
    assert codec.recorded_at(lines[0]) is None
    assert codec.recorded_at(lines[1]) == datetime(2022, 8, 8, 20, 17, tzinfo=UTC)


def test_rows_that_do_not_fit_are_faults_that_can_be_read_on_their_own() -> None:
    good, fault = decode(CsvCodec(), b"a;b\r\n1;2\r\n3\r\n")
    assert good == {"a": "1", "b": "2"}
    assert fault == DecodeFault(b"a;b\n3", "1 values for 2 columns")
    [again] = decode(CsvCodec(), fault.raw)
    assert again.reason == fault.reason


def test_an_empty_value_at_an_end_of_a_row_with_tabs_is_one() -> None:
    assert decode(CsvCodec(), b"a\tb\tc\n1\t2\t\n\t2\t3\n\t\t\n") == [
        {"a": "1", "b": "2", "c": ""},
        {"a": "", "b": "2", "c": "3"},
    ]


def test_a_header_may_come_in_a_parcel_of_its_own_and_again() -> None:
    codec = CsvCodec()
    assert decode(codec, b"a,b\n") == []
    assert decode(codec, b"1,2\n") == [{"a": "1", "b": "2"}]
    assert decode(codec, b"a,b\n3,4\n") == [{"a": "3", "b": "4"}]


def test_a_table_that_is_whole_has_a_header_of_its_own() -> None:
    codec = CsvCodec(whole=True)
    assert decode(codec, b"a,b\n1,2\n") == [{"a": "1", "b": "2"}]
    assert decode(codec, b"b,c\n1,2\n") == [{"b": "1", "c": "2"}]


@pytest.mark.parametrize("header", [b"a,a\n1,2\n", b"a,\n1,2\n", b"\xff\xfe\n"])
def test_a_header_without_good_names_is_a_fault(header: bytes) -> None:
    assert decode(CsvCodec(), header)[0].reason.startswith("no header")


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
