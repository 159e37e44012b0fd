"""Which stored entities an actor may read: the policy applied at the cost of a look-up.

An entity's types and its `expiresAt` decide. Both are read from the stored document once for each version, and stay
with it as long as the store has it in memory. Entities of the same types share one header if nothing in them expires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rhinecloud.broker.entities.edits import is_past
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.ngsild.stored import decode_header, may_expire, types_slice
from rhinecloud.policy import Authorization, CoreAction, Decision
from rhinecloud.store.port import Stored

KINDS = 10_000
"""Combinations of types whose headers are shared."""


class EntityHeader(NamedTuple):
    """What decides whether a version of an entity may be read; `never_expires`: no part of it expires."""

    types: tuple[str, ...]
    expires_at: str
    never_expires: bool


class ReadFilter:
    """Applies the policy to what is read."""

    def __init__(self, policy: Authorization, now: Callable[[], str]) -> None:
        self._policy = policy
        self._now = now
        self._headers: BoundedCache[bytes, EntityHeader] = BoundedCache(most=KINDS)

    def admits(self, actor: Actor, tenant: str, stored: Stored) -> bool:
        """Return whether `actor` may read this entity, and it has not expired. Raise Denied where it may read none."""
        types, expires_at, _ = stored.header or self._read(stored)
        if not self._may_read(actor, tenant, types, stored) and not self._policy.check_visible(
            actor, CoreAction.READ, tenant, stored.entity()
        ):
            return False
        return not (expires_at and is_past(expires_at, self._now()))

    def visible(self, actor: Actor, tenant: str, items: Sequence[Stored]) -> list[Stored]:
        """Return those of `items` that have not expired and that `actor` may read."""
        answers: dict[tuple[str, ...], Decision] = {}
        seen = []
        for stored in items:
            types, expires_at, _ = stored.header or self._read(stored)
            answer = answers.get(types)
            if answer is None:
                answer = answers[types] = self._policy.answer(actor, CoreAction.READ, tenant, types)
            allowed = self._may_read(actor, tenant, types, stored) if answer.is_open else answer.allowed
            if allowed and not (expires_at and is_past(expires_at, self._now())):
                seen.append(stored)
        return seen

    def _may_read(self, actor: Actor, tenant: str, types: tuple[str, ...], stored: Stored) -> bool:
        answer = self._policy.answer(actor, CoreAction.READ, tenant, types)
        if not answer.is_open:
            return answer.allowed
        return self._policy.allows(actor, CoreAction.READ, tenant, entity=stored.entity())

    def never_expires(self, items: Iterable[Stored]) -> bool:
        """Return whether no part of these entities expires."""
        return all([(stored.header or self._read(stored)).never_expires for stored in items])  # noqa: C419 - twice as quick

    def _read(self, stored: Stored) -> EntityHeader:
        """Read the header of a version."""
        body = stored.body
        if may_expire(body):
            document = decode_header(body)
            stored.header = header = EntityHeader(tuple(document.type), document.expires_at, False)
            return header
        types = types_slice(body)
        known = self._headers.find(types)
        if known is None:
            known = EntityHeader(tuple(decode_header(body).type), "", True)
            if b"\\" not in types:
                self._headers.keep(types, known)
        stored.header = known
        return known
