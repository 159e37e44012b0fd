"""Reads what browsers send over the live feed."""

from __future__ import annotations

from typing import Any

import orjson

from rhinecloud.kernel.errors import Invalid
from rhinecloud.live.client import LiveFilter
from rhinecloud.ngsild.box import Box
from rhinecloud.ngsild.context import Context

LARGEST_MESSAGE = 64 * 1024


def read_subscribe(text: str, context: Context) -> tuple[LiveFilter, int | None]:
    """Return the filter and the cursor of a `subscribe` message. Raise Invalid."""
    if len(text) > LARGEST_MESSAGE:
        raise Invalid(f"the message must have at most {LARGEST_MESSAGE} characters")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Invalid("the message must be JSON") from None
    if not isinstance(message, dict) or message.get("type") != "subscribe":
        raise Invalid('must be "subscribe"', field="type")
    after = message.get("after")
    if after is not None and (not isinstance(after, int) or isinstance(after, bool)):
        raise Invalid("must be a number", field="after")
    wanted = LiveFilter(
        types=_read_types(message, "types", context),
        box=_read_box(message.get("bbox")),
        everywhere=_read_types(message, "everywhere", context),
        ids=frozenset(_read_strings(message, "ids")),
    )
    return wanted, after


def _read_types(message: dict[str, Any], member: str, context: Context) -> frozenset[str]:
    return frozenset(context.expand(each) for each in _read_strings(message, member))


def _read_strings(message: dict[str, Any], member: str) -> list[str]:
    found = message.get(member) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Invalid("must be a list of strings", field=member)
    return found


def _read_box(box: Any) -> Box | None:
    if box is None:
        return None
    numbers = isinstance(box, list) and len(box) == 4 and all(type(each) in (int, float) for each in box)
    if not numbers or box[1] > box[3]:
        raise Invalid("must be [west, south, east, north] in degrees", field="bbox")
    return (box[0], box[1], box[2], box[3])
