"""The reader of times: all forms of one moment are that moment, and what is none is refused with the reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.moments import (
    FIRST_MOMENT,
    LAST_MOMENT,
    ZoneMissing,
    read_formatted_moment,
    read_moment,
    shift_moment,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 3, 21, 12, 13, 14, tzinfo=UTC)
MOMENTS = st.datetimes(
    FIRST_MOMENT.replace(tzinfo=None) + timedelta(days=2),
    LAST_MOMENT.replace(tzinfo=None) - timedelta(days=2),
    timezones=st.just(UTC),
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-21T12:13:14Z",
        "2024-03-21t12:13:14z",
        "2024-03-21 12:13:14+00:00",
        "20240321T121314Z",
        "20240321T131314+0100",
        "2024-03-21T13:13:14+01",
        "2024-03-21T07:13:14−05:00",
        "2024-W12-4T12:13:14Z",
        "2024W124T121314Z",
        "2024-081T12:13:14Z",
        "2024-03-21T12:13:14,000Z",
        "2024-03-21T12:13:14.000000000000Z",
        "2024-03-21 12:13:14 +0000 UTC",
        "2024-03-21 13:13:14.000000000 +0100 CET m=+0.012",
        "2024-03-21 13:13:14 CET",
        "Thu, 21 Mar 2024 12:13:14 GMT",
        "21 Mar 2024 12:13:14 +0000",
        "Thursday, 21-Mar-24 12:13:14 GMT",
        "Thu Mar 21 13:13:14 CET 2024",
        " 1711023194 ",
        "1711023194.0",
        1711023194,
        1711023194.0,
        1711023194000,
        1711023194000000,
        1711023194000000000,
        "1711023194000",
        "1711023194000000",
        "1711023194000000000",
        "1.711023194E9",
    ],
)
def test_a_moment_is_the_same_in_all_forms(written: Any) -> None:
    assert read_moment(written) == NOON


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-21T13:13:14",
        "21.03.2024 13:13:14",
        "20240321131314",
        "20240321 131314",
        "Thu Mar 21 13:13:14 2024",
    ],
)
def test_a_time_without_a_zone_is_read_in_the_zone_that_is_given_and_refused_without(written: str) -> None:
    assert read_moment(written, zone=BERLIN) == NOON
    with pytest.raises(ZoneMissing, match="at: must be a time with a zone, not '"):
        read_moment(written, field="at")


@pytest.mark.parametrize(
    "written", ["2024-03-21T24:00Z", "2024-03-21 24:00:00Z", "20240321T2400Z", "2024-03-22T00Z"]
)
def test_the_end_of_a_day_is_the_next_one(written: str) -> None:
    assert read_moment(written) == datetime(2024, 3, 22, tzinfo=UTC)


def test_a_leap_second_and_fractions_of_minutes_and_hours_are_read() -> None:
    assert read_moment("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
    assert (
        read_moment("2024-03-21T12.5Z")
        == read_moment("2024-03-21T12:30,0Z")
        == NOON.replace(minute=30, second=0)
    )


@pytest.mark.parametrize(
    "written",
    [
        *("noon", "", "now", "-", "1_5", "1_711_023_194", "2024", "2024-3-21", "2024-03-21X12:00Z", "24:00"),
        *(
            "2024-02-30T00:00Z",
            "2024-03-21T24:01Z",
            "2024-03-21T12:61Z",
            "2024-03-21T12:00+25:00",
            "2023-366T00Z",
        ),
        *(
            "2024-03-21T12:00:00 XYZ",
            "٢٠٢٤-٠٣-٢١T12:00Z",
            "nan",
            "1e99",
            "20240321T121Z",
            "x" * 10_000,
            "9" * 5_000,
        ),
        *(
            True,
            None,
            float("nan"),
            float("inf"),
            10**400,
            [],
            {},
            "21 Foo 2024 12:00 GMT",
            "21 Marble 2024 12:00 GMT",
        ),
    ],
)
def test_what_is_no_time_is_refused(written: Any) -> None:
    with pytest.raises(Invalid, match=r"^at: must be a time") as error:
        read_moment(written, zone=BERLIN, field="at")
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "written",
    [
        "0001-06-01T00:00:00Z",
        "4161-12-31T00:00:00Z",
        "1970-01-01T00:00:00Z",
        4294967295,
        0,
        "0",
        -5,
        86400,
        "1980-01-06T00Z",
    ],
)
def test_what_no_reading_can_be_is_refused_with_the_bounds(written: Any) -> None:
    with pytest.raises(Invalid, match="must be a time from 1990 to 2099, not "):
        read_moment(written)


@given(MOMENTS, OFFSETS)
def test_iso_8601_comes_back(moment: datetime, offset: timezone) -> None:
    local = moment.astimezone(offset)
    assert read_moment(local.isoformat()) == moment
    assert read_moment(local.isoformat(" ").replace(".", ",")) == moment
    assert read_moment(local.strftime("%Y%m%dT%H%M%S.%f%z")) == moment
    year, week, day = local.isocalendar()
    assert read_moment(f"{year}-W{week:02}-{day}T{local:%H:%M:%S.%f%z}") == moment
    assert read_moment(f"{local:%Y-%jT%H:%M:%S.%f%z}") == moment


@given(MOMENTS)
def test_go_and_email_forms_come_back(moment: datetime) -> None:
    assert read_moment(f"{moment:%Y-%m-%d %H:%M:%S.%f}789 +0000 UTC") == moment
    assert read_moment(format_datetime(moment, usegmt=True)) == moment.replace(microsecond=0)
    assert read_moment(format_datetime(moment.astimezone(BERLIN))) == moment.replace(microsecond=0)


@given(MOMENTS)
def test_digits_are_read_in_their_unit_as_number_and_as_text(moment: datetime) -> None:
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for number, unit in ((micros // 10**6, 10**6), (micros // 1000, 1000), (micros, 1), (micros * 1000, 0)):
        expected = moment if not unit else moment - timedelta(microseconds=micros % unit)
        assert read_moment(number) == read_moment(str(number)) == expected


@given(st.one_of(st.text(), st.from_regex(r"[0-9TZW:., +-]{1,40}"), st.floats(), st.integers(), st.none()))
def test_anything_is_a_moment_within_the_bounds_or_refused(written: Any) -> None:
    try:
        moment = read_moment(written, zone=UTC)
    except Invalid:
        return
    assert FIRST_MOMENT <= moment < LAST_MOMENT
    assert moment.tzinfo is UTC


def test_a_format_reads_times_with_its_zone_and_the_end_of_a_day() -> None:
    assert read_formatted_moment("21.03.24 13-13-14", "%d.%m.%y %H-%M-%S", zone=BERLIN) == NOON
    assert read_formatted_moment("20.03.2024 24:00", "%d.%m.%Y %H:%M", zone=UTC) == datetime(
        2024, 3, 21, tzinfo=UTC
    )
    with pytest.raises(Invalid, match=r"at: must be a time as %d\.%m\.%Y, not '21/03/2024'"):
        read_formatted_moment("21/03/2024", "%d.%m.%Y", zone=UTC, field="at")
    with pytest.raises(ZoneMissing):
        read_formatted_moment("21.03.2024", "%d.%m.%Y")
    with pytest.raises(Invalid, match="from 1990 to 2099"):
        read_formatted_moment("21.03.1924", "%d.%m.%Y", zone=UTC)


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        (1711023194, 1711023204),
        (1711023194000, 1711023204000),
        ("1711023194000", "1711023204000"),
        (1711023194.5, 1711023204.5),
        ("2024-03-21T12:13:14Z", "2024-03-21T12:13:24+00:00"),
        ("2024-03-21T12:13:14", "2024-03-21T12:13:24"),
        *((each, each) for each in ("noon", 5, None, [1])),
    ],
)
def test_a_written_time_is_moved_in_its_own_form(written: Any, moved: Any) -> None:
    assert shift_moment(written, timedelta(seconds=10)) == moved
