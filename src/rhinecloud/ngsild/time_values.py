"""Times in values and queries: DateTime, Date and Time of clause 4.6.3, compared by time and not by letters.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.6.3 and 4.9.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time

from rhinecloud.kernel.cache import BoundedCache

Moment = datetime | date | time

_SHAPE = re.compile(
    r"(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,6})?Z)"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<time>\d\d:\d\d:\d\d(?:[.,]\d{1,6})?Z)"
)


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
