"""Retained MQTT messages: the last one of a topic, which a server sends at each subscription, however old it is.

Where such a message names no time of its own, nobody knows when it was measured: it never gets the moment of receipt.
What it says is written without an `observedAt`, and only where the city holds another value or none, so that a known
time stays and a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from rhinecloud.kernel.time import format_time
from rhinecloud.pack.codec import Message
from rhinecloud.pack.mapping import EntityFragment

RETAINED = "retained"
"""The member of a message that was retained, for the conditions of mappings."""
_IDENTITY = frozenset({"id", "type", "simulated"})

FindValues = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Returns the values that an entity has in the city by its attributes' names; none where there is no entity."""


def is_retained(message: Message) -> bool:
    """Return whether a message is marked as a retained one."""
    return message.get(RETAINED) is True


def without_receipt(fragment: EntityFragment, received: datetime) -> EntityFragment:
    """Return a fragment in which no attribute has the moment of receipt as its `observedAt`."""
    now = format_time(received)
    return {name: _undated(value, now) for name, value in fragment.items()}


async def keep_news(fragment: EntityFragment, find_values: FindValues) -> EntityFragment | None:
    """Return a fragment without those undated attributes whose values the city holds; None where none is left."""
    held = await find_values(str(fragment.get("id")))
    kept = {
        name: value
        for name, value in fragment.items()
        if name in _IDENTITY or _is_dated(value) or name not in held or not _is_same(value, held[name])
    }
    return kept if kept.keys() - _IDENTITY else None


def _undated(value: Any, now: str) -> Any:
    if isinstance(value, list):
        return [_undated(each, now) for each in value]
    if isinstance(value, dict) and value.get("observedAt") == now:
        return {name: each for name, each in value.items() if name != "observedAt"}
    return value


def _is_dated(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and "observedAt" in value)


def _is_same(written: Any, held: Any) -> bool:
    """Compare as JSON: true is not 1."""
    if isinstance(written, dict):
        written = next(
            (written[name] for name in ("value", "object", "languageMap") if name in written), written
        )
    return orjson.dumps(written, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        held, option=orjson.OPT_SORT_KEYS
    )
