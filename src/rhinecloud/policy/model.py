"""The words of the policy: what the core knows how to permit, and what a refusal says."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden

CORE = "rhinecloud"
"""The owner of the core's own actions and policies, as it stands in messages and ids of policies."""


class CoreAction(StrEnum):
    """The core's own actions; parts and packs add others by name, such as `incidents.assign`."""

    READ = "read"
    """See entities, their history and their changes, over every protocol."""
    CREATE = "create"
    """Create entities."""
    UPDATE = "update"
    """Change entities."""
    DELETE = "delete"
    """Delete entities."""
    SUBSCRIBE = "subscribe"
    """Create, see, change and delete one's own subscriptions."""
    MANAGE_SUBSCRIPTIONS = "manage_subscriptions"
    """See, change and delete everybody's subscriptions."""
    HOST_CONTEXT = "host_context"
    """Keep JSON-LD contexts at the city's broker."""
    PUBLISH = "publish"
    """Send device messages over the stream's MQTT port, and receive the commands to the own name."""
    MONITOR_DEVICES = "monitor_devices"
    """Send and receive every device's messages and commands over the stream's MQTT port."""
    SEE_PEOPLE = "see_people"
    """See who works for an agency; the agency is the resource."""
    SEE_STATUS = "see_status"
    """See feeds, consumers, rules and dead letters."""
    OPERATE = "operate"
    """Retry and drop dead letters, start and stop feeds."""
    ADMINISTER = "administer"
    """Manage accounts, tokens and backups; read the audit trail."""

    __hash__ = (
        str.__hash__
    )  # quicker than that of an Enum: every read asks the policy, whose answers it is a key to


WRITING = frozenset({CoreAction.CREATE, CoreAction.UPDATE, CoreAction.DELETE})
"""The actions that write entities by themselves, and not as part of an act."""


class Denied(Forbidden):
    """No policy permits this, or one forbids it; the facts are attributes, for logs and for the answer.

    `policies` are the ids of the policies that forbid it; empty where none permits it. `resource` is the id of the
    entity, or the types where no entity is at hand. `instead` says what the actor is to use.
    """

    def __init__(
        self,
        actor: Actor,
        action: str,
        types: Sequence[str],
        policies: Sequence[str] = (),
        entity_id: str = "",
        instead: str = "",
    ) -> None:
        what = ", ".join(sorted(name.rpartition(":")[2].rpartition("/")[2] for name in types))
        verb = action.rpartition(".")[2].replace("_", " ")
        advice = f": {instead}" if instead else ""
        super().__init__(f"{actor.name} may not {verb}{f' {what}' if what else ''}{advice}")
        self.actor = actor
        self.action = action
        self.types = tuple(types)
        self.policies = tuple(policies)
        self.resource = entity_id or ", ".join(types)
