"""CSV: the header is found, a row that cannot be read costs itself alone, and what is left out is told."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.city import FIXTURES
from rhinecloud.connectors.csv.codec import (
    COMMENT,
    EMPTY_ROW,
    HEADER_AGAIN,
    NOT_UTF8,
    REPLACED,
    TITLE,
    UNNAMED,
    CsvCodec,
    CsvFormat,
)
from rhinecloud.pack.codec import DecodeError, DecodeFault, Ignored, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GAUGE = FIXTURES.parents[2] / "examples" / "duisburg" / "feeds" / "water" / "koeln-2022-08.csv"
NAMES = frozenset({"station", "no2", "time"})


def decode(codec: CsvCodec, body: bytes | str, origin: str = "") -> list[Any]:
    data = body.encode() if isinstance(body, str) else body
    return list(codec.decode(Parcel(data, NOW, origin)))


def table(body: bytes | str, **written: Any) -> list[Any]:
    """Decode a whole table."""
    return decode(CsvCodec(CsvFormat(whole=True, **written)), body)


def rows(items: list[Any]) -> list[dict[str, str]]:
    return [item for item in items if isinstance(item, dict)]


def faults(items: list[Any]) -> list[str]:
    return [item.reason for item in items if isinstance(item, DecodeFault)]


def ignored(items: list[Any]) -> list[tuple[str, str]]:
    return [(item.reason, item.sample) for item in items if isinstance(item, Ignored)]


def test_the_low_water_of_august_2022_has_400_readings_from_73_to_161_cm() -> None:
    levels = [int(row["w_cm"]) for row in decode(CsvCodec(), GAUGE.read_bytes())]
    assert (len(levels), min(levels), max(levels)) == (400, 73, 161)


def test_a_row_names_its_moment_once_the_header_is_known() -> None:
    codec = CsvCodec()
    lines = GAUGE.read_bytes().splitlines()
    assert codec.recorded_at(lines[0]) is None
    assert codec.recorded_at(lines[1]) == datetime(2022, 8, 8, 20, 17, tzinfo=UTC)


# The header


@pytest.mark.parametrize("names", [NAMES, frozenset()])
@pytest.mark.parametrize(
    "titles",
    [
        "Umweltbundesamt: Luftdaten\n\n",
        "Luftdaten; Stand 30.11.2026\nQuelle, Ort, Land\n\n",
        '"Export; of\nMarch"\n\n',
        "\n\n",
        "",
    ],
)
def test_a_header_is_found_after_lines_of_a_title(titles: str, names: frozenset[str]) -> None:
    body = f"{titles}station;lat;no2;time\nA;51,45;31;12:00\nB;51,46;33;12:00\n"
    items = table(body, names=names)
    assert [(row["station"], row["lat"], row["no2"]) for row in rows(items)] == [
        ("A", "51,45", "31"),
        ("B", "51,46", "33"),
    ]
    assert ignored(items) == [(TITLE, line) for line in titles.splitlines() if line]


def test_a_header_comes_after_the_lines_that_are_skipped() -> None:
    body = "a;b\n\n1;2\nstation;no2\nA;31\n"
    [row] = table(body, skip_lines=3)
    assert row == {"station": "A", "no2": "31"}


def test_a_table_without_the_columns_of_the_mapping_is_refused_with_them() -> None:
    with pytest.raises(DecodeError, match=r"column that the mapping reads \(no2, station, time\).*'A;31'"):
        table("A;31\nB;33\n", names=NAMES)


@pytest.mark.parametrize("whole", [True, False])
def test_a_column_that_stands_twice_refuses_every_row(whole: bool) -> None:
    codec = CsvCodec(CsvFormat(whole=whole))
    body = b"station;no2;no2\nA;31;32\nB;33;34\n"
    parcels = [body] if whole else body.splitlines(keepends=True)
    for parcel in parcels:
        with pytest.raises(DecodeError, match="each column once, not 'no2' twice"):
            decode(codec, parcel)


def test_a_row_of_data_is_never_taken_as_the_header() -> None:
    with pytest.raises(DecodeError, match=r"must have names of columns, not A, 51\.45, 6\.75, 31"):
        table("A;51.45;6.75;31\nB;51.46;6.76;33\n")
    items = decode(CsvCodec(), "51.45;6.75;31\n51.46;6.76;33\n")
    assert [reason for reason, _ in ignored(items)] == [TITLE, TITLE]


def test_a_header_may_come_in_a_parcel_of_its_own_and_again() -> None:
    codec = CsvCodec()
    assert decode(codec, b"a,b\n") == []
    assert decode(codec, b"1,2\n") == [{"a": "1", "b": "2"}]
    assert decode(codec, b"a,b\n3,4\n") == [Ignored(HEADER_AGAIN, "a,b"), {"a": "3", "b": "4"}]


def test_the_header_of_the_next_file_puts_the_columns_in_another_order() -> None:
    codec = CsvCodec()
    assert decode(codec, b"station,no2\nA,31\n") == [{"station": "A", "no2": "31"}]
    assert rows(decode(codec, b"no2,station\n33,B\n")) == [{"station": "B", "no2": "33"}]


def test_a_table_that_is_whole_has_a_header_of_its_own() -> None:
    codec = CsvCodec(CsvFormat(whole=True))
    assert decode(codec, b"a,b\n1,2\n") == [{"a": "1", "b": "2"}]
    assert decode(codec, b"b,c\n1,2\n") == [{"b": "1", "c": "2"}]


@pytest.mark.parametrize(
    "body", ["station;no2;\nA;31;\n", "station;no2\nA;31;\nB;32;\n", "station;no2;\nA;31\n"]
)
def test_a_delimiter_at_the_end_of_a_row_is_no_value(body: str) -> None:
    assert table(body)[0] == {"station": "A", "no2": "31"}


def test_a_column_without_a_name_is_left_out_and_told_once() -> None:
    items = table(",station,no2\n0,A,31\n1,B,33\n")
    assert rows(items) == [{"station": "A", "no2": "31"}, {"station": "B", "no2": "33"}]
    assert ignored(items) == [(UNNAMED, "0,A,31")]


# Rows


def test_a_row_that_begins_with_a_number_sign_is_a_row() -> None:
    assert [row["station"] for row in table("station;no2\n#1;31\nB;33\n")] == ["#1", "B"]


def test_a_comment_is_what_the_setting_says() -> None:
    items = table("# made by hand\nstation;no2\n#1;31\nB;33\n", comment="#")
    assert rows(items) == [{"station": "B", "no2": "33"}]
    assert ignored(items) == [(COMMENT, "# made by hand"), (COMMENT, "#1;31")]


def test_words_for_no_data_cost_their_value_alone() -> None:
    body = "station;no2;pm10;o3\nA;-;-999;n/a\nB;-999.0;12;-99\n"
    assert table(body, no_data=("-", "-999", "n/a")) == [
        {"station": "A"},
        {"station": "B", "pm10": "12", "o3": "-99"},
    ]


def test_rows_that_do_not_fit_are_faults_that_can_be_read_on_their_own() -> None:
    written = CsvFormat(whole=True, skip_lines=1)
    good, fault = decode(CsvCodec(written), b"title\r\na;b\r\n1;2\r\n3\r\n")
    assert good == {"a": "1", "b": "2"}
    assert fault == DecodeFault(b"title\na;b\n3", "the row must have 2 values, one for each column, not 1")
    [again] = decode(CsvCodec(written), fault.raw)
    assert again == fault


@pytest.mark.parametrize(
    "broken", ['B;"Ruhrort;33', 'B;"Ruhr"ort;33', 'B;Ruhrort;"33', '"B;Ruhrort;33', 'B;"Ruhrort;"33']
)
def test_a_broken_quote_costs_its_own_row(broken: str) -> None:
    items = table(f'station;name;no2\nA;Walsum;31\n{broken}\nC;"Hamborn; Nord";35\n{broken}\nD;Beeck;36\n')
    assert [row["station"] for row in rows(items)] == ["A", "C", "D"]
    assert [fault.raw for fault in items if isinstance(fault, DecodeFault)] == [
        f"station;name;no2\n{broken}".encode()
    ] * 2
    assert all("quotes in pairs" in reason for reason in faults(items))


def test_a_value_in_quotes_may_hold_line_breaks_in_a_whole_table() -> None:
    items = table('station;text;no2\nA;"first\nsecond;third\n";31\nB;x;33\n')
    assert rows(items) == [
        {"station": "A", "text": "first\nsecond;third", "no2": "31"},
        {"station": "B", "text": "x", "no2": "33"},
    ]


def test_an_empty_value_at_an_end_of_a_row_with_tabs_is_one() -> None:
    assert decode(CsvCodec(), b"a\tb\tc\n1\t2\t\n\t2\t3\n\t\t\n;;\n")[:2] == [
        {"a": "1", "b": "2", "c": ""},
        {"a": "", "b": "2", "c": "3"},
    ]


def test_a_row_of_empty_values_is_ignored() -> None:
    assert table("a;b\n1;2\n;\n") == [{"a": "1", "b": "2"}, Ignored(EMPTY_ROW, ";")]


def test_rows_carry_their_topic() -> None:
    assert decode(CsvCodec(), "a;b\n1;2\n", "air/7") == [{"topic": "air/7", "a": "1", "b": "2"}]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_is_found_by_its_mark(encoding: str) -> None:
    assert table("station;no2\nStraße;31\n".encode(encoding)) == [{"station": "Straße", "no2": "31"}]


def test_a_line_that_is_not_utf_8_is_read_as_windows_1252_and_told() -> None:
    body = "station;no2\nKöln;31\n".encode() + "Düsseldorf;32 €\n".encode("cp1252")
    items = table(body)
    assert [row["station"] for row in rows(items)] == ["Köln", "Düsseldorf"]
    assert ignored(items) == [(NOT_UTF8, "Düsseldorf;32 €")]


def test_an_encoding_may_be_set() -> None:
    assert table("station;no2\nStraße;31\n".encode("cp850"), encoding="cp850") == [
        {"station": "Straße", "no2": "31"}
    ]


def test_bytes_that_no_encoding_has_cost_their_own_row() -> None:
    items = table(b"station;no2\nA;31\n\x81\x8d;32\nB;33\n")
    assert [row["station"] for row in rows(items)] == ["A", "B"]
    assert faults(items) == ["must be in UTF-8 or Windows-1252; `encoding` sets another one"]


def test_a_character_that_was_lost_before_is_never_taken() -> None:
    items = table("station;name;no2\nA;D\ufffdsseldorf;31\n")
    assert rows(items) == [{"station": "A", "no2": "31"}]
    assert ignored(items) == [(REPLACED, "name: D\ufffdsseldorf")]


_VALUE = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\ufffd\x00"), min_size=1, max_size=12
).map(lambda text: f"v{text}w")


@example([["v \nw", "v\n\n w", "v\n w"]], ",")
@given(st.lists(st.lists(_VALUE, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_what_a_writer_of_csv_writes_is_read(written: list[list[str]], delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(written)
    body = f"station{delimiter}name{delimiter}text\n{file.getvalue()}"
    items = table(body, delimiter=delimiter, names=frozenset({"station"}))
    assert rows(items) == [dict(zip(("station", "name", "text"), row, strict=True)) for row in written]


@given(st.binary(max_size=200))
def test_no_bytes_make_the_codec_fail(body: bytes) -> None:
    for codec in (CsvCodec(), CsvCodec(CsvFormat(whole=True, names=NAMES))):
        try:
            items = decode(codec, b"station;no2;time\n" + body)
        except DecodeError:
            continue
        assert all(isinstance(item, dict | DecodeFault | Ignored) for item in items)
