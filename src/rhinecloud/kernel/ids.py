"""Identifiers: random where the city names a new thing, derived where the same thing must get the same name."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

NewId = Callable[[str], str]
"""A function from an entity type's short name to a new entity id."""


def new_urn(kind: str) -> str:
    """Return a new `urn:ngsi-ld:<kind>:<48-bit time><80-bit random>`; the order of such ids is their order in time."""
    milliseconds = time.time_ns() // 1_000_000
    return f"urn:ngsi-ld:{kind}:{milliseconds:012x}{secrets.token_hex(10)}"


def derived_urn(kind: str, *parts: str) -> str:
    """Return the `urn:ngsi-ld:<kind>:<digest>` of `parts`, the same on every run."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    return f"urn:ngsi-ld:{kind}:{digest}"
