"""Passwords: argon2id in a thread (a hash takes tens of milliseconds on purpose), and words for one-time use."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rhinecloud.identity.model import WeakPassword
from rhinecloud.kernel.errors import Unavailable

LONGEST = 1024
"""Longer ones are refused: hashing them would be work that a stranger may order."""

AT_ONCE = 2
"""Hashes under way at a time: each takes 64 MB on purpose, and strangers may ask for as many as they like."""

MOST_WAITING = 100
"""Sign-ins that wait for their hash, some seconds' work; more are refused, for each keeps its connection."""

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike when read from a terminal."""


class Passwords:
    """Hashes and verifies, and says what a good password is."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._hasher = PasswordHasher()
        self._decoy = self._hasher.hash(secrets.token_hex(16))
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    def require_good(self, password: str, field: str = "password") -> None:
        """Raise WeakPassword unless the length is right; length is what counts (NIST SP 800-63B, 5.1.1)."""
        if len(password) < self._least:
            raise WeakPassword(f"needs at least {self._least} characters", field=field)
        if len(password) > LONGEST:
            raise WeakPassword(f"has more than {LONGEST} characters", field=field)

    def require_turn(self) -> None:
        """Raise Unavailable while too many wait for their hash."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("too many sign-ins at once; try again in a moment")

    async def hash(self, password: str) -> str:
        """Give the argon2id hash with its salt and parameters."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether they belong together; takes as long when there is no such account (None)."""
        if len(password) > LONGEST:
            return False
        self._waiting += 1
        try:
            async with self._turns:
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
    """Make four groups of four characters, about 79 bits, easy to read and type."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
