"""What a setting may be: each check holds or not, and says in words what it asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class SettingCheck:
    """`words` complete the sentence "must be …"; `holds` tells whether a value that has the right type is so."""

    words: str
    holds: Callable[[Any], bool]


def between(least: float, most: float) -> SettingCheck:
    """Ask for a number within bounds, both included."""
    return SettingCheck(f"{least:,} to {most:,}", lambda value: least <= value <= most)


def at_least(least: float) -> SettingCheck:
    """Ask for a finite number from a bound on."""
    return SettingCheck(f"{least:,} or more", lambda value: least <= value and math.isfinite(value))


def more_than(bound: float) -> SettingCheck:
    """Ask for a finite number above a bound."""
    return SettingCheck(f"more than {bound:,}", lambda value: value > bound and math.isfinite(value))


def one_of(*known: str) -> SettingCheck:
    """Ask for one of some words."""
    return SettingCheck(f"one of {', '.join(known)}", lambda value: value in known)


def address(*schemes: str) -> SettingCheck:
    """Ask for a URL with one of some schemes and a host, or for nothing."""
    ways = " or ".join(f"{scheme}://" for scheme in schemes)
    return SettingCheck(
        f"an address that begins with {ways}", lambda value: not value or is_address(value, schemes)
    )


def is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Tell whether a text is a URL of one of the schemes that names a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_host_and_port(text: str) -> bool:
    return is_address(f"//{text}", ("",)) and text.rpartition(":")[2].isdecimal() and ":" in text


HOST_AND_PORT = SettingCheck("a host and a port, such as 127.0.0.1:10110", _is_host_and_port)
PORT = SettingCheck("a port, 0 to 65,535", lambda value: 0 <= value <= 65_535)
NOT_NEGATIVE = at_least(0)
ANYTHING = SettingCheck("anything", lambda value: True)
