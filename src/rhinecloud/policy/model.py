"""The words of the policy: what can be done, which types the house itself writes, and what a refusal says."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden


class Action(StrEnum):
    """Everything that an actor can be allowed to do; the names stand in the Cedar policies as they stand here."""

    READ = "read"
    """See entities, their history and their changes, over every door."""
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SUBSCRIBE = "subscribe"
    """Create, see, change and delete subscriptions."""
    HOST_CONTEXT = "host_context"
    """Keep JSON-LD contexts at the city's broker."""
    PUBLISH = "publish"
    """Send device messages over the stream's MQTT port."""
    SEE_STATUS = "see_status"
    """See feeds, consumers, rules and dead letters."""
    OPERATE = "operate"
    """Retry and drop dead letters, start and stop feeds."""
    ADMINISTER = "administer"
    """Accounts, tokens, backups."""

    __hash__ = (
        str.__hash__
    )  # quicker than that of an Enum: every read asks the policy, whose answers it is a key to


HOUSE = "urn:rhinecloud:ns:"
"""The namespace of the house's own terms."""

HOUSE_TYPES = frozenset(
    {
        f"{HOUSE}Incident",
        f"{HOUSE}Task",
        f"{HOUSE}Agency",
        f"{HOUSE}ServiceNote",
        "https://smartdatamodels.org/dataModel.Alert/Alert",
    }
)
"""Types that stand for the city's own work: partners and devices neither read nor write them."""


class Denied(Forbidden):
    """The policy has no permission for this; the facts are attributes, for logs and for the answer."""

    def __init__(self, actor: Actor, action: Action, types: Sequence[str]) -> None:
        what = ", ".join(sorted(name.rpartition(":")[2].rpartition("/")[2] for name in types))
        super().__init__(f"{actor.name} may not {action.value.replace('_', ' ')}{f' {what}' if what else ''}")
        self.actor = actor
        self.action = action
        self.types = tuple(types)
