"""A request's query parameters, with the header fields that their meaning depends on.

The functions that read parameters are given a `QueryParameters` and not the request. So they can depend on nothing that
is not part of its key, and what they return may be kept for all requests with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rhinecloud.broker.errors import InvalidRequest
from rhinecloud.broker.http.media import Media
from rhinecloud.ngsild.context import Context


class ParameterKey(NamedTuple):
    """All that a `QueryParameters` is made from, in a form that can be compared."""

    query_string: bytes
    context: str
    link: bytes
    media: Media
    prefer: bytes
    entity_map: bool


@dataclass(frozen=True, slots=True)
class QueryParameters:
    """Query parameters by name (decoded, each once) and what their meaning depends on.

    `context` is compiled; `source` is the same @context as the client named it, `link` the header field that names it
    in a response; `media` is the representation to respond in, `prefer` the Prefer header field; `entity_map` says
    whether the client sent the address of an entity map.
    """

    values: Mapping[str, str]
    context: Context
    media: Media
    link: bytes
    source: Any
    prefer: str
    entity_map: bool

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, False where it is absent. Raise InvalidRequest."""
        text = self.values.get(name)
        if text is None or text == "false":
            return False
        if text == "true":
            return True
        raise InvalidRequest(f"must be true or false, not {text!r}", field=name)

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the items of a comma-separated list, () where it is absent."""
        text = self.values.get(name)
        return tuple(item.strip() for item in text.split(",")) if text else ()

    def number(self, name: str, default: int) -> int:
        """Return a parameter that is a whole number, 0 or more. Raise InvalidRequest."""
        text = self.values.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 12:
            raise InvalidRequest(f"must be a whole number of 0 or more, not {text!r}", field=name)
        return int(text)
