"""GTFS: rows of real timetables, frames of real vehicles; broken ones are reported with file and row."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.city import FIXTURES
from rhinecloud.connectors.gtfs.codec import GtfsCodec
from rhinecloud.connectors.gtfs_rt.codec import GtfsRealtimeCodec
from rhinecloud.pack import Message
from rhinecloud.pack.codec import DecodeError, DecodeFault, Ignored, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = ("agency", "stops", "routes", "trips", "shapes", "stop_times", "calendar")


def read(
    body: bytes, tables: tuple[str, ...] = ALL, most_bytes: int = 50_000_000
) -> list[Message | DecodeFault]:
    items = GtfsCodec(tables, most_bytes).decode(Parcel(body, NOW))
    return [item for item in items if not isinstance(item, Ignored)]


HEAD = b"stop_id,stop_name,stop_lat,stop_lon\n"


def stops(rows: bytes, encoding: str = "") -> tuple[list[dict[str, str]], list[str], list[Ignored]]:
    """Return the rows of `stops.txt`, the reasons why others cannot be used, and what is told beside."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("stops.txt", HEAD + rows)
    found: list[dict[str, str]] = []
    reasons, told = [], []
    for item in GtfsCodec(("stops",), 50_000_000, encoding).decode(Parcel(buffer.getvalue(), NOW)):
        if isinstance(item, DecodeFault):
            reasons.append(item.reason)
        elif isinstance(item, Ignored):
            told.append(item)
        else:
            found.append(item["row"])
    return found, [each for each in reasons if "GTFS requires" not in each], told


ROWS = b"".join(b"s%d,Halt %d,51.4,6.7\n" % (n, n) for n in range(30))


def test_a_quote_that_is_never_closed_costs_its_own_row_and_no_other() -> None:
    found, reasons, _ = stops(b'a,Vorher,51,6\nq,"Kino Royal,51,6\n' + ROWS)
    assert [row["stop_id"] for row in found] == ["a", *(f"s{n}" for n in range(30))]
    assert reasons == ["stops.txt, row 3: a quote is not closed"]


@pytest.mark.parametrize(
    "after", [b'z,"Halt, Nord",51,6\n', b'z,"Halt",51,6\n', b'z,"Halt ""Nord""",51,6\n', b""]
)
def test_quotes_of_later_rows_do_not_close_it(after: bytes) -> None:
    found, reasons, _ = stops(b'q,"Kino Royal,51,6\nr,"Kino Lux,51,6\n' + ROWS + after)
    assert len(found) == 30 + bool(after)
    assert len(reasons) == 2


def test_a_line_end_within_quotes_is_part_of_the_value() -> None:
    found, reasons, _ = stops(b'a,"Duisburg\r\nHbf, ""Ost""",51,6\r\nb,B,51,6\r\n')
    assert [row["stop_name"] for row in found] == ['Duisburg\nHbf, "Ost"', "B"]
    assert reasons == []


def test_a_short_row_is_a_fault_and_a_comma_at_the_end_is_none() -> None:
    found, reasons, _ = stops(b"a,A,51\nb,B,51,6,\nc,C,51,6,7\n")
    assert [row["stop_id"] for row in found] == ["b"]
    assert reasons == [
        "stops.txt, row 2: 3 values for 4 columns",
        "stops.txt, row 4: 5 values for 4 columns",
    ]


def test_an_id_that_is_there_twice_is_told_and_the_first_row_counts() -> None:
    found, [reason], _ = stops(b"a,Eins,51,6\na,Zwei,52,7\n")
    assert [row["stop_name"] for row in found] == ["Eins"]
    assert "row 3: stop_id 'a' is there already" in reason


def test_a_row_that_is_not_in_utf_8_is_read_and_told_or_read_by_the_setting() -> None:
    row = "a,Düsseldorf Straße,51,6\n".encode("latin-1")
    [found], [], [told] = stops("b,Köln,51,6\n".encode() + row)[0][1:], *stops(row)[1:]
    assert found["stop_name"] == "Düsseldorf Straße"
    assert told.reason == "a line that is not in UTF-8 was read as Windows-1252"
    assert "Düsseldorf" in told.sample
    assert stops(row, "iso-8859-1")[2] == []
    assert stops(row, "utf-8")[1][0].startswith("stops.txt, row 2: must be in utf-8")


