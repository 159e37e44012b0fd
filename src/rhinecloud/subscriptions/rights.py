"""With whose rights a subscriber is told: the owner's of today, not those that the owner had when subscribing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rhinecloud.kernel.actor import Actor
from rhinecloud.policy import Action, Policy
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

    def __init__(self, owner: Actor, tenant: str, policy: Policy, present: Present) -> None:
        self._owner = owner
        self._tenant = tenant
        self._policy = policy
        self._present = present
        self._known: Actor | None = None
        self._moment: str | None = None
        self._answers: dict[tuple[str, ...], bool] = {}

    def may_read(self, types: tuple[str, ...], moment: str | None = None) -> bool:
        """Tell whether the owner may now be told of an entity of these types.

        The owner is looked up once for a `moment`: the very text that `Moments` gives for a millisecond.
        """
        if moment is None or moment is not self._moment:
            self._moment = moment
            owner = self._present(self._owner)
            if owner is not self._known or len(self._answers) > REMEMBERED:
                self._known = owner
                self._answers.clear()
        answer = self._answers.get(types)
        if answer is None:
            answer = self._answers[types] = self._may(self._known, types)
        return answer

    def present(self) -> Actor | None:
        """Give the owner as of now, None where there is none who may subscribe."""
        owner = self._present(self._owner)
        if owner is None or not self._policy.allows(owner, Action.SUBSCRIBE, self._tenant):
            return None
        return owner

    def _may(self, owner: Actor | None, types: tuple[str, ...]) -> bool:
        if owner is None or not self._policy.allows(owner, Action.SUBSCRIBE, self._tenant):
            return False
        return self._policy.allows(owner, Action.READ, self._tenant, types)


class SubscriptionRights:
    """Asks the policy in the name of a subscription's owner; each question is a few dict look-ups."""

    def __init__(self, policy: Policy, present: Present) -> None:
        self._policy = policy
        self._present = present
        self._readers: dict[tuple[Actor, str], SubscriptionOwner] = {}

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

    def may_read(self, subscription: Subscription, types: Sequence[str]) -> bool:
        """Tell whether the owner may be told of an entity of these types."""
        return self.reader(subscription).may_read(tuple(types))

    def refusal(self, subscription: Subscription) -> str:
        """Say why nobody is told any more, '' where somebody is."""
        if self.owner(subscription) is not None:
            return ""
        return GONE if self._present(subscription.owner) is None else BARRED
