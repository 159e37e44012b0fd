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
    """The layers in which paths are looked up: named topic levels, then the item, then the whole message."""

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
        """Return a template with its values filled in, escaped for a URI with `as_uri`. Raise Invalid."""

        def value_of(hole: re.Match[str]) -> str:
            value = self.find(hole[1])
            if value is None or isinstance(value, Mapping | list) or value == "":
                raise Invalid(f"the message must have {hole[1]}, for {template!r}")
            return quote(str(value), safe=URI_SAFE) if as_uri else str(value)

        return HOLE.sub(value_of, template)


def find(value: Any, path: str) -> Any:
    """Return the value at a dotted path through objects and lists, None where there is none."""
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
