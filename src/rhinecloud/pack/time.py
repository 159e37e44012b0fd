"""Times as NGSI-LD writes them: UTC with a `Z` (ETSI GS CIM 009 v1.9.1, clause 4.6.3), whatever a feed sent."""

from __future__ import annotations

from datetime import datetime

from rhinecloud.kernel.moments import read_moment
from rhinecloud.kernel.time import format_time


def utc(moment: datetime | str | float) -> str:
    """Return an aware time, or one as a source wrote it (see `read_moment`), as text in UTC; raise Invalid."""
    return format_time(moment if isinstance(moment, datetime) else read_moment(moment))
