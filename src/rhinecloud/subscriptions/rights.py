"""What a subscriber may be notified of: by the owner's rights of now, not those at the time of subscribing."""

from __future__ import annotations

from collections.abc import Callable

from rhinecloud.audit import AuditTrail
from rhinecloud.kernel.actor import Actor
from rhinecloud.ngsild.entity import Entity
from rhinecloud.policy import Authorization, CoreAction, Facts
from rhinecloud.subscriptions.clock import Instant
from rhinecloud.subscriptions.model import Subscription

Present = Callable[[Actor], Actor | None]
"""Returns an actor with the roles of now, None where the account or token is gone."""

OWNER_GONE = "the account or token that owns it is gone; an administrator who updates it becomes its owner"
OWNER_FORBIDDEN = "its owner may not subscribe any more"

MAX_DECISIONS = 1_000
"""Decisions that are kept for one owner."""


class SubscriptionOwner:
    """The owner of subscriptions of a tenant; decisions are kept as long as the owner's account stays the same."""

    __slots__ = ("_checked_at", "_decisions", "_known", "_owner", "_policy", "_present", "_tenant")

    def __init__(self, owner: Actor, tenant: str, policy: Authorization, present: Present) -> None:
        self._owner = owner
        self._tenant = tenant
        self._policy = policy
        self._present = present
        self._known: Actor | None = None
        self._checked_at: Instant | None = None
        self._decisions: dict[tuple[str, ...], bool | None] = {}
        """By types; None where the entity or the time decides."""

    def may_read(
        self, types: tuple[str, ...], now: Instant | None = None, facts: Facts | None = None
    ) -> bool:
        """Return whether the owner may read an entity of these types and facts now.

        `types` are empty for entities that a query under the owner's rights found. The account is looked up once for
        each `now`, and each time without it.
        """
        if now is None or now != self._checked_at:
            self._checked_at = now
            owner = self._present(self._owner)
            if owner is not self._known or len(self._decisions) > MAX_DECISIONS:
                self._known = owner
                self._decisions.clear()
        if types not in self._decisions:
            self._decisions[types] = self._general_decision(self._known, types)
        decision = self._decisions[types]
        return self._decide(self._known, types, facts) if decision is None else decision

    def present(self) -> Actor | None:
        """Return the owner with the roles of now; None where there is none, or it may not subscribe."""
        owner = self._present(self._owner)
        if owner is None or not self._policy.allows(owner, CoreAction.SUBSCRIBE, self._tenant):
            return None
        return owner

    def _general_decision(self, owner: Actor | None, types: tuple[str, ...]) -> bool | None:
        """Return what holds for all entities of the types at all times; None where there is no such decision."""
        if owner is None:
            return False
        subscribe = self._policy.answer(owner, CoreAction.SUBSCRIBE, self._tenant, ())
        read = self._policy.answer(owner, CoreAction.READ, self._tenant, types)
        return None if subscribe.is_open or read.is_open else subscribe.allowed and read.allowed

    def _decide(self, owner: Actor | None, types: tuple[str, ...], facts: Facts | None) -> bool:
        if owner is None or not self._policy.allows(owner, CoreAction.SUBSCRIBE, self._tenant):
            return False
        if not types:
            return self._policy.could(owner, CoreAction.READ, self._tenant)
        return self._policy.decide(owner, CoreAction.READ, self._tenant, types, facts).allowed


class SubscriptionRights:
    """The owners of all subscriptions; each decision is a few dictionary look-ups."""

    def __init__(self, policy: Authorization, present: Present, audit: AuditTrail | None = None) -> None:
        """`audit` gets what is done to the subscriptions of others."""
        self.facts = policy.facts
        self._policy = policy
        self._audit = audit
        self._present = present
        self._owners: dict[tuple[Actor, str], SubscriptionOwner] = {}

    def may_manage(self, actor: Actor, tenant: str) -> bool:
        """Return whether the actor may read and change all subscriptions."""
        return self._policy.allows(actor, CoreAction.MANAGE_SUBSCRIPTIONS, tenant)

    def may_see(self, actor: Actor, subscription: Subscription) -> bool:
        """Return whether the actor may read and change this subscription."""
        return subscription.owner.id == actor.id or self.may_manage(actor, subscription.tenant)

    def record(self, actor: Actor, act: str, name: str) -> None:
        """Record in the audit trail what an actor did to a subscription of another."""
        if self._audit is not None:
            self._audit.record(actor, CoreAction.MANAGE_SUBSCRIPTIONS, f"{act} {name}")

    def owner_of(self, subscription: Subscription) -> SubscriptionOwner:
        """Return the owner of a subscription, the same object for all of its subscriptions."""
        key = (subscription.owner, subscription.tenant)
        owner = self._owners.get(key)
        if owner is None:
            owner = self._owners[key] = SubscriptionOwner(*key, self._policy, self._present)
        return owner

    def present_owner(self, subscription: Subscription) -> Actor | None:
        """Return the owner with the roles of now; None where there is none, or it may not subscribe."""
        return self.owner_of(subscription).present()

    def may_read(self, subscription: Subscription, entity: Entity) -> bool:
        """Return whether the owner may read an entity now."""
        return self.owner_of(subscription).may_read(tuple(entity.type), facts=self.facts(entity))

    def refusal(self, subscription: Subscription) -> str:
        """Return why a subscription causes no notifications any more, '' where it does."""
        if self.present_owner(subscription) is not None:
            return ""
        return OWNER_GONE if self._present(subscription.owner) is None else OWNER_FORBIDDEN
