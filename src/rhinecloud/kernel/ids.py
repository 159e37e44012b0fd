"""Identifiers: random where the city names a new thing, derived where the same thing must get the same name.

An id that is derived from what others can know is derived with a secret key: nobody can foresee it and take it first.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

NewId = Callable[[str], str]
"""A function from an entity type's short name to a new entity id."""

DeriveId = Callable[..., str]
"""A function from an entity type's short name and texts to the id that these always have."""


def new_urn(kind: str) -> str:
    """Return a new `urn:ngsi-ld:<kind>:<48-bit time><80-bit random>`; the order of such ids is their order in time."""
    milliseconds = time.time_ns() // 1_000_000
    return f"urn:ngsi-ld:{kind}:{milliseconds:012x}{secrets.token_hex(10)}"


def derived_urn(kind: str, *parts: str) -> str:
    """Return the `urn:ngsi-ld:<kind>:<digest>` of `parts`, the same on every run and in every city."""
    return _urn(kind, hashlib.sha256(_joined(parts)).hexdigest())


class KeyedIds:
    """Derives ids with a secret key: the same on every run, and not to be foreseen without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def derive(self, kind: str, *parts: str) -> str:
        """Return the `urn:ngsi-ld:<kind>:<digest>` of `parts` (HMAC-SHA-256, RFC 2104)."""
        return _urn(kind, hmac.new(self._key, _joined((kind, *parts)), hashlib.sha256).hexdigest())


def _joined(parts: tuple[str, ...]) -> bytes:
    return "\x1f".join(parts).encode()


def _urn(kind: str, digest: str) -> str:
    return f"urn:ngsi-ld:{kind}:{digest[:32]}"
