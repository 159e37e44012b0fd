"""Passwords: argon2id in a thread (a hash takes tens of milliseconds on purpose), and one-time passwords."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rhinecloud.identity.model import WeakPassword
from rhinecloud.kernel.errors import Unavailable

LONGEST = 1024
"""Longer passwords are rejected, because anyone could cause the work of hashing them."""

CONCURRENT = 2
"""Concurrent hashes: each takes 64 MB on purpose, and anyone can cause them."""

MOST_WAITING = 100
"""Sign-ins that may wait for their hash, some seconds of work; more are rejected, because each holds a connection."""

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that do not look alike."""


class Passwords:
    """Hashes and verifies passwords, and checks new ones."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._hasher = PasswordHasher()
        self._decoy = self._hasher.hash(secrets.token_hex(16))
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._waiting = 0

    def require_good(self, password: str, field: str = "password") -> None:
        """Raise WeakPassword unless the length is valid; only the length matters (NIST SP 800-63B, 5.1.1)."""
        if len(password) < self._least:
            raise WeakPassword(f"must have at least {self._least} characters", field=field)
        if len(password) > LONGEST:
            raise WeakPassword(f"must have at most {LONGEST} characters", field=field)

    def require_capacity(self) -> None:
        """Raise Unavailable while too many sign-ins wait for their hash."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("too many concurrent sign-ins; try again in a moment")

    async def hash(self, password: str) -> str:
        """Return the argon2id hash with its salt and parameters."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether a password has this hash; takes the same time where there is no account (None)."""
        if len(password) > LONGEST:
            return False
        self._waiting += 1
        try:
            async with self._slots:
                matches = await asyncio.to_thread(self._verify, password_hash or self._decoy, password)
        finally:
            self._waiting -= 1
        return matches and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def one_time_password() -> str:
    """Return a random password of four groups of four characters, about 79 bits, easy to read and type."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
