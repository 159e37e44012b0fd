"""Renders a subscription: the members of the standard, with names compacted in the @context of the request.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15.
"""

from __future__ import annotations

from typing import Any

from rhinecloud.ngsild.context import Context
from rhinecloud.subscriptions.model import (
    DeliveryCounters,
    Endpoint,
    EntityInfo,
    KeyValuePair,
    Notification,
    Subscription,
    status_of,
)


def render_subscription(
    subscription: Subscription,
    counters: DeliveryCounters,
    context: Context,
    now: str,
    *,
    sys_attrs: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """Return a subscription as JSON at the time `now`; `reason` says why it causes no notifications.

    `dropped` and `statusReason` are not members of the standard.
    """
    shown: dict[str, Any] = {"id": subscription.id, "type": "Subscription"}
    _add(shown, "subscriptionName", subscription.name)
    _add(shown, "description", subscription.description)
    _add(shown, "entities", [_selector(each, context) for each in subscription.entities])
    _add(shown, "watchedAttributes", [context.compact(each) for each in subscription.watched])
    shown["notificationTrigger"] = [each.value for each in subscription.triggers]
    _add(shown, "timeInterval", subscription.interval_s)
    _add(shown, "q", subscription.q)
    if subscription.geo_q is not None:
        shown["geoQ"] = {
            "georel": subscription.geo_q.georel,
            "geometry": subscription.geo_q.geometry,
            "coordinates": subscription.geo_q.coordinates,
        }
        _add(shown["geoQ"], "geoproperty", context.compact(subscription.geo_q.geoproperty))
    _add(shown, "scopeQ", subscription.scope_q)
    _add(shown, "expandValues", ",".join(subscription.expand_values))
    _add(shown, "jsonKeys", ",".join(subscription.json_keys))
    _add(shown, "lang", subscription.lang)
    _add(shown, "datasetId", subscription.dataset_ids)
    _add(shown, "throttling", subscription.throttling_s)
    _add(shown, "expiresAt", subscription.expires_at)
    if subscription.said_active:
        shown["isActive"] = subscription.is_active
    if subscription.local_only is not None:
        shown["localOnly"] = subscription.local_only
    _add(shown, "jsonldContext", subscription.jsonld_context)
    shown["notification"] = _notification(subscription.notification, counters, context)
    status = status_of(subscription, now)
    shown["status"] = "paused" if reason and status == "active" else status
    _add(shown, "statusReason", reason)
    if sys_attrs:
        shown["createdAt"] = subscription.created_at
        shown["modifiedAt"] = subscription.modified_at
    return shown


def render_broken(name: str, reason: str) -> dict[str, Any]:
    """Return a subscription of which only the id is known, and why."""
    return {"id": name, "type": "Subscription", "status": "paused", "statusReason": reason}


def _selector(selector: EntityInfo, context: Context) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if selector.ids:
        shown["id"] = selector.ids[0] if len(selector.ids) == 1 else selector.ids
    _add(shown, "idPattern", selector.id_pattern)
    branches = [[context.compact(each) for each in branch] for branch in selector.types]
    shown["type"] = ",".join(each[0] if len(each) == 1 else f"({';'.join(each)})" for each in branches) or "*"
    return shown


def _notification(notification: Notification, counters: DeliveryCounters, context: Context) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    _add(shown, "attributes", [context.compact(each) for each in notification.attributes])
    _add(shown, "pick", notification.pick)
    _add(shown, "omit", notification.omit)
    _add(shown, "format", notification.format)
    if notification.join:
        shown["join"], shown["joinLevel"] = notification.join, notification.join_level
    _add(shown, "showChanges", notification.show_changes)
    _add(shown, "sysAttrs", notification.sys_attrs)
    shown["endpoint"] = _endpoint(notification.endpoint)
    _add(shown, "status", counters.status)
    _add(shown, "timesSent", counters.times_sent)
    _add(shown, "timesFailed", counters.times_failed)
    _add(shown, "lastNotification", counters.last_notification)
    _add(shown, "lastSuccess", counters.last_success)
    _add(shown, "lastFailure", counters.last_failure)
    _add(shown, "lastFailureReason", counters.last_failure_reason)
    _add(shown, "dropped", counters.dropped)
    return shown


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {"uri": endpoint.uri, "accept": endpoint.accept}
    _add(shown, "timeout", endpoint.timeout_ms)
    _add(shown, "cooldown", endpoint.cooldown_ms)
    _add(shown, "receiverInfo", _pairs(endpoint.receiver_info))
    _add(shown, "notifierInfo", _pairs(endpoint.notifier_info))
    return shown


def _pairs(pairs: list[KeyValuePair]) -> list[dict[str, str]]:
    return [{"key": pair.key, "value": pair.value} for pair in pairs]


def _add(shown: dict[str, Any], name: str, value: Any) -> None:
    """Add a member unless it is empty."""
    if value:
        shown[name] = value
