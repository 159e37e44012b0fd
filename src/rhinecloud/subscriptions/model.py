"""What a subscription is, as it is stored: names are expanded to IRIs, each member of the standard is one field.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15, 5.2.22 and 5.2.33.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from rhinecloud.kernel.actor import Actor

SEPARATOR = "\x1f"
"""Stands between tenant, subscription and number in the ids of records, and in no tenant or URI."""


class Trigger(StrEnum):
    """The kinds of changes that can cause a notification."""

    ENTITY_CREATED = "entityCreated"
    ENTITY_UPDATED = "entityUpdated"
    ENTITY_DELETED = "entityDeleted"
    ATTRIBUTE_CREATED = "attributeCreated"
    ATTRIBUTE_UPDATED = "attributeUpdated"
    ATTRIBUTE_DELETED = "attributeDeleted"


DEFAULT_TRIGGERS = (Trigger.ATTRIBUTE_CREATED, Trigger.ATTRIBUTE_UPDATED)
"""The triggers of a subscription that names none (clause 5.2.12)."""


class KeyValuePair(msgspec.Struct):
    """A key and its value, for the receiver or for the transport (clause 5.2.22)."""

    key: str
    value: str


class EntityInfo(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """Which entities are selected: `types` is a disjunction of conjunctions of IRIs, empty for any (clause 5.2.33)."""

    types: list[list[str]] = msgspec.field(default_factory=list)
    ids: list[str] = msgspec.field(default_factory=list)
    id_pattern: str = ""


class GeoQ(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """A geometric condition (clause 5.2.13); `geoproperty` is an IRI, '' for `location`."""

    georel: str
    geometry: str
    coordinates: Any
    geoproperty: str = ""


class Endpoint(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """Where notifications go and in which form; `timeout_ms` and `cooldown_ms` are 0 where the settings decide."""

    uri: str
    accept: str = "application/json"
    timeout_ms: float = 0
    cooldown_ms: float = 0
    receiver_info: list[KeyValuePair] = msgspec.field(default_factory=list)
    notifier_info: list[KeyValuePair] = msgspec.field(default_factory=list)


class Notification(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """What a notification contains (clause 5.2.14); `attributes` are IRIs, `pick` and `omit` texts of clause 4.21."""

    endpoint: Endpoint
    attributes: list[str] = msgspec.field(default_factory=list)
    pick: list[str] = msgspec.field(default_factory=list)
    omit: list[str] = msgspec.field(default_factory=list)
    format: str = ""
    join: str = ""
    join_level: int = 1
    show_changes: bool = False
    sys_attrs: bool = False


class Subscription(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """A subscription as its subscriber made it; what becomes of its notifications is in `DeliveryCounters`.

    `jsonld_context` is the URL of the @context that notifications use, '' for the core one; `written_in` is the
    @context, as it was sent, that `q`, `pick` and `omit` use. `since` is the last change that was committed when the
    subscription became active: only later ones cause notifications.
    """

    id: str
    tenant: str = ""
    owner: Actor
    """The actor that subscribed; notifications contain only what the owner may read."""
    notification: Notification
    name: str = ""
    description: str = ""
    entities: list[EntityInfo] = msgspec.field(default_factory=list)
    watched: list[str] = msgspec.field(default_factory=list)
    triggers: list[Trigger] = msgspec.field(default_factory=lambda: list(DEFAULT_TRIGGERS))
    q: str = ""
    geo_q: GeoQ | None = None
    scope_q: str = ""
    lang: str = ""
    dataset_ids: list[str] = msgspec.field(default_factory=list)
    throttling_s: float = 0
    interval_s: float = 0
    expires_at: str = ""
    is_active: bool = True
    said_active: bool = False
    local_only: bool | None = None
    expand_values: list[str] = msgspec.field(default_factory=list)
    json_keys: list[str] = msgspec.field(default_factory=list)
    """Attributes whose values are not JSON-LD and are shown unchanged."""
    written_in: Any = None
    jsonld_context: str = ""
    created_at: str = ""
    modified_at: str = ""
    since: int = 0


class DeliveryCounters(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """What became of a subscription's notifications (clause 5.2.14.2).

    `times_sent` counts attempts, `times_failed` those without a good answer; `dropped` counts changes that are not
    sent any more, because the queue was full or the receiver kept rejecting them. `last_failure_reason` says why the
    last failure was one.
    """

    times_sent: int = 0
    times_failed: int = 0
    last_notification: str = ""
    last_success: str = ""
    last_failure: str = ""
    last_failure_reason: str = ""
    status: str = ""
    dropped: int = 0


def status_of(subscription: Subscription, now: str) -> str:
    """Return `active`, `paused` or `expired` at the time `now` (ISO 8601, UTC, as `kernel.time.format_time` prints)."""
    if (
        subscription.expires_at and subscription.expires_at[:-1] <= now[:-1]
    ):  # `Z` sorts after the point of a fraction
        return "expired"
    return "active" if subscription.is_active else "paused"


def key_of(subscription: Subscription) -> str:
    """Return the name of a subscription that is unique among all tenants."""
    return f"{subscription.tenant}{SEPARATOR}{subscription.id}"
