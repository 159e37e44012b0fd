"""Reads the members `notification` and `endpoint` of a subscription; each error names its member.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.14, 5.2.15 and 5.2.22.
"""

from __future__ import annotations

import re

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.subscriptions.model import Endpoint, KeyValuePair, Notification
from rhinecloud.subscriptions.parsing.members import SubscriptionMembers
from rhinecloud.subscriptions.representation.projection import read_projection
from rhinecloud.subscriptions.transports.http.transport import RESERVED
from rhinecloud.subscriptions.transports.message import HTTP_SCHEMES, MQTT_SCHEMES
from rhinecloud.subscriptions.transports.mqtt import read_target

FORMATS = ("normalized", "concise", "simplified", "keyValues")
MEDIA = ("application/json", "application/ld+json", "application/geo+json")
INPUT = ("endpoint", "attributes", "pick", "omit", "format", "join", "joinLevel", "showChanges", "sysAttrs")
OUTPUT = (
    "status",
    "timesSent",
    "timesFailed",
    "lastNotification",
    "lastSuccess",
    "lastFailure",
    "lastFailureReason",
    "dropped",
)
"""Members that the broker itself writes (table 5.2.14-2)."""
KNOWN = frozenset(INPUT + OUTPUT)
KNOWN_OF_ENDPOINT = frozenset({"uri", "accept", "timeout", "cooldown", "receiverInfo", "notifierInfo"})
MAX_JOIN_LEVEL = 5
"""Each level may fetch many entities."""


def read_notification(inner: SubscriptionMembers, context: Context) -> Notification:
    """Read the member `notification`, which must have an endpoint. Raise Invalid naming the member."""
    inner.check_known(KNOWN)
    endpoint = inner.object("endpoint") if not ("endpoint" in inner and inner.is_null("endpoint")) else None
    if endpoint is None:
        raise Invalid("is missing", field="notification.endpoint")
    notification = Notification(
        endpoint=_endpoint(endpoint),
        attributes=read_names(inner, "attributes", context),
        pick=inner.texts("pick"),
        omit=inner.texts("omit"),
        format=inner.choice("format", FORMATS),
        join=inner.choice("join", ("flat", "inline", "@none")),
        join_level=_level(inner),
        show_changes=bool(inner.flag("showChanges")),
        sys_attrs=bool(inner.flag("sysAttrs")),
    )
    if notification.show_changes and notification.format in ("simplified", "keyValues"):
        raise Invalid("must not be combined with the format simplified", field="notification.showChanges")
    read_projection(notification, context)
    return notification


def _level(members: SubscriptionMembers) -> int:
    level = members.positive("joinLevel") or 1
    if level != int(level) or level > MAX_JOIN_LEVEL:
        raise Invalid(f"must be a whole number up to {MAX_JOIN_LEVEL}", field=members.place("joinLevel"))
    return int(level)


def _endpoint(members: SubscriptionMembers) -> Endpoint:
    members.check_known(KNOWN_OF_ENDPOINT)
    if "uri" not in members:
        raise Invalid("is missing", field=members.place("uri"))
    endpoint = Endpoint(
        uri=members.uri("uri"),
        accept=members.choice("accept", MEDIA, "application/json"),
        timeout_ms=members.positive("timeout"),
        cooldown_ms=members.positive("cooldown"),
        receiver_info=_pairs(members, "receiverInfo"),
        notifier_info=_pairs(members, "notifierInfo"),
    )
    scheme = endpoint.uri.partition(":")[0].lower()
    if scheme in HTTP_SCHEMES:
        _check_headers(endpoint.receiver_info, members)
    if scheme in MQTT_SCHEMES:
        read_target(endpoint.uri, {pair.key: pair.value for pair in endpoint.notifier_info})
    elif scheme not in HTTP_SCHEMES:
        known = ", ".join(HTTP_SCHEMES + MQTT_SCHEMES)
        raise Invalid(f"must have one of the schemes {known}, not {scheme!r}", field=members.place("uri"))
    return endpoint


def _check_headers(pairs: list[KeyValuePair], members: SubscriptionMembers) -> None:
    for number, pair in enumerate(pairs):
        if pair.key.lower() in RESERVED:
            place = f"{members.place('receiverInfo')}[{number}].key"
            raise Invalid("must not be a header field that frames the message", field=place)


def _pairs(members: SubscriptionMembers, name: str) -> list[KeyValuePair]:
    found = []
    for each in members.objects(name):
        each.check_known(("key", "value"))
        for member in ("key", "value"):
            if not isinstance(each.raw(member), str):
                raise Invalid("must be a string", field=each.place(member))
        pair = KeyValuePair(each.raw("key"), each.raw("value"))
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", pair.key):
            raise Invalid("must be the name of a header field", field=each.place("key"))
        if re.search(r"[\r\n\0]", pair.value):
            raise Invalid("must be the value of a header field, in one line", field=each.place("value"))
        found.append(pair)
    return found


def read_names(members: SubscriptionMembers, name: str, context: Context) -> list[str]:
    """Read a member that lists attributes; return their IRIs, each once."""
    return list(dict.fromkeys(members.texts(name, context.name)))
