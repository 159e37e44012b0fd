"""What every transport reads from a subscription: the fields beside the body, and the timeout."""

from __future__ import annotations

from rhinecloud.subscriptions.model import Subscription
from rhinecloud.subscriptions.settings import NotificationSettings

HTTP_SCHEMES = ("http", "https")
MQTT_SCHEMES = ("mqtt", "mqtts")


def headers_of(subscription: Subscription, link: str) -> dict[str, str]:
    """Return what goes beside the body: over HTTP header fields, over MQTT metadata (clauses 6.3.5 and 7.2)."""
    endpoint = subscription.notification.endpoint
    headers = {"Content-Type": endpoint.accept}
    if link and endpoint.accept != "application/ld+json":
        headers["Link"] = link
    if subscription.tenant:
        headers["NGSILD-Tenant"] = subscription.tenant
    headers.update({pair.key: pair.value for pair in endpoint.receiver_info})
    return headers


def timeout_s_of(subscription: Subscription, settings: NotificationSettings) -> float:
    """Return how long to wait for the receiver's answer, in seconds."""
    requested = subscription.notification.endpoint.timeout_ms / 1000
    return min(requested, settings.max_timeout_s) if requested else settings.timeout_s
