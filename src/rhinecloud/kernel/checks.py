"""What a value of a setting or of a file may be: each check holds or not, and has words for what it asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class SettingCheck:
    """`words` complete the sentence "must be …"; `holds` returns whether a value of the right type is valid.

    It also marks a field of a model of files, `Annotated[int, PORT]`; `schema` is its JSON Schema for editors.
    """

    words: str
    holds: Callable[[Any], bool]
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the type's schema, with the check behind it."""
        return core_schema.no_info_after_validator_function(self._pass, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the type's schema for editors, with what the check asks for."""
        return {**handler(schema), **self.schema}

    def _pass(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(f"must be {self.words}, not {value!r}")
        return value


def between(least: float, most: float) -> SettingCheck:
    """Return a check for a number within bounds, both included."""
    schema = {"minimum": least, "maximum": most}
    return SettingCheck(f"{least:,} to {most:,}", lambda value: least <= value <= most, schema)


def at_least(least: float) -> SettingCheck:
    """Return a check for a finite number that is not below a bound."""
    return SettingCheck(
        f"{least:,} or more", lambda value: least <= value and math.isfinite(value), {"minimum": least}
    )


def more_than(bound: float) -> SettingCheck:
    """Return a check for a finite number above a bound."""
    schema = {"exclusiveMinimum": bound}
    return SettingCheck(f"more than {bound:,}", lambda value: value > bound and math.isfinite(value), schema)


def one_of(*known: str) -> SettingCheck:
    """Return a check for one of several words."""
    return SettingCheck(f"one of {', '.join(known)}", lambda value: value in known, {"enum": list(known)})


def matching(words: str, pattern: str) -> SettingCheck:
    """Return a check for a text that matches a whole pattern; `words` describe the pattern to people."""
    whole = re.compile(pattern)
    return SettingCheck(
        words, lambda text: whole.fullmatch(text) is not None, {"pattern": f"^(?:{pattern})$"}
    )


def address(*schemes: str) -> SettingCheck:
    """Return a check for a URL with one of the schemes and a host, or for an empty text."""
    beginnings = " or ".join(f"{scheme}://" for scheme in schemes)
    return SettingCheck(
        f"an address that begins with {beginnings}", lambda value: not value or is_address(value, schemes)
    )


def is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Return whether a text is a URL of one of the schemes that names a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_host_and_port(text: str) -> bool:
    return is_address(f"//{text}", ("",)) and text.rpartition(":")[2].isdecimal() and ":" in text


HOST_AND_PORT = SettingCheck("a host and a port, such as 127.0.0.1:10110", _is_host_and_port)
PORT = SettingCheck(
    "a port, 0 to 65,535", lambda value: 0 <= value <= 65_535, {"minimum": 0, "maximum": 65_535}
)
NOT_NEGATIVE = at_least(0)
ANYTHING = SettingCheck("anything", lambda value: True)
