"""The one reader of numbers in texts that come from outside; Python's own also takes `1_5`, `nan` and other digits."""

from __future__ import annotations

import math
import re
from typing import Any

from rhinecloud.kernel.errors import Invalid

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def read_number(value: Any, *, field: str = "") -> float:
    """Return a number, or the finite decimal number in a text, whole ones as int; raise Invalid, with `field`."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(text := value.strip()) and math.isfinite(number := float(text)):
            return int(text) if text.lstrip("+-").isdecimal() else _whole(number)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise Invalid(f"must be a number, not {value!r}", field=field)


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number
