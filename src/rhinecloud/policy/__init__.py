"""May this actor do this to that: one service that every protocol, part and pack asks."""

from rhinecloud.policy.areas import Areas, read_areas
from rhinecloud.policy.authorization import Authorization, Decision
from rhinecloud.policy.facts import NO_FACTS, Facts
from rhinecloud.policy.model import CoreAction, Denied
from rhinecloud.policy.policies import Policies
from rhinecloud.policy.statements import PolicySource

__all__ = [
    "NO_FACTS",
    "Areas",
    "Authorization",
    "CoreAction",
    "Decision",
    "Denied",
    "Facts",
    "Policies",
    "PolicySource",
    "read_areas",
]
