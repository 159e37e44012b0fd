"""With whose rights a subscriber is told: the owner's of today, not those that the owner had when subscribing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rhinecloud.broker.subscriptions.model import Subscription
from rhinecloud.kernel.actor import Actor
from rhinecloud.policy import Action, Policy

Present = Callable[[Actor], Actor | None]
"""Gives an actor with the roles of today, None where account or token are gone."""

GONE = "the account or token that owns it is gone; an administrator who updates it takes it over"
BARRED = "its owner may not subscribe any more"


class Rights:
    """Asks the policy in the name of a subscription's owner; each question is some dict look-ups."""

    def __init__(self, policy: Policy, present: Present) -> None:
        self._policy = policy
        self._present = present

    def owner(self, subscription: Subscription) -> Actor | None:
        """Give the owner as of now, None where there is none who may subscribe."""
        owner = self._present(subscription.owner)
        if owner is None or not self._policy.allows(owner, Action.SUBSCRIBE, subscription.tenant):
            return None
        return owner

    def may_read(self, subscription: Subscription, types: Sequence[str]) -> bool:
        """Tell whether the owner may be told of an entity of these types."""
        owner = self.owner(subscription)
        return owner is not None and self._policy.allows(owner, Action.READ, subscription.tenant, types)

    def refusal(self, subscription: Subscription) -> str:
        """Say why nobody is told any more, '' where somebody is."""
        if self.owner(subscription) is not None:
            return ""
        return GONE if self._present(subscription.owner) is None else BARRED
