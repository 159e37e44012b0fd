"""Moments: aware and in UTC, whatever they were written in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import format_time, parse_time


def test_a_moment_of_any_zone_is_read_into_utc() -> None:
    moment = parse_time("2026-10-25T02:30:00+02:00")
    assert moment == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert format_time(moment) == "2026-10-25T00:30:00Z"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_that_utc_has_no_year_for_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="outside of the years 1 to 9999") as refusal:
        parse_time(text, field="since")
    assert refusal.value.field == "since"
