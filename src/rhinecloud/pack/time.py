"""Times as NGSI-LD writes them: UTC with a `Z` (ETSI GS CIM 009 v1.9.1, clause 4.6.3), whatever a feed sent."""

from __future__ import annotations

from datetime import datetime

from rhinecloud.kernel.time import format_time, parse_time


def utc(moment: datetime | str) -> str:
    """Return an aware time, or ISO 8601 text with a zone, as text in UTC; raise Invalid for text that is not one."""
    return format_time(parse_time(moment) if isinstance(moment, str) else moment)
