"""Who sees which entity: the policy's answer for each entity that leaves the broker, at the price of two look-ups.

An entity's types decide, and its `expiresAt`; both are read from the stored document once for each version of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from rhinecloud.broker.edits import is_past
from rhinecloud.kernel.actor import Actor
from rhinecloud.policy import Action, Policy
from rhinecloud.store.port import Stored


class _Head(msgspec.Struct, rename="camel"):
    type: list[str]
    expires_at: str = ""


_Known = tuple[int, tuple[str, ...], str]
"""Version, type IRIs, expiresAt."""


class Sight:
    """Applies the policy to what is read; `size` is how many entities' heads it remembers."""

    def __init__(self, policy: Policy, now: Callable[[], str], *, size: int = 100_000) -> None:
        self._policy = policy
        self._now = now
        self._size = size
        self._heads: dict[tuple[str, str], _Known] = {}
        self._interned: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._decode = msgspec.json.Decoder(_Head).decode

    def check(self, actor: Actor, tenant: str, stored: Stored) -> bool:
        """Tell whether this entity is still there; raises Denied unless `actor` may read it."""
        _, types, expires_at = self._head(tenant, stored)
        self._policy.check(actor, Action.READ, tenant, types)
        return not (expires_at and is_past(expires_at, self._now()))

    def visible(self, actor: Actor, tenant: str, items: Sequence[Stored]) -> list[Stored]:
        """Give those of `items` that are still there and that `actor` may read."""
        answers: dict[tuple[str, ...], bool] = {}
        seen = []
        for stored in items:
            _, types, expires_at = self._head(tenant, stored)
            answer = answers.get(types)
            if answer is None:
                answer = answers[types] = self._policy.allows(actor, Action.READ, tenant, types)
            if answer and not (expires_at and is_past(expires_at, self._now())):
                seen.append(stored)
        return seen

    def _head(self, tenant: str, stored: Stored) -> _Known:
        key = (tenant, stored.id)
        known = self._heads.get(key)
        if known is not None and known[0] == stored.version:
            return known
        head = self._decode(stored.body)
        types = tuple(head.type)
        types = self._interned.setdefault(types, types)
        if len(self._heads) >= self._size:
            self._heads.clear()
            self._interned.clear()
        known = self._heads[key] = (stored.version, types, head.expires_at)
        return known
