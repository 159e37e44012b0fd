"""Dates in the URL and body of a poll: `{date:%Y-%m-%d}` is today, `{date-1d:%Y%m%d}` is yesterday."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from rhinecloud.kernel.errors import Invalid

_PLACEHOLDER = re.compile(r"\{date(?:(?P<count>[+-][0-9]{1,5})(?P<unit>[a-z]))?:(?P<format>[^{}]+)\}")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def fill_dates(text: str, now: datetime, zone: tzinfo) -> str:
    """Return a text with its dates, in a zone. A day is a day of the calendar, also where the clocks change."""

    def date_of(found: re.Match[str]) -> str:
        count, unit = int(found["count"] or 0), found["unit"] or "d"
        if unit == "d":
            moment = now.astimezone(zone) + timedelta(days=count)
        else:
            moment = (now + timedelta(**{_UNITS[unit]: count})).astimezone(zone)
        return moment.strftime(found["format"])

    return _PLACEHOLDER.sub(date_of, text)


def check_dates(text: str, field: str) -> None:
    """Raise Invalid where a text has a placeholder of a date that is none."""
    for found in re.finditer(r"\{date[^}]*\}?", text):
        placeholder = _PLACEHOLDER.fullmatch(found[0])
        if (
            placeholder is None
            or (placeholder["unit"] or "d") not in _UNITS
            or "%" not in placeholder["format"]
        ):
            raise Invalid(
                f"must have dates such as {{date:%Y-%m-%d}}, {{date-1d:%Y%m%d}} or {{date+2h:%H}}, not {found[0]!r}",
                field=field,
            )
