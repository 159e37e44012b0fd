"""What the broker stores about an @context (clause 5.13.3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from rhinecloud.kernel.time import format_time
from rhinecloud.ngsild.context import Context


class ContextKind(StrEnum):
    """The origin of a stored @context (clause 5.13.1)."""

    CACHED = "Cached"
    HOSTED = "Hosted"
    IMPLICITLY_CREATED = "ImplicitlyCreated"


class StoredContext(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """One stored @context: `url` is where it was fetched from, empty for those that the broker serves itself."""

    local_id: str
    kind: ContextKind
    document: dict[str, Any]
    created_at: datetime
    tenant: str = ""
    url: str = ""
    expires_at: datetime | None = None
    last_usage: datetime | None = None
    number_of_hits: int = 0
    fixed: bool = False
    """Belongs to the core or to a pack: it cannot be deleted."""

    def touch(self, now: datetime) -> None:
        """Count one use."""
        self.number_of_hits += 1
        self.last_usage = now

    def is_stale(self, now: datetime) -> bool:
        """Return whether a fetched copy should be fetched anew."""
        return self.expires_at is not None and self.expires_at <= now

    def used_at(self) -> datetime:
        """Return when it was used last, else when it was stored."""
        return self.last_usage or self.created_at

    def describe(self, url: str) -> dict[str, Any]:
        """Return the metadata for clients; `url` is the address of the @context."""
        described: dict[str, Any] = {
            "URL": url,
            "localId": self.local_id,
            "kind": self.kind.value,
            "createdAt": format_time(self.created_at),
            "numberOfHits": self.number_of_hits,
        }
        if self.last_usage is not None:
            described["lastUsage"] = format_time(self.last_usage)
        if self.expires_at is not None:
            described["expiresAt"] = format_time(self.expires_at)
        return described


@dataclass(frozen=True, slots=True)
class CompiledContext:
    """A compiled @context and the stored ones that it was made from."""

    context: Context
    entries: tuple[StoredContext, ...] = ()

    def touch(self, now: datetime) -> None:
        """Count one use of each stored @context in it."""
        for entry in self.entries:
            entry.touch(now)
