"""The policy of a city as it is shipped: with everything that its parts contribute."""

from __future__ import annotations

from rhinecloud.app.parts import CORE, rights_of
from rhinecloud.policy import Authorization, Policies, PolicySource


def shipped(*city: str) -> Authorization:
    """Return the policy of a city that adds policies of its own."""
    sources = [PolicySource("policies/city.cedar", text) for text in city]
    return Authorization(Policies(rights_of(CORE), sources))
