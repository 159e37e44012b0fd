"""What a reader gets to see: the policy applied to stored entities, at the price of a look-up.

An entity's types decide, and its `expiresAt`; both are read from the stored document once for each version of it, and
stay with it as long as the store keeps it at hand. Where nothing expires, entities of the same types share one head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rhinecloud.broker.entities.edits import is_past
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.ngsild.stored import decode_header, may_expire, types_slice
from rhinecloud.policy import Action, Authorization, Decision
from rhinecloud.store.port import Stored

KINDS = 10_000
"""So many combinations of types are remembered as one object each."""


class EntityHeader(NamedTuple):
    """What decides whether a version of an entity is seen; `lasting`: nothing in it ever expires."""

    types: tuple[str, ...]
    expires_at: str
    lasting: bool


class ReadFilter:
    """Applies the policy to what is read."""

    def __init__(self, policy: Authorization, now: Callable[[], str]) -> None:
        self._policy = policy
        self._now = now
        self._headers: BoundedCache[bytes, EntityHeader] = BoundedCache(most=KINDS)

    def check(self, actor: Actor, tenant: str, stored: Stored) -> bool:
        """Tell whether this entity is still there; raises Denied unless `actor` may read it."""
        types, expires_at, _ = stored.head or self._read(stored)
        if not self._may_read(actor, tenant, types, stored):
            self._policy.check(actor, Action.READ, tenant, entity=stored.entity())
        return not (expires_at and is_past(expires_at, self._now()))

    def visible(self, actor: Actor, tenant: str, items: Sequence[Stored]) -> list[Stored]:
        """Give those of `items` that are still there and that `actor` may read."""
        answers: dict[tuple[str, ...], Decision] = {}
        seen = []
        for stored in items:
            types, expires_at, _ = stored.head or self._read(stored)
            answer = answers.get(types)
            if answer is None:
                answer = answers[types] = self._policy.answer(actor, Action.READ, tenant, types)
            allowed = self._may_read(actor, tenant, types, stored) if answer.is_open else answer.allowed
            if allowed and not (expires_at and is_past(expires_at, self._now())):
                seen.append(stored)
        return seen

    def _may_read(self, actor: Actor, tenant: str, types: tuple[str, ...], stored: Stored) -> bool:
        answer = self._policy.answer(actor, Action.READ, tenant, types)
        if not answer.is_open:
            return answer.allowed
        return self._policy.allows(actor, Action.READ, tenant, entity=stored.entity())

    def is_lasting(self, items: Iterable[Stored]) -> bool:
        """Tell whether nothing in these entities ever expires."""
        return all([(stored.head or self._read(stored)).lasting for stored in items])  # noqa: C419 - twice as quick

    def _read(self, stored: Stored) -> EntityHeader:
        """Read the head of a version that was not seen before."""
        body = stored.body
        if may_expire(body):
            document = decode_header(body)
            stored.head = head = EntityHeader(tuple(document.type), document.expires_at, False)
            return head
        types = types_slice(body)
        known = self._headers.find(types)
        if known is None:
            known = EntityHeader(tuple(decode_header(body).type), "", True)
            if b"\\" not in types:
                self._headers.keep(types, known)
        stored.head = known
        return known
