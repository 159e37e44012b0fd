"""Places as feeds tell them."""

from __future__ import annotations

from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.numbers import read_number


def point(longitude: Any, latitude: Any) -> dict[str, Any]:
    """Return a GeoJSON point of two numbers, or of texts with numbers.

    What is no number stays as it is: the feed refuses the place alone, with the reason, and keeps the rest of the
    entity. It checks that a place is on Earth, too.
    """
    return {"type": "Point", "coordinates": [_number(longitude), _number(latitude)]}


def _number(value: Any) -> Any:
    try:
        return read_number(value) if isinstance(value, str) else value
    except Invalid:
        return value
