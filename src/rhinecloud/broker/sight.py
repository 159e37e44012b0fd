"""Who sees which entity: the policy's answer for each entity that leaves the broker, at the price of two look-ups.

An entity's types decide, and they are found by reading the stored document once for each version of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rhinecloud.kernel.actor import Actor
from rhinecloud.policy import Action, Policy
from rhinecloud.store.port import Stored


class _Typed(msgspec.Struct):
    type: list[str]


class Sight:
    """Applies the policy to what is read; `size` is how many entities' types it remembers."""

    def __init__(self, policy: Policy, *, size: int = 100_000) -> None:
        self._policy = policy
        self._size = size
        self._types: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {}
        self._interned: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._decode = msgspec.json.Decoder(_Typed).decode

    def check(self, actor: Actor, tenant: str, stored: Stored) -> None:
        """Raise Denied unless `actor` may read this entity."""
        self._policy.check(actor, Action.READ, tenant, self.types(tenant, stored))

    def visible(self, actor: Actor, tenant: str, items: Sequence[Stored]) -> list[Stored]:
        """Give those of `items` that `actor` may read."""
        answers: dict[tuple[str, ...], bool] = {}
        seen = []
        for stored in items:
            types = self.types(tenant, stored)
            answer = answers.get(types)
            if answer is None:
                answer = answers[types] = self._policy.allows(actor, Action.READ, tenant, types)
            if answer:
                seen.append(stored)
        return seen

    def types(self, tenant: str, stored: Stored) -> tuple[str, ...]:
        """Give the type IRIs of a stored entity."""
        key = (tenant, stored.id)
        known = self._types.get(key)
        if known is not None and known[0] == stored.version:
            return known[1]
        types = tuple(self._decode(stored.body).type)
        types = self._interned.setdefault(types, types)
        if len(self._types) >= self._size:
            self._types.clear()
            self._interned.clear()
        self._types[key] = (stored.version, types)
        return types