@given(st.lists(st.text(alphabet='ab,"\n\r ü', max_size=12), max_size=12))
def test_no_row_is_lost_without_a_word(names: list[str]) -> None:
    """Whatever stands in a row, the good rows around it are read."""
    rows = "".join(f"s{n},{name},51,6\ng{n},gut,51,6\n" for n, name in enumerate(names))
    found, _, _ = stops(rows.encode())
    assert {row["stop_id"] for row in found} >= {f"g{n}" for n in range(len(names))}


def timetable(**tables: str) -> bytes:
    """Pack tables into a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"{name}.txt", text)
    return buffer.getvalue()


def frame(name: str) -> bytes:
    body = (FIXTURES / "gtfs-rt" / name).read_bytes()
    return gzip.decompress(body) if name.endswith(".gz") else body


def test_the_bull_runner_timetable_is_read_whole_and_without_fault() -> None:
    items = read((FIXTURES / "gtfs" / "bullrunner-gtfs.zip").read_bytes())
    counts = Counter("fault" if isinstance(item, DecodeFault) else item["table"] for item in items)
    assert counts == {
        "agency": 1,
        "stops": 125,
        "routes": 6,
        "trips": 15,
        "shapes": 6,
        "stop_times": 473,
        "calendar": 3,
    }


def test_only_the_tables_that_are_asked_for_are_read_in_that_order() -> None:
    items = read((FIXTURES / "gtfs" / "bullrunner-gtfs.zip").read_bytes(), ("routes", "agency"))
    assert [item["table"] for item in items if not isinstance(item, DecodeFault)] == ["routes"] * 6 + [
        "agency"
    ]


def test_a_shape_is_one_line_of_points_in_their_order() -> None:
    body = timetable(
        stops="stop_id\n1\n",
        shapes="shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\na,51.1,6.1,2\na,51.0,6.0,1\n",
    )
    shape = next(
        item for item in read(body) if not isinstance(item, DecodeFault) and item["table"] == "shapes"
    )
    assert shape["row"] == {"shape_id": "a", "points": [[6.0, 51.0], [6.1, 51.1]]}


def test_an_archive_without_any_table_is_refused_and_says_what_it_holds() -> None:
    with pytest.raises(DecodeError, match=r"no GTFS timetable: the zip holds bad_agency\.txt"):
        read((FIXTURES / "gtfs" / "badgtfs.zip").read_bytes())


def test_wrong_rows_are_reported_with_file_and_row() -> None:
    items = read((FIXTURES / "gtfs" / "testagency.zip").read_bytes())
    faults = [item for item in items if isinstance(item, DecodeFault)]
    assert [fault.reason for fault in faults] == [
        "trips.txt, row 32: direction_id is 'N', none of 0, 1",
        "trips.txt, row 33: direction_id is 'S', none of 0, 1",
    ]
    assert faults[0].raw.startswith(b"18,alldays,18.1,")
    assert len(items) - len(faults) == 158


@pytest.mark.parametrize(
    ("stops", "reason"),
    [
        ("stop_id,stop_lat,stop_lon\na,95,6\n", "stops.txt, row 2: stop_lat is '95', not a number up to 90"),
        ("stop_id,stop_lat\na,1\n,2\n", "stops.txt, row 3: stop_id is empty"),
        ("stop_id\na,b,c\n", "stops.txt, row 2: 3 values for 1 columns"),
        ("stop_nr,stop_name\na,b\n", "stops.txt: the column stop_id is missing"),
    ],
)
def test_each_kind_of_wrong_stop_is_reported(stops: str, reason: str) -> None:
    reasons = [item.reason for item in read(timetable(stops=stops)) if isinstance(item, DecodeFault)]
    assert reason in reasons


def test_missing_files_that_gtfs_requires_are_reported() -> None:
    reasons = [item.reason for item in read(timetable(stops="stop_id\na\n")) if isinstance(item, DecodeFault)]
    assert "trips.txt: the file is missing, and GTFS requires it" in reasons


def test_a_table_that_is_asked_for_and_not_there_is_reported() -> None:
    items = read((FIXTURES / "gtfs" / "bullrunner-gtfs.zip").read_bytes(), ("stop", "agency"))
    faults = [item.reason for item in items if isinstance(item, DecodeFault)]
    assert faults == ["stop.txt: the file is missing, and the feed's `tables` asks for it"]


def test_tables_in_a_folder_with_bom_and_crlf_are_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("feed/stops.txt", b'\xef\xbb\xbfstop_id,stop_name\r\n1,"Duisburg, Hbf"\r\n\r\n')
    [stop] = [item for item in read(buffer.getvalue()) if not isinstance(item, DecodeFault)]
    assert stop["row"] == {"stop_id": "1", "stop_name": "Duisburg, Hbf"}


def test_a_timetable_that_unpacks_to_more_than_the_limit_is_stopped() -> None:
    body = timetable(stops="stop_id\n" + "1\n" * 100_000)
    reasons = [item.reason for item in read(body, most_bytes=10_000) if isinstance(item, DecodeFault)]
    assert any("more than 10000 bytes" in reason for reason in reasons)


def test_a_frame_of_vehicle_positions_gives_ten_vehicles_with_their_protocol_names() -> None:
    messages = list(GtfsRealtimeCodec().decode(Parcel(frame("bullrunner-vehicle-positions.pb"), NOW)))
    assert len(messages) == 10
    first = messages[0]
    assert not isinstance(first, DecodeFault)
    assert first["vehicle"]["position"] == {"latitude": 28.066221, "longitude": -82.417694, "bearing": 180.0}
    assert first["vehicle"]["occupancy_status"] == "EMPTY"
    assert first["feed_time"] == 1505314375


@pytest.mark.parametrize(
    ("name", "count", "moment"),
    [
        ("20160519080020.json.gz", 650, datetime(2016, 5, 18, 20, 0, 20, tzinfo=UTC)),
        ("20160519080120.json.gz", 660, datetime(2016, 5, 18, 20, 1, 20, tzinfo=UTC)),
        ("20160519080220.json.gz", 661, datetime(2016, 5, 18, 20, 2, 20, tzinfo=UTC)),
    ],
)
def test_json_frames_of_auckland_are_read_like_binary_ones(name: str, count: int, moment: datetime) -> None:
    codec = GtfsRealtimeCodec()
    messages = list(codec.decode(Parcel(frame(name), NOW)))
    assert len(messages) == count
    assert codec.recorded_at(frame(name)) == moment
    first = messages[0]
    assert not isinstance(first, DecodeFault)
    assert isinstance(first["trip_update"]["timestamp"], int)
    assert first["trip_update"]["trip"]["schedule_relationship"] == "SCHEDULED"
    assert all(
        "delay" in (each.get("departure") or each["arrival"])
        for each in first["trip_update"]["stop_time_update"]
    )


def test_camel_case_json_means_the_same() -> None:
    body = (
        b'{"header":{"gtfsRealtimeVersion":"2.0","timestamp":"1417387583"},"entity":[{"id":"1","tripUpdate":'
        b'{"trip":{"tripId":"7"},"stopTimeUpdate":[{"stopId":"3","arrival":{"time":"1417382657","delay":-2}}]}}]}'
    )
    [message] = GtfsRealtimeCodec().decode(Parcel(body, NOW))
    assert not isinstance(message, DecodeFault)
    assert message["trip_update"]["stop_time_update"] == [
        {"stop_id": "3", "arrival": {"time": 1417382657, "delay": -2}}
    ]


@pytest.mark.parametrize("body", [b"", b"no frame", b"{}", b'{"entity":[]}', b"{" * 500])
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError, match="no GTFS-Realtime frame"):
        list(GtfsRealtimeCodec().decode(Parcel(body, NOW)))
