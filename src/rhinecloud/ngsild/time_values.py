"""Times in values and queries, compared by time and not by letters: DateTime, Date and Time of clause 4.6.3.

DateTimes of other forms of ISO 8601 are read, too: with an offset from UTC, without seconds, and in queries in the
basic form. The standard has none of them, but data models keep such times in plain texts.
Source: ETSI GS CIM 009 v1.9.1, clauses 4.6.3 and 4.9; ISO 8601-1.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time

from rhinecloud.kernel.cache import BoundedCache

Moment = datetime | date | time

_ZONE = r"(?:Z|[+-]\d\d(?::?[0-5]\d)?)"
_SHAPE = re.compile(
    rf"(?P<datetime>\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?{_ZONE})"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<time>\d\d:\d\d:\d\d(?:[.,]\d{1,6})?Z)"
)
_BASIC = re.compile(rf"(\d{{4}})(\d\d)(\d\d)T(\d\d)(\d\d)((?:\d\d(?:[.,]\d+)?)?{_ZONE})")


def _parse(text: str) -> Moment | None:
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    plain = text.replace(",", ".")
    try:
        if match["datetime"]:
            return datetime.fromisoformat(plain)
        if match["date"]:
            return date.fromisoformat(plain)
        return time.fromisoformat(plain)
    except ValueError:
        return None


parse_moment = BoundedCache(_parse, 8_192, longest=64).__getitem__
"""Return a DateTime, Date or Time; None for any other text."""


def _extended(match: re.Match[str]) -> str:
    year, month, day, hour, minute, rest = match.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}{':' if rest[0].isdigit() else ''}{rest}"


def extended_form(text: str) -> str:
    """Return a DateTime of the basic form, such as `20260301T100000Z`, in the extended form; any other text as it
    is.
    """
    return _BASIC.sub(_extended, text) if _BASIC.fullmatch(text) else text
