"""Aware UTC time: parsing and printing, and the clock that is passed in wherever time matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from rhinecloud.kernel.errors import Invalid

Clock = Callable[[], datetime]
"""A function without arguments that returns the present moment as an aware UTC datetime."""


def utc_now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC with `Z`, microseconds only where there are any."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat().removesuffix('+00:00')}Z"


def parse_time(text: str, *, field: str = "", zone: tzinfo | None = None) -> datetime:
    """Return an ISO 8601 text as an aware moment in UTC; `zone` is used where the text has none.

    Raise Invalid, with `field`, for any other text.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise Invalid(f"{text!r} is not an ISO 8601 date and time", field=field) from None
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    if moment.tzinfo is None:
        raise Invalid(f"{text!r} has no time zone", field=field)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{text!r} lies outside of the years 1 to 9999 in UTC", field=field) from None
