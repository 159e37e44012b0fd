"""Reads a subscription, or an update of one, from what a subscriber sends; each error names its member.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15, 5.2.33, 5.8.1.4 and 5.8.2.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import msgspec

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.kernel.time import format_time, parse_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.options import parse_lang
from rhinecloud.ngsild.query import check_id_pattern, parse_scope_q, parse_type_selection
from rhinecloud.subscriptions.model import (
    EntityInfo,
    GeoQ,
    Notification,
    Subscription,
    Trigger,
    status_of,
)
from rhinecloud.subscriptions.parsing.conditions import check_q, read_geo, within
from rhinecloud.subscriptions.parsing.endpoint import read_names, read_notification
from rhinecloud.subscriptions.parsing.members import SubscriptionMembers, require_uri

NOT_BUILT = ("csf", "temporalQ", "ngsildConformance")
"""Members of clause 5.2.12 that are not built: they are answered with 501 instead of being ignored."""


FORMER_NAMES = {"name": "subscriptionName", "expires": "expiresAt"}
"""Names of NGSI-LD before 1.3, which many clients still use."""


@dataclass(frozen=True, slots=True)
class SubscriptionReading:
    """What a request brings: its @context, compiled and as it was sent, the present time, and the actor."""

    context: Context
    source: Any
    now: str
    owner: Actor
    tenant: str = ""


def parse_subscription(data: Any, reading: SubscriptionReading, new_id: Callable[[], str]) -> Subscription:
    """Return a new subscription. Raise Invalid naming the member, or Unsupported."""
    members = _members(data)
    _require_type(members)
    if "notification" not in members:
        raise Invalid("is missing", field="notification")
    subscription = Subscription(
        id=members.uri("id") if "id" in members else new_id(),
        tenant=reading.tenant,
        owner=reading.owner,
        written_in=reading.source,
        created_at=reading.now,
        modified_at=reading.now,
        **_read(members, reading),
    )
    check_whole(subscription)
    return subscription


def parse_update(data: Any, reading: SubscriptionReading, subscription: Subscription) -> Subscription:
    """Return a subscription with a fragment applied (clause 5.5.8). Raise Invalid or Unsupported."""
    members = _members(data)
    _require_type(members, optional=True)
    if "id" in members and members.raw("id") != subscription.id:
        raise Invalid("must not be changed", field="id")
    updated = msgspec.structs.replace(subscription, modified_at=reading.now, **_read(members, reading))
    if (
        "expiresAt" in members
        and "isActive" not in members
        and status_of(subscription, reading.now) == "expired"
    ):
        updated.is_active = True
    check_whole(updated)
    return updated


def _members(data: Any) -> SubscriptionMembers:
    if isinstance(data, dict):
        data = {**{name: data[former] for former, name in FORMER_NAMES.items() if former in data}, **data}
    return SubscriptionMembers(data)


def check_whole(subscription: Subscription) -> None:
    """Raise Invalid where members must not be combined (table 5.2.12-1)."""
    if subscription.interval_s and subscription.watched:
        raise Invalid("must not be combined with watchedAttributes", field="timeInterval")
    if subscription.interval_s and subscription.throttling_s:
        raise Invalid("must not be combined with timeInterval", field="throttling")
    if not subscription.local_only:
        if subscription.interval_s and not subscription.entities:
            raise Invalid("is required with a timeInterval", field="entities")
        if not subscription.entities and not subscription.watched:
            raise Invalid("is required, or else watchedAttributes", field="entities")
    if subscription.local_only is False and any(not each.types for each in subscription.entities):
        raise Invalid("must not be false where an entity type is *", field="localOnly")


def _read(members: SubscriptionMembers, reading: SubscriptionReading) -> dict[str, Any]:
    """Return the fields of the members that are present; null sets a field to its default."""
    members.check_known(_KNOWN)
    _reject_unbuilt(members, reading)
    found: dict[str, Any] = {}
    for name, (field, read) in _FIELDS.items():
        if name not in members:
            continue
        if members.is_null(name):
            if name == "notification":
                raise Invalid("must not be removed", field=name)
            found[field] = _default(field)
        else:
            found[field] = read(members, reading)
    if "isActive" in members:
        found["said_active"] = not members.is_null("isActive")
    return found


def _default(field: str) -> Any:
    described = next(each for each in msgspec.structs.fields(Subscription) if each.name == field)
    if described.default_factory is not msgspec.NODEFAULT:
        return described.default_factory()
    return described.default


def _require_type(members: SubscriptionMembers, *, optional: bool = False) -> None:
    if optional and "type" not in members:
        return
    if members.raw("type") != "Subscription":
        raise Invalid('must be "Subscription"', field="type")


def _reject_unbuilt(members: SubscriptionMembers, reading: SubscriptionReading) -> None:
    for name in NOT_BUILT:
        if name in members and not members.is_null(name):
            if name == "csf":
                check_q(members.text(name), reading.context, name)
            raise Unsupported(f"{name}: is not built")
    if members.flag("splitEntities"):
        raise Unsupported("splitEntities: entities are never split")


def _entities(members: SubscriptionMembers, reading: SubscriptionReading) -> list[EntityInfo]:
    return [_selector(each, reading.context) for each in members.objects("entities")]


def _selector(members: SubscriptionMembers, context: Context) -> EntityInfo:
    members.check_known(("id", "idPattern", "type"))
    if "type" not in members:
        raise Invalid("is missing", field=members.place("type"))
    try:
        return EntityInfo(
            types=[list(each) for each in parse_type_selection(members.text("type"), context)],
            ids=_ids(members),
            id_pattern=check_id_pattern(members.text("idPattern")),
        )
    except Invalid as error:
        raise error if error.field.startswith("entities") else within(members, error) from None


def _ids(members: SubscriptionMembers) -> list[str]:
    if isinstance(members.raw("id"), list):
        return members.texts("id", lambda text: require_uri(text, ""))
    text = members.uri("id")
    return [text] if text else []


def _triggers(members: SubscriptionMembers, _: SubscriptionReading) -> list[Trigger]:
    return [Trigger(each) for each in members.texts("notificationTrigger", _trigger)]


def _trigger(text: str) -> str:
    if text not in list(Trigger):
        raise Invalid(f"must be one of {', '.join(Trigger)}, not {text!r}")
    return text


def _q(members: SubscriptionMembers, reading: SubscriptionReading) -> str:
    return check_q(members.text("q"), reading.context, "q")


def _geo_q(members: SubscriptionMembers, reading: SubscriptionReading) -> GeoQ:
    inner = members.object("geoQ")
    assert inner is not None
    return read_geo(inner, reading.context)


def _scope_q(members: SubscriptionMembers, _: SubscriptionReading) -> str:
    text = members.text("scopeQ")
    parse_scope_q(text)
    return text


def _listed(members: SubscriptionMembers, name: str) -> list[str]:
    return [each.strip() for each in members.text(name).split(",")]


def _expiry(members: SubscriptionMembers, reading: SubscriptionReading) -> str:
    """Read a time; without a time zone it is in UTC (clause 4.6.3), as in other brokers."""
    moment = format_time(parse_time(members.text("expiresAt"), field="expiresAt", zone=UTC))
    if moment[:-1] <= reading.now[:-1]:
        raise Invalid("must be in the future", field="expiresAt")
    return moment


def _datasets(members: SubscriptionMembers, _: SubscriptionReading) -> list[str]:
    return members.texts("datasetId", lambda text: text if text == "@none" else require_uri(text, ""))


def _lang(members: SubscriptionMembers, _: SubscriptionReading) -> str:
    text = members.text("lang")
    parse_lang(text)
    return text


def _notification(members: SubscriptionMembers, reading: SubscriptionReading) -> Notification:
    inner = members.object("notification")
    assert inner is not None
    return read_notification(inner, reading.context)


_FIELDS: dict[str, tuple[str, Callable[[SubscriptionMembers, SubscriptionReading], Any]]] = {
    "subscriptionName": ("name", lambda members, _: members.text("subscriptionName")),
    "description": ("description", lambda members, _: members.text("description")),
    "entities": ("entities", _entities),
    "watchedAttributes": (
        "watched",
        lambda members, reading: read_names(members, "watchedAttributes", reading.context),
    ),
    "notificationTrigger": ("triggers", _triggers),
    "q": ("q", _q),
    "geoQ": ("geo_q", _geo_q),
    "scopeQ": ("scope_q", _scope_q),
    "expandValues": ("expand_values", lambda members, _: _listed(members, "expandValues")),
    "jsonKeys": ("json_keys", lambda members, _: _listed(members, "jsonKeys")),
    "lang": ("lang", _lang),
    "datasetId": ("dataset_ids", _datasets),
    "throttling": ("throttling_s", lambda members, _: members.positive("throttling")),
    "timeInterval": ("interval_s", lambda members, _: members.positive("timeInterval")),
    "expiresAt": ("expires_at", _expiry),
    "isActive": ("is_active", lambda members, _: members.flag("isActive")),
    "localOnly": ("local_only", lambda members, _: members.flag("localOnly")),
    "jsonldContext": ("jsonld_context", lambda members, _: members.uri("jsonldContext")),
    "notification": ("notification", _notification),
}
"""The members of a subscription, the field of each, and the function that reads it."""

_OUTPUT = ("status", "statusReason", "createdAt", "modifiedAt")
"""Members that the broker itself writes; who sends back what was retrieved sends them, too (table 5.2.12-2)."""
_KNOWN = frozenset({"id", "type", "@context", "splitEntities", *NOT_BUILT, *_FIELDS, *FORMER_NAMES, *_OUTPUT})
