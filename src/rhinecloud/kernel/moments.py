"""The one reader of times that come from outside: feeds, mappings and packs use it, and none reads times itself.

It reads ISO 8601 (extended and basic, dates by week or day of the year, 24:00, a comma, any number of decimals, offsets
and `Z`), the same with a blank and a zone's name behind the offset as Go prints it, `dd.mm.yyyy hh:mm`, RFC 1123 and
its relatives (RFC 5322, RFC 850, asctime), and seconds, milli-, micro- or nanoseconds since 1970 as number or digits.
Digits are read as a number first: `1711022312345` is a moment of 2024, not of the year 1711.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from rhinecloud.kernel.errors import Invalid

FIRST_MOMENT = datetime(1990, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2100, 1, 1, tzinfo=UTC)
"""No reading has a time before or after these: clocks that were never set begin in the years 1, 1970 or 1980."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S = int((FIRST_MOMENT - _EPOCH).total_seconds())
_LAST_S = int((LAST_MOMENT - _EPOCH).total_seconds())
_UNITS_A_SECOND = (1, 10**3, 10**6, 10**9)
_LONGEST = 80

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
_DATE = (
    r"(?:(?P<year>[0-9]{4})-?(?P<month>[0-9]{2})-?(?P<day>[0-9]{2})"
    r"|(?P<ordinal_year>[0-9]{4})-(?P<ordinal>[0-9]{3})"
    r"|(?P<week_year>[0-9]{4})-?[Ww](?P<week>[0-9]{2})(?:-?(?P<weekday>[1-7]))?"
    r"|(?P<german_day>[0-9]{1,2})\.(?P<german_month>[0-9]{1,2})\.(?P<german_year>[0-9]{4}))"
)
_CLOCK = (
    r"(?P<hour>[0-9]{2}|[0-9](?=:))(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2}))?)?"
    r"(?:[.,](?P<fraction>[0-9]+))?"
)
_ZONE = r"(?P<offset>[+-][0-9]{2}(?::?[0-9]{2})?)?\s*(?P<zone>[A-Za-z]{1,5})?(?:\s+m=[+-][0-9.]+)?"
_ISO = re.compile(rf"{_DATE}(?:(?:[Tt]|\s+|,\s*)\s*{_CLOCK}\s*{_ZONE})?")
_DIGITS = re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?P<clock>[0-9]{4,9})")
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(?P<day>[0-9]{1,2})[ -](?P<month_name>[A-Za-z]{3,9})[ -](?P<year>[0-9]{4}|[0-9]{2})"
    rf"\s+{_CLOCK}\s*{_ZONE}(?:\s*\([^)]*\))?"
)
_ASCTIME = re.compile(
    rf"[A-Za-z]{{3}}\s+(?P<month_name>[A-Za-z]{{3}})\s+(?P<day>[0-9]{{1,2}})\s+{_CLOCK}(?:\s+(?P<zone>[A-Za-z]{{1,5}}))?"
    r"\s+(?P<year>[0-9]{4})"
)

_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {form: number for number, name in enumerate(_MONTH_NAMES, start=1) for form in (name, name[:3])}
_ZONE_HOURS = {
    "Z": 0,
    "UT": 0,
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "WEST": 1,
    "CET": 1,
    "MEZ": 1,
    "CEST": 2,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}
"""Those of RFC 5322, section 4.3, and Europe's."""


class ZoneMissing(Invalid):
    """A time that has no zone, where none is given for it."""


def find_moment(value: Any) -> datetime | None:
    """Return what a source wrote as an aware moment in UTC, None where `read_moment` would raise."""
    try:
        return read_moment(value)
    except Invalid:
        return None


def read_moment(value: Any, *, zone: tzinfo | None = None, field: str = "") -> datetime:
    """Return what a source wrote as an aware moment in UTC; `zone` is that of texts without one.

    Raise Invalid, with `field`, for anything else: what is no time, has no zone (ZoneMissing), or lies before 1990 or
    after 2099.
    """
    try:
        if isinstance(value, datetime):
            moment = _in_utc(value, zone)
        elif isinstance(value, str):
            moment = _read_text(value.strip().replace("\N{MINUS SIGN}", "-"), zone)
        else:
            moment = _read_number(value)
    except _NoZone:
        raise ZoneMissing(f"must be a time with a zone, not {_shown(value)}", field=field) from None
    except (ValueError, ArithmeticError, TypeError, LookupError):
        raise Invalid(f"must be a time, not {_shown(value)}", field=field) from None
    return check_bounds(moment, value, field=field)


def read_formatted_moment(
    text: str, time_format: str, *, zone: tzinfo | None = None, field: str = ""
) -> datetime:
    """Return a text in a format of strptime as an aware moment in UTC, with the bounds of `read_moment`; raise Invalid.

    The end of a day may be written 24:00.
    """
    midnight = re.search(r"(?<![0-9])24(?=[:.h]?00)", text)
    plain = f"{text[: midnight.start()]}00{text[midnight.end() :]}" if midnight else text
    try:
        try:
            moment = datetime.strptime(text.strip(), time_format)  # noqa: DTZ007 - its zone comes below
        except ValueError:
            moment = datetime.strptime(plain.strip(), time_format) + timedelta(days=1)  # noqa: DTZ007
            if not midnight or moment.time() != datetime.min.time():
                raise
        return check_bounds(_in_utc(moment, zone), text, field=field)
    except _NoZone:
        raise ZoneMissing(f"must be a time with a zone, not {_shown(text)}", field=field) from None
    except (ValueError, OverflowError):
        raise Invalid(f"must be a time as {time_format}, not {_shown(text)}", field=field) from None


