"""Accounts, sessions and tokens as they are kept, and what can go wrong when somebody wants in.

Secrets are never kept: a password as its argon2id hash, a session's id and a token as their SHA-256.
"""

from __future__ import annotations

import hashlib

import msgspec

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated

TOKEN_PREFIX = "rct_"
"""Tells a token of Rhine Cloud apart, for people and for scanners of leaked secrets."""

ACCOUNT_URN = "urn:rhinecloud:account:"
"""Begins the id of an account's actor; its name follows."""
TOKEN_URN = "urn:rhinecloud:token:"
"""Begins the id of a token's actor; its name follows."""


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
    """Kept, but nobody may sign in with it."""

    def actor(self) -> Actor:
        """Give the actor that this account stands for."""
        return Actor(
            id=f"{ACCOUNT_URN}{self.name}",
            name=self.full_name or self.name,
            roles=frozenset(self.roles),
            agency=self.agency,
            tenant=self.tenant,
        )


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """A machine's way in; `digest` is the SHA-256 of the token, '' for `expires_at` means never."""

    name: str
    digest: str
    roles: tuple[Role, ...]
    agency: str = ""
    tenant: str = ""
    created_at: str = ""
    expires_at: str = ""
    last_used_at: str = ""
    purpose: str = ""
    """The only purpose of its requests, where it is bound to one."""

    def actor(self) -> Actor:
        """Give the actor that this token stands for."""
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
"""Return the SHA-256 of a random secret, under which it is kept and found."""


class WrongCredentials(Unauthenticated):
    """Name and password do not belong together, or the token is not (or no longer) one of ours."""


class LockedOut(Unauthenticated):
    """Too many failed sign-ins: try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many failed sign-ins; try again in {max(1, round(retry_after_s))} s")
        self.retry_after_s = retry_after_s


class PasswordChangeNeeded(Forbidden):
    """Signed in with a one-time password: nothing is open until it is changed."""


class AccountLocked(Unauthenticated):
    """An administrator has locked this account."""


class OtherPurpose(Forbidden):
    """The token is bound to another purpose than the request states."""


class WeakPassword(Invalid):
    """The new password is too short, too long, or the one to be replaced."""


class AccountExists(Conflict):
    """There is an account or token of that name."""


class LastAdmin(Conflict):
    """The city would be left without anyone who may administer it."""


class NoSuchAccount(NotFound):
    """There is no account or token of that name."""
