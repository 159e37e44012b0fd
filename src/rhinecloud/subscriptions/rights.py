"""With whose rights a subscriber is told: the owner's of today, not those that the owner had when subscribing."""

from __future__ import annotations

from collections.abc import Callable

from rhinecloud.audit import AuditTrail
from rhinecloud.kernel.actor import Actor
from rhinecloud.ngsild.entity import Entity
from rhinecloud.policy import Action, Authorization, Facts
from rhinecloud.subscriptions.model.subscription import Subscription

Present = Callable[[Actor], Actor | None]
"""Gives an actor with the roles of today, None where account or token are gone."""

GONE = "the account or token that owns it is gone; an administrator who updates it takes it over"
BARRED = "its owner may not subscribe any more"


REMEMBERED = 1_000
"""Answers that are kept for one owner."""


class SubscriptionOwner:
    """What an owner of subscriptions may be told of; answers hold as long as the owner is who it was."""

    __slots__ = ("_answers", "_known", "_moment", "_owner", "_policy", "_present", "_tenant")

    def __init__(self, owner: Actor, tenant: str, policy: Authorization, present: Present) -> None:
        self._owner = owner
        self._tenant = tenant
        self._policy = policy
        self._present = present
        self._known: Actor | None = None
        self._moment: str | None = None
        self._answers: dict[tuple[str, ...], bool | None] = {}
        """By types; None where the entity or the time decides."""

    def may_read(self, types: tuple[str, ...], moment: str | None = None, facts: Facts | None = None) -> bool:
        """Return whether the owner may now be told of an entity of these types and facts.

        `types` are empty for entities that a query under the owner's rights brought. The owner is looked up once for a
        `moment`: the very text that `Moments` gives for a millisecond.
        """
        if moment is None or moment is not self._moment:
            self._moment = moment
            owner = self._present(self._owner)
            if owner is not self._known or len(self._answers) > REMEMBERED:
                self._known = owner
                self._answers.clear()
        if types not in self._answers:
            self._answers[types] = self._answer(self._known, types)
        answer = self._answers[types]
        return self._decide(self._known, types, facts) if answer is None else answer

    def present(self) -> Actor | None:
        """Give the owner as of now, None where there is none who may subscribe."""
        owner = self._present(self._owner)
        if owner is None or not self._policy.allows(owner, Action.SUBSCRIBE, self._tenant):
            return None
        return owner

    def _answer(self, owner: Actor | None, types: tuple[str, ...]) -> bool | None:
        """Return what holds for all entities of the types at all times; None where there is no such answer."""
        if owner is None:
            return False
        subscribes = self._policy.answer(owner, Action.SUBSCRIBE, self._tenant, ())
        reads = self._policy.answer(owner, Action.READ, self._tenant, types)
        return None if subscribes.is_open or reads.is_open else subscribes.allowed and reads.allowed

    def _decide(self, owner: Actor | None, types: tuple[str, ...], facts: Facts | None) -> bool:
        if owner is None or not self._policy.allows(owner, Action.SUBSCRIBE, self._tenant):
            return False
        if not types:
            return self._policy.could(owner, Action.READ, self._tenant)
        return self._policy.decide(owner, Action.READ, self._tenant, types, facts).allowed


class SubscriptionRights:
    """Asks the policy in the name of a subscription's owner; each question is a few dict look-ups."""

    def __init__(self, policy: Authorization, present: Present, audit: AuditTrail | None = None) -> None:
        """`audit` gets what is done to the subscriptions of others."""
        self._policy = policy
        self._audit = audit
        self.facts = policy.facts
        self._present = present
        self._readers: dict[tuple[Actor, str], SubscriptionOwner] = {}

    def may_manage(self, actor: Actor, tenant: str) -> bool:
        """Return whether the actor sees and changes everybody's subscriptions."""
        return self._policy.allows(actor, Action.MANAGE_SUBSCRIPTIONS, tenant)

    def may_see(self, actor: Actor, subscription: Subscription) -> bool:
        """Return whether the actor sees and changes this subscription."""
        return subscription.owner.id == actor.id or self.may_manage(actor, subscription.tenant)

    def record(self, actor: Actor, act: str, name: str) -> None:
        """Note in the audit trail what was done to a subscription of somebody else."""
        if self._audit is not None:
            self._audit.record(actor, Action.MANAGE_SUBSCRIPTIONS, f"{act} {name}")

    def reader(self, subscription: Subscription) -> SubscriptionOwner:
        """Give the owner of a subscription, the same one for all of its subscriptions."""
        key = (subscription.owner, subscription.tenant)
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = SubscriptionOwner(*key, self._policy, self._present)
        return reader

    def owner(self, subscription: Subscription) -> Actor | None:
        """Give the owner as of now, None where there is none who may subscribe."""
        return self.reader(subscription).present()

    def may_read(self, subscription: Subscription, entity: Entity) -> bool:
        """Return whether the owner may be told of an entity."""
        return self.reader(subscription).may_read(tuple(entity.type), facts=self.facts(entity))

    def refusal(self, subscription: Subscription) -> str:
        """Say why nobody is told any more, '' where somebody is."""
        if self.owner(subscription) is not None:
            return ""
        return GONE if self._present(subscription.owner) is None else BARRED
