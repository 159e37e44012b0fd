"""Moments as NGSI-LD writes them: UTC with a `Z` (ETSI GS CIM 009 v1.9.1, clause 4.6.3), whatever a feed sent."""

from __future__ import annotations

from datetime import datetime

from rhinecloud.kernel.time import format_time, parse_time


def utc(moment: datetime | str) -> str:
    """Print an aware moment, or ISO 8601 text with a zone, in UTC; raises Invalid for a text that is none."""
    return format_time(parse_time(moment) if isinstance(moment, str) else moment)
