"""One subscription's queue and how it is emptied, so that a receiver that is slow or dead delays nobody else.

The order is kept: one notification is on its way at a time, and the next one carries whatever came meanwhile, up to
a number of entities, each at most once. A notification that fails is repeated as it was, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.store.port import Store
from rhinecloud.subscriptions.delivery.backlog import Backlog
from rhinecloud.subscriptions.delivery.clock import CachedClock
from rhinecloud.subscriptions.delivery.pending import PendingItem
from rhinecloud.subscriptions.model.subscription import DeliveryCounters, Subscription, status_of
from rhinecloud.subscriptions.rights import SubscriptionOwner
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.port import NotDelivered, PreparedNotification, Send

log = logging.getLogger(__name__)

Compose = Callable[[str, str, Sequence[bytes]], bytes]
"""Makes the body of a notification from its id, the present moment and its entities."""


@dataclass(frozen=True, slots=True)
class DeliveryRoute:
    """How a subscription's notifications are made and sent, and for whom; replaced when the subscription changes."""

    subscription: Subscription
    compose: Compose
    send: Send
    reader: SubscriptionOwner


class DeliveryQueue:
    """The queue of one subscription; `put` never waits, and `go` begins to send what was put.

    What must be written down stands in the `backlog` and in `unsaved` (the counters); a lane that has any of it stands
    in `dirty`. Give it its `way` before anything else.
    """

    def __init__(
        self,
        key: str,
        counters: DeliveryCounters,
        store: Store,
        settings: NotificationSettings,
        moments: CachedClock,
        dirty: set[DeliveryQueue],
    ) -> None:
        self.key = key
        self.way: DeliveryRoute
        self.counters = counters
        self.unsaved = False
        self.backlog = Backlog(key, store, settings)
        self._dirty = dirty
        self._settings = settings
        self._moments = moments
        self._name = derived_urn("Notification", key)
        self._current: list[PendingItem] = []
        self._body = b""
        """The notification that carries `_current`."""
        self._fetching: asyncio.Task[None] | None = None
        self._sending: PreparedNotification | None = None
        self._pausing: asyncio.TimerHandle | None = None
        self._failures = 0
        self._refusals = 0
        self.retried = 0

    @property
    def waiting(self) -> int:
        """How many items are not delivered yet."""
        return len(self._current) + len(self.backlog)

    def put(self, item: PendingItem) -> None:
        """Queue an item."""
        if self.waiting >= self._settings.max_pending:
            self._count_dropped(self.backlog.drop_oldest())
        if not self.backlog.put(item):
            self._dirty.add(self)

    def clear(self) -> None:
        """Stop, and forget everything that waits; the chunks to be deleted stand in the backlog's `emptied` then."""
        self.stop()
        self.backlog.clear(self._current)
        self._current, self._body = [], b""
        if self.backlog.emptied:
            self._dirty.add(self)

    def stop(self) -> None:
        """Stop, and leave what waits where it is: the end of the process, not of the subscription."""
        for each in (self._fetching, self._sending, self._pausing):
            if each is not None:
                each.cancel()
        self._fetching = self._sending = self._pausing = None

    def go(self) -> None:
        """Send what waits, unless a notification is on its way: at once, where it is at hand."""
        while not self._current and self._fetching is None:
            if self.backlog.at_hand:
                self._begin()
            elif len(self.backlog):
                self._fetching = asyncio.create_task(self._fetch(), name=f"fetch for {self.key}")
            else:
                return

    def _begin(self) -> None:
        """Send the next notification."""
        moment = self._moments.now()
        self._current = self.backlog.take(lambda item: self._may_send(item, moment))
        self._refusals = 0
        if not (self._current and self._attempt(moment)):
            self._end_current()

    def _hear(self, error: NotDelivered | None) -> None:
        """Take the outcome of an attempt: go on after a good one, else wait and try again, or give up."""
        self._sending = None
        if error is None:
            self._note_success()
            self._end_current()
            self.go()
            return
        self._note_failure()
        self._refusals += error.refused
        if self._refusals < self._settings.refusals:
            self._pausing = asyncio.get_running_loop().call_later(self._pause(), self._repeat)
            return
        self._count_dropped(len(self._current))
        self._end_current()
        self.go()

    def _repeat(self) -> None:
        """Send a notification once more, unless the owner lost a right meanwhile."""
        self._pausing = None
        moment = self._moments.now()
        if not (all(self._may_send(item, moment) for item in self._current) and self._attempt(moment)):
            self._end_current()
            self.go()

    def _may_send(self, item: PendingItem, moment: str) -> bool:
        return self.way.reader.may_read(item.types, moment, item.facts)

    async def _fetch(self) -> None:
        """Refill the memory, then go on; what cannot be read is given up."""
        while len(self.backlog) and not self.backlog.at_hand:
            try:
                await self.backlog.refill()
            except Unavailable as error:
                log.warning("what waits for %s cannot be read now: %s", self.key, error)
                await asyncio.sleep(self._settings.first_retry_s)
            except Exception:
                log.exception("what waits for %s cannot be read", self.key)
                self._count_dropped(self.backlog.drop_chunk())
        self._fetching = None
        self.go()

    def _compose(self, moment: str) -> bytes:
        """Make the notification; what tells the same changes has the same id, also after a crash."""
        first, last = self._current[0].seq, self._current[-1].seq
        changes = f"{first}-{last}-{len(self._current)}" if last != first else str(first or moment)
        return self.way.compose(f"{self._name}:{changes}", moment, [item.body for item in self._current])

    def _attempt(self, moment: str) -> bool:
        """Send what is current, with the same body each time; what cannot be made or sent at all is given up.

        Tells whether it is on its way: while the subscription rests nothing is sent.
        """
        way, counters = self.way, self.counters
        try:
            if status_of(way.subscription, moment) != "active":
                return False
            self._body = self._body or self._compose(moment)
            self._sending = way.send(self._body, self._hear)
        except Exception:
            log.exception("%s cannot be notified", self.key)
            self._count_dropped(len(self._current))
            return False
        counters.times_sent += 1
        counters.last_notification = moment
        self.retried += self._failures > 0
        self._note_counters()
        return True

    def _note_success(self) -> None:
        self._failures = 0
        self.counters.last_success = self.counters.last_notification
        self.counters.status = "ok"

    def _note_failure(self) -> None:
        self._failures += 1
        self.counters.times_failed += 1
        self.counters.last_failure = self._moments.now()
        self.counters.status = "failed"

    def _pause(self) -> float:
        """Give the seconds to wait after a failure: doubling, with jitter, and never less than the cooldown."""
        longest = self._settings.max_retry_s
        doubled = min(longest, self._settings.first_retry_s * 2.0 ** min(self._failures - 1, 16))
        jittered = doubled * random.uniform(0.5, 1.0)
        return max(jittered, self.way.subscription.notification.endpoint.cooldown_ms / 1000)

    def _end_current(self) -> None:
        done, self._current, self._body = self._current, [], b""
        for item in done:
            self.backlog.finish(item)
        if self.backlog.emptied:
            self._dirty.add(self)

    def _count_dropped(self, number: int) -> None:
        self.counters.dropped += number
        self._note_counters()

    def _note_counters(self) -> None:
        if not self.unsaved:
            self.unsaved = True
            self._dirty.add(self)
