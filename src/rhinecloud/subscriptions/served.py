"""A subscription that is served: with its conditions and representation compiled, and its times of notification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from rhinecloud.broker.links.join import Find
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.documents import CORE_URL
from rhinecloud.ngsild.entity import Entity
from rhinecloud.subscriptions.clock import Instant
from rhinecloud.subscriptions.matching.conditions import predicate_of, query_of
from rhinecloud.subscriptions.matching.differences import Differences
from rhinecloud.subscriptions.matching.gates import gate_of
from rhinecloud.subscriptions.matching.index import PreparedSubscription
from rhinecloud.subscriptions.model import Subscription, Trigger, key_of, status_of
from rhinecloud.subscriptions.representation.notification import (
    GEO_JSON,
    JSON_LD,
    LinkedRepresentation,
    Representation,
    composer,
    render_change,
    render_entity,
)
from rhinecloud.subscriptions.representation.projection import options_of

REL = "http://www.w3.org/ns/json-ld#context"


class BatchTime(NamedTuple):
    """The present time, also in seconds since 1970, and the last change of the batch that is processed."""

    instant: Instant
    second: float
    last: int


class ServedSubscription(PreparedSubscription):
    """A subscription with everything that serving it needs; made anew when it changes.

    `link` is the Link header's value that names the @context, '' where the body contains it.
    """

    __slots__ = (
        "_find",
        "_notified_batch",
        "_notified_second",
        "compose",
        "conditions",
        "key",
        "link",
        "representation",
    )

    def __init__(
        self, subscription: Subscription, written_in: Context, shown_in: Context, find: Find
    ) -> None:
        """Compile a subscription. Raise Invalid or Unsupported where this version does not understand it.

        `written_in` is the @context of its conditions and projections, `shown_in` that of its notifications; `find`
        returns other entities by id, as far as the owner may read them.
        """
        self.key = key_of(subscription)
        self.conditions = query_of(subscription, written_in)
        predicate = predicate_of(subscription, self.conditions, written_in, find)
        super().__init__(subscription, *predicate, gate_of(self.conditions))
        self._find = find
        accept = subscription.notification.endpoint.accept
        url = subscription.jsonld_context or CORE_URL
        in_body = accept == JSON_LD or (accept == GEO_JSON and not _prefers_json(subscription))
        self.representation = Representation(
            context=shown_in,
            options=options_of(subscription, written_in),
            show_changes=subscription.notification.show_changes,
            named_deletions=self.watched if Trigger.ATTRIBUTE_DELETED in self.triggers else frozenset(),
            accept=accept,
            body_context=orjson.dumps(url) if in_body else b"",
            linking=_linking_of(subscription),
        )
        self.link = "" if in_body else f'<{url}>; rel="{REL}"; type="application/ld+json"'
        self.compose: Callable[[str, str, Sequence[bytes]], bytes] = composer(
            subscription.id, self.representation
        )
        self._notified_second = 0.0
        self._notified_batch = 0

    def is_due(self, now: BatchTime) -> bool:
        """Return whether a change may be notified now: the subscription is active, not periodic, and not throttled.

        Changes in the same batch of the stream as the last notified one belong to the same notification.
        """
        subscription = self.subscription
        if subscription.interval_s or status_of(subscription, now.instant.text) != "active":
            return False
        if subscription.throttling_s:
            is_early = now.second - self._notified_second < subscription.throttling_s
            if is_early and now.last != self._notified_batch:
                return False
            self._notified_second, self._notified_batch = now.second, now.last
        return True

    def render_change(self, differences: Differences) -> bytes:
        """Return the JSON of a change as this subscriber wants it."""
        return render_change(differences, self.representation, self._find)

    def render_entity(self, entity: Entity) -> bytes:
        """Return the JSON of an entity as this subscriber wants it."""
        return render_entity(entity, self.representation, self._find)


def _linking_of(subscription: Subscription) -> LinkedRepresentation | None:
    notification = subscription.notification
    if notification.join not in ("flat", "inline"):
        return None
    return LinkedRepresentation(notification.join == "inline", notification.join_level, subscription.owner.id)


def _prefers_json(subscription: Subscription) -> bool:
    pairs = subscription.notification.endpoint.receiver_info
    return any(pair.key.lower() == "prefer" and pair.value.replace(" ", "") == "body=json" for pair in pairs)
