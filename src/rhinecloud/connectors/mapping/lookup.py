"""Finds values in a message by path, and fills templates with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rhinecloud.kernel.errors import Invalid

HOLE = re.compile(r"\{([^{}]+)\}")
URI_SAFE = "-._~:"


class MessageScope:
    """Where paths are looked up: named topic levels, then the item at hand, then the whole message."""

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        self._layers = layers

    def find(self, path: str) -> Any:
        """Return the value at a dotted path (`values.0.temp`), None where there is none."""
        for layer in self._layers:
            value = find(layer, path)
            if value is not None:
                return value
        return None

    def fill(self, template: str, *, as_uri: bool) -> str:
        """Put values into the holes of a template; in a URI, what it cannot hold is escaped. Raise Invalid."""

        def value_of(hole: re.Match[str]) -> str:
            value = self.find(hole[1])
            if value is None or isinstance(value, Mapping | list) or value == "":
                raise Invalid(f"the message has no {hole[1]}, which {template!r} needs")
            return quote(str(value), safe=URI_SAFE) if as_uri else str(value)

        return HOLE.sub(value_of, template)


def find(value: Any, path: str) -> Any:
    """Follow a dotted path through objects and lists."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence) and not isinstance(value, str) and name.isdecimal():
            value = value[int(name)] if len(name) < 9 and int(name) < len(value) else None
        else:
            return None
    return value
