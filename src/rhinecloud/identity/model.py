"""Accounts, sessions and tokens as they are stored, and the errors of authentication.

Secrets are never stored: of a password its argon2id hash, of a session's id and a token their SHA-256.
"""

from __future__ import annotations

import hashlib

import msgspec

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated

TOKEN_PREFIX = "rct_"
"""Marks a token of Rhine Cloud, for people and for scanners of leaked secrets."""

ACCOUNT_URN = "urn:rhinecloud:account:"
"""The prefix of the id of an account's actor; its name follows."""
TOKEN_URN = "urn:rhinecloud:token:"
"""The prefix of the id of a token's actor; its name follows."""


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person who signs in by `name`; times are ISO 8601 in UTC."""

    name: str
    password_hash: str
    roles: tuple[Role, ...]
    full_name: str = ""
    agency: str = ""
    tenant: str = ""
    must_change_password: bool = False
    created_at: str = ""
    locked: bool = False
    """Whether sign-in with the account is disabled."""

    def actor(self) -> Actor:
        """Return the actor of this account."""
        return Actor(
            id=f"{ACCOUNT_URN}{self.name}",
            name=self.full_name or self.name,
            roles=frozenset(self.roles),
            agency=self.agency,
            tenant=self.tenant,
        )


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """The credential of a machine; `digest` is the SHA-256 of the token; an empty `expires_at` means never."""

    name: str
    digest: str
    roles: tuple[Role, ...]
    agency: str = ""
    tenant: str = ""
    created_at: str = ""
    expires_at: str = ""
    last_used_at: str = ""
    purpose: str = ""
    """The only purpose of its requests; empty: any."""

    def actor(self) -> Actor:
        """Return the actor of this token."""
        return Actor(
            id=f"{TOKEN_URN}{self.name}",
            name=self.name,
            roles=frozenset(self.roles),
            agency=self.agency,
            tenant=self.tenant,
            purpose=self.purpose,
        )


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person signed in; `digest` is the SHA-256 of the id in the cookie, times are seconds since 1970."""

    digest: str
    account: str
    started: float
    seen: float


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


digest_of = BoundedCache(_digest, most=1_024).__getitem__
"""Return the SHA-256 of a random secret, by which it is stored and found."""


class WrongCredentials(Unauthenticated):
    """The name or password is wrong, or the token is unknown, revoked or expired."""


class LockedOut(Unauthenticated):
    """Too many failed sign-ins: try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many failed sign-ins; try again in {max(1, round(retry_after_s))} s")
        self.retry_after_s = retry_after_s


class PasswordChangeNeeded(Forbidden):
    """The actor signed in with a one-time password, which must be changed first."""


class AccountLocked(Unauthenticated):
    """An administrator has locked this account."""


class OtherPurpose(Forbidden):
    """The token is bound to a purpose that is not that of the request."""


class WeakPassword(Invalid):
    """The new password is too short, too long, or equal to the old one."""


class AccountExists(Conflict):
    """An account or token of that name exists."""


class LastAdmin(Conflict):
    """The city would be left without an administrator."""


class NoSuchAccount(NotFound):
    """No account or token of that name exists."""
