"""A subscription made ready to be served: matched, judged, shown, addressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from rhinecloud.broker.links.join import Find
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.documents import CORE_URL
from rhinecloud.ngsild.entity import Entity
from rhinecloud.subscriptions.delivery.pending import SEPARATOR
from rhinecloud.subscriptions.matching.conditions import judge_of, query_of
from rhinecloud.subscriptions.matching.differences import Differences
from rhinecloud.subscriptions.matching.gates import gate_of
from rhinecloud.subscriptions.matching.index import PreparedSubscription
from rhinecloud.subscriptions.model.notification import (
    GEO_JSON,
    JSON_LD,
    LinkedRepresentation,
    Representation,
    composer,
    show,
    show_entity,
)
from rhinecloud.subscriptions.model.projection import options_of
from rhinecloud.subscriptions.model.subscription import Subscription, Trigger, status_of

REL = "http://www.w3.org/ns/json-ld#context"


class CurrentFrame(NamedTuple):
    """Now: printed, as seconds since 1970, and as the frame of the stream that is being told."""

    moment: str
    second: float
    frame: int


class ServedSubscription(PreparedSubscription):
    """A subscription with everything that serving it needs; made anew when it changes.

    `link` is the Link header's value that names the @context, '' where the body carries it.
    """

    __slots__ = ("_find", "_last_frame", "_last_second", "compose", "conditions", "key", "link", "look")

    def __init__(
        self, subscription: Subscription, written_in: Context, shown_in: Context, find: Find
    ) -> None:
        """Make ready; raises Invalid or Unsupported where the subscription is no longer understood.

        `written_in` is the @context of its conditions and projections, `shown_in` that of its notifications; `find`
        gives other entities by id, as far as the owner may read them.
        """
        self.key = key_of(subscription)
        self.conditions = query_of(subscription, written_in)
        judge = judge_of(subscription, self.conditions, written_in, find)
        super().__init__(subscription, *judge, gate_of(self.conditions))
        self._find = find
        accept = subscription.notification.endpoint.accept
        url = subscription.jsonld_context or CORE_URL
        in_body = accept == JSON_LD or (accept == GEO_JSON and not _prefers_json(subscription))
        self.look = Representation(
            context=shown_in,
            options=options_of(subscription, written_in),
            show_changes=subscription.notification.show_changes,
            named_deletions=self.watched if Trigger.ATTRIBUTE_DELETED in self.triggers else frozenset(),
            accept=accept,
            body_context=orjson.dumps(url) if in_body else b"",
            linking=_linking_of(subscription),
        )
        self.link = "" if in_body else f'<{url}>; rel="{REL}"; type="application/ld+json"'
        self.compose: Callable[[str, str, Sequence[bytes]], bytes] = composer(subscription.id, self.look)
        self._last_second = 0.0
        self._last_frame = 0

    def is_due(self, present: CurrentFrame) -> bool:
        """Tell whether a change may be told now: the subscription is active, told on change, and not throttled.

        What comes in the same frame of the stream as the last change told belongs to the same notification.
        """
        subscription = self.subscription
        if subscription.interval_s or status_of(subscription, present.moment) != "active":
            return False
        if subscription.throttling_s:
            if (
                present.frame != self._last_frame
                and present.second - self._last_second < subscription.throttling_s
            ):
                return False
            self._last_second, self._last_frame = present.second, present.frame
        return True

    def show(self, differences: Differences) -> bytes:
        """Show a change as this subscriber wants it."""
        return show(differences, self.look, self._find)

    def show_entity(self, entity: Entity) -> bytes:
        """Show an entity as it is, as this subscriber wants it."""
        return show_entity(entity, self.look, self._find)


def key_of(subscription: Subscription) -> str:
    """Name a subscription uniquely among all tenants."""
    return f"{subscription.tenant}{SEPARATOR}{subscription.id}"


def _linking_of(subscription: Subscription) -> LinkedRepresentation | None:
    notification = subscription.notification
    if notification.join not in ("flat", "inline"):
        return None
    return LinkedRepresentation(notification.join == "inline", notification.join_level, subscription.owner.id)


def _prefers_json(subscription: Subscription) -> bool:
    pairs = subscription.notification.endpoint.receiver_info
    return any(pair.key.lower() == "prefer" and pair.value.replace(" ", "") == "body=json" for pair in pairs)
