"""Tokens of machines: shown once when they are created, then known by their SHA-256 only."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterator
from datetime import datetime

import msgspec

from rhinecloud.identity.accounts import require_agency
from rhinecloud.identity.credentials import require_purpose
from rhinecloud.identity.model import (
    TOKEN_PREFIX,
    AccountExists,
    NoSuchAccount,
    Token,
    WrongCredentials,
    digest_of,
)
from rhinecloud.identity.records import RecordStore, read_records
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import format_time, parse_time

KIND = "token"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MACHINE_ROLES = frozenset(Role) - {Role.SYSTEM, Role.PACK}

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Token)


class Tokens:
    """The tokens of a city by their digest. Changes are made one after the other."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._lock = asyncio.Lock()
        self._by_digest: dict[str, tuple[Token, Actor, datetime | None]] = {}
        self._digests: dict[str, str] = {}
        self._temporary: dict[str, Actor] = {}
        self._used: dict[str, datetime] = {}

    async def open(self) -> None:
        """Load every token."""
        kept = await read_records(self._records, KIND, _decoder)
        self._by_digest.clear()
        for _, token in kept:
            self._remember(token)

    def list(self) -> list[Token]:
        """Return all tokens, ordered by name."""
        return sorted((token for token, _, _ in self._by_digest.values()), key=lambda each: each.name)

    def find(self, name: str) -> Token | None:
        """Return a token by name, None where there is none."""
        known = self._by_digest.get(self._digests.get(name, ""))
        return known[0] if known is not None else None

    def present(self, name: str, now: datetime) -> Actor | None:
        """Return the actor of a token by name, always the same object; None where it was revoked or has expired."""
        known = self._by_digest.get(self._digests.get(name, ""))
        if known is None or (known[2] is not None and now >= known[2]):
            return None
        return known[1]

    def actor(self, secret: str, now: datetime) -> Actor:
        """Return the actor of a token; raise WrongCredentials."""
        digest = digest_of(secret)
        known = self._by_digest.get(digest)
        if known is None:
            temporary = self._temporary.get(digest)
            if temporary is None:
                raise WrongCredentials("the token is unknown or was revoked")
            return temporary
        token, actor, expires = known
        if expires is not None and now >= expires:
            raise WrongCredentials(f"the token {token.name!r} expired at {token.expires_at}")
        self._used[digest] = now
        return actor

    def active_actor_ids(self, now: datetime) -> Iterator[str]:
        """Yield the ids of all actors whose tokens are valid."""
        yield from (actor.id for actor in self._temporary.values())
        for _, actor, expires in self._by_digest.values():
            if expires is None or now < expires:
                yield actor.id

    async def create(self, token: Token) -> str:
        """Store a new token, described by `token` without digest, and return its secret, which is never shown again."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        kept = msgspec.structs.replace(token, digest=digest_of(secret))
        async with self._lock:
            self._require(token)
            await self._records.put(KIND, kept.name, _encoder.encode(kept))
            self._remember(kept)
        return secret

    def issue_temporary(self, actor: Actor) -> str:
        """Return a token of `actor` that is valid until the process ends; it is neither stored nor listed."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        self._temporary[digest_of(secret)] = actor
        return secret

    async def revoke(self, name: str) -> None:
        """Remove a token; raise NoSuchAccount."""
        async with self._lock:
            token = self.find(name)
            if token is None:
                raise NoSuchAccount(f"there is no token {name!r}")
            await self._records.delete(KIND, name)
            self._by_digest.pop(token.digest, None)
            self._used.pop(token.digest, None)

    async def flush(self) -> None:
        """Store when tokens were last used; called at intervals, not for each use."""
        used, self._used = self._used, {}
        for digest, moment in used.items():
            async with (
                self._lock
            ):  # one by one, so that creating or revoking a token waits for one write at most
                await self._note_use(digest, moment)

    async def _note_use(self, digest: str, moment: datetime) -> None:
        known = self._by_digest.get(digest)
        if known is not None:
            token = msgspec.structs.replace(known[0], last_used_at=format_time(moment.replace(microsecond=0)))
            self._remember(token)
            await self._records.put(KIND, token.name, _encoder.encode(token))

    def _require(self, token: Token) -> None:
        if not NAME.fullmatch(token.name):
            raise Invalid(
                "must be 1 to 63 letters, digits, '.', '_', '-', and begin with a letter or digit",
                field="name",
            )
        if not token.roles or set(token.roles) - MACHINE_ROLES:
            raise Invalid(f"must be one or more of {', '.join(sorted(MACHINE_ROLES))}", field="roles")
        require_agency(token.roles, token.agency)
        if token.purpose:
            require_purpose(token.purpose, "purpose")
        if token.expires_at:
            parse_time(token.expires_at, field="expires_at")
        if self.find(token.name) is not None:
            raise AccountExists(f"the token {token.name!r} exists already")

    def _remember(self, token: Token) -> None:
        expires = parse_time(token.expires_at) if token.expires_at else None
        self._by_digest[token.digest] = (token, token.actor(), expires)
        self._digests[token.name] = token.digest
