"""Which members of an entity a notification shows.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.5, 4.15, 4.21 and 5.2.14.1.
"""

from __future__ import annotations

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.options import Options, parse_lang, parse_names
from rhinecloud.subscriptions.model import Notification, Subscription

FORMS = {"keyValues": "simplified", "": "normalized"}


def read_projection(notification: Notification, context: Context) -> tuple[frozenset[str], frozenset[str]]:
    """Return the IRIs of `pick` and `omit`. Raise Invalid where they, or `attributes`, contradict each other."""
    place = "notification"
    if notification.attributes and (notification.pick or notification.omit):
        raise Invalid("must not be combined with pick or omit", field=f"{place}.attributes")
    pick = _names(notification.pick, context, f"{place}.pick")
    omit = _names(notification.omit, context, f"{place}.omit")
    if pick & omit:
        both = ", ".join(sorted(context.compact(each) for each in pick & omit))
        raise Invalid(f"must not contain what pick contains: {both}", field=f"{place}.omit")
    return pick, omit


def options_of(subscription: Subscription, context: Context) -> Options:
    """Return how entities are shown; `context` is the one that the subscription uses."""
    notification = subscription.notification
    pick, omit = read_projection(notification, context)
    return Options(
        form=FORMS.get(notification.format, notification.format),
        sys_attrs=notification.sys_attrs,
        pick=pick,
        omit=omit,
        attrs=frozenset(notification.attributes),
        lang=parse_lang(subscription.lang) if subscription.lang else (),
        dataset_ids=frozenset("" if each == "@none" else each for each in subscription.dataset_ids),
        geojson=notification.endpoint.accept == "application/geo+json",
    )


def _names(texts: list[str], context: Context, place: str) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for text in texts:
        found |= parse_names(text, context, field=place)
    return found