def shift_moment(value: Any, shift: timedelta) -> Any:
    """Return a written time moved by `shift`: a number in its own unit, a text as ISO 8601, without a zone where it has
    none; anything that is no time unchanged."""
    try:
        moment = read_moment(value, zone=UTC)
        if isinstance(value, int | float) or (_NUMBER.fullmatch(value.strip()) and find_moment(value)):
            return _shifted_number(value, shift)
        shifted = moment + shift
        return (shifted if find_moment(value) else shifted.replace(tzinfo=None)).isoformat()
    except (Invalid, OverflowError, AttributeError):
        return value


def _shifted_number(value: Any, shift: timedelta) -> Any:
    number = Decimal(str(value).strip())
    units = next(each for each in _UNITS_A_SECOND if _FIRST_S * each <= number < _LAST_S * each)
    moved = number + round(shift / timedelta(microseconds=1)) * Decimal(units) / 1_000_000
    if isinstance(value, float):
        return float(moved)
    whole = round(moved)
    return str(whole) if isinstance(value, str) else whole


def check_bounds(moment: datetime, written: Any, *, field: str = "") -> datetime:
    """Return a moment that can be one of a reading; raise Invalid for others."""
    if not FIRST_MOMENT <= moment < LAST_MOMENT:
        raise Invalid(
            f"must be a time from {FIRST_MOMENT.year} to {LAST_MOMENT.year - 1}, not {_shown(written)}",
            field=field,
        )
    return moment


class _NoZone(Exception):
    """A time without a zone; it is only raised within this module."""


def _shown(value: Any) -> str:
    text = repr(str(value) if isinstance(value, datetime) else value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _read_number(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return _since_1970(Decimal(repr(value) if isinstance(value, float) else value))


def _since_1970(number: Decimal) -> datetime:
    """Return the moment of seconds, milli-, micro- or nanoseconds: the unit in which it is a time from 1990 to 2099.

    Raise ValueError where none is, but for seconds, of which the bounds are told.
    """
    for units in _UNITS_A_SECOND:
        if _FIRST_S * units <= number < _LAST_S * units:
            return _EPOCH + timedelta(microseconds=int(number * 1_000_000 // units))
    return _EPOCH + timedelta(microseconds=int(number * 1_000_000))


def _read_text(text: str, zone: tzinfo | None) -> datetime:
    if _NUMBER.fullmatch(text):
        return _read_digits(text, zone)
    found = _ISO.fullmatch(text) or _NAMED.fullmatch(text) or _ASCTIME.fullmatch(text)
    if found is None:
        raise ValueError
    return _assembled(found.groupdict(), zone)


def _read_digits(text: str, zone: tzinfo | None) -> datetime:
    """Return the moment of a number, else of a compact date with or without a clock (`20240321`, `20240321121314`)."""
    number = Decimal(text)
    if any(_FIRST_S * units <= number < _LAST_S * units for units in _UNITS_A_SECOND):
        return _since_1970(number)
    whole, _, fraction = text.partition(".")
    if len(whole) == 8 and not fraction and (found := _ISO.fullmatch(whole)):
        return _assembled(found.groupdict(), zone)
    compact = _DIGITS.fullmatch(whole)
    if compact is None:
        return _since_1970(number)
    clock, decimals = compact["clock"][:6], compact["clock"][6:] + fraction
    named = re.fullmatch(_CLOCK, f"{clock}.{decimals}" if decimals else clock)
    return _assembled({**compact.groupdict(), **(named.groupdict() if named else {})}, zone)


def _assembled(parts: dict[str, str | None], zone: tzinfo | None) -> datetime:
    day = _date_of(parts)
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - its zone comes below
    offset = _offset_of(parts)
    return _in_utc((midnight + _clock_of(parts)).replace(tzinfo=offset), zone)


def _date_of(parts: dict[str, str | None]) -> date:
    if parts.get("week_year"):
        return date.fromisocalendar(
            int(parts["week_year"] or 0), int(parts["week"] or 0), int(parts["weekday"] or 1)
        )
    if parts.get("ordinal_year"):
        first = date(int(parts["ordinal_year"] or 0), 1, 1)
        day = first + timedelta(days=int(parts["ordinal"] or 0) - 1)
        if day.year != first.year:
            raise ValueError
        return day
    year = parts.get("year") or parts.get("german_year") or ""
    month = parts.get("month") or parts.get("german_month")
    number = int(month) if month else _MONTHS[(parts.get("month_name") or "").lower()]
    whole_year = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)
    return date(whole_year, number, int(parts.get("day") or parts.get("german_day") or 0))


def _clock_of(parts: dict[str, str | None]) -> timedelta:
    """Return the time since midnight; 24:00 is the end of the day, second 60 a leap second, a fraction that of the last
    part that is written."""
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    last_s = next(
        (span for name, span in (("second", 1), ("minute", 60), ("hour", 3600)) if parts.get(name)), 1
    )
    fraction = Decimal(f"0.{parts.get('fraction') or 0}") * last_s
    clock = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int(fraction * 1_000_000))
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and clock != timedelta(days=1)):
        raise ValueError
    return clock


def _offset_of(parts: dict[str, str | None]) -> tzinfo | None:
    """Return the zone that is written, None where there is none; an offset outweighs the name behind it."""
    offset, name = parts.get("offset"), (parts.get("zone") or "").upper()
    if offset:
        digits = offset[1:].replace(":", "")
        span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
        return timezone(-span if offset[0] == "-" else span)
    if not name:
        return None
    if name not in _ZONE_HOURS:
        raise ValueError
    return timezone(timedelta(hours=_ZONE_HOURS[name]))


def _in_utc(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is None and zone is None:
        raise _NoZone
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
