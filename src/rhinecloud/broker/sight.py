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
        self._heads: dict[str, dict[str, _Known]] = {}
        self._interned: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._decode = msgspec.json.Decoder(_Head).decode

    def check(self, actor: Actor, tenant: str, stored: Stored) -> bool:
        """Tell whether this entity is still there; raises Denied unless `actor` may read it."""
        known = self._heads_of(tenant).get(stored.id)
        if known is None or known[0] != stored.version:
            known = self._read(tenant, stored)
        self._policy.check(actor, Action.READ, tenant, known[1])
        return not (known[2] and is_past(known[2], self._now()))

    def visible(self, actor: Actor, tenant: str, items: Sequence[Stored]) -> list[Stored]:
        """Give those of `items` that are still there and that `actor` may read."""
        heads = self._heads_of(tenant)
        answers: dict[tuple[str, ...], bool] = {}
        seen = []
        for stored in items:
            known = heads.get(stored.id)
            if known is None or known[0] != stored.version:
                known = self._read(tenant, stored)
            _, types, expires_at = known
            if types not in answers:
                answers[types] = self._policy.allows(actor, Action.READ, tenant, types)
            if answers[types] and not (expires_at and is_past(expires_at, self._now())):
                seen.append(stored)
        return seen

    def _heads_of(self, tenant: str) -> dict[str, _Known]:
        heads = self._heads.get(tenant)
        return heads if heads is not None else self._heads.setdefault(tenant, {})

    def _read(self, tenant: str, stored: Stored) -> _Known:
        """Read the head of a version that was not seen before; the memory for each tenant is bounded."""
        heads = self._heads_of(tenant)
        if len(heads) >= self._size:
            heads.clear()
            self._interned.clear()
        head = self._decode(stored.body)
        types = tuple(head.type)
        types = self._interned.setdefault(types, types)
        known = heads[stored.id] = (stored.version, types, head.expires_at)
        return known
