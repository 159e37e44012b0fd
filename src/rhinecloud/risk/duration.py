"""How long, as people write it in a rule file: `90 s`, `15 min`, `1.5 h`, `2 d`, or ISO 8601's `PT15M`."""

from __future__ import annotations

import re
from typing import Any

from rhinecloud.kernel.errors import Invalid

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

_PLAIN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*")
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def parse_duration(value: Any) -> float:
    """Read a duration into seconds, more than none; raises Invalid saying how one is written."""
    seconds = _plain(value) or _iso(value)
    if not seconds:
        raise Invalid(f"{value!r} is not a duration: write a number and s, min, h or d, such as `15 min`")
    return seconds


def _plain(value: Any) -> float:
    found = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) * SECONDS[found[2]] if found else 0.0


def _iso(value: Any) -> float:
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return 0.0
    days, hours, minutes, seconds = (float(each or 0) for each in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
