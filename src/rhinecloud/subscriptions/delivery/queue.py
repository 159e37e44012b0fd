"""The queue of one subscription and how it is sent, so that a slow or dead receiver delays no other.

Order is kept: one notification is being sent at a time, and the next one contains what came meanwhile, up to a number
of entities, each at most once. A notification that fails is repeated unchanged, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.subscriptions.clock import CachedClock, Instant
from rhinecloud.subscriptions.delivery.backlog import Backlog
from rhinecloud.subscriptions.delivery.items import PendingItem
from rhinecloud.subscriptions.model import DeliveryCounters, Subscription, status_of
from rhinecloud.subscriptions.rights import SubscriptionOwner
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.port import Attempt, NotDelivered, Send

log = logging.getLogger(__name__)

Compose = Callable[[str, str, Sequence[bytes]], bytes]
"""Returns the body of a notification from its id, the present time and its entities."""


@dataclass(frozen=True, slots=True)
class DeliveryRoute:
    """How a subscription's notifications are composed and sent, and whose rights count; replaced when it changes."""

    subscription: Subscription
    compose: Compose
    send: Send
    owner: SubscriptionOwner


class DeliveryQueue:
    """The queue of one subscription; `put` never waits, and `start` begins to send.

    `mark_dirty` is called when the backlog or the counters (`is_unsaved`) have something to write. Set `route` before
    anything else.
    """

    def __init__(
        self,
        key: str,
        counters: DeliveryCounters,
        backlog: Backlog,
        settings: NotificationSettings,
        clock: CachedClock,
        mark_dirty: Callable[[DeliveryQueue], None],
    ) -> None:
        self.key = key
        self.route: DeliveryRoute
        self.counters = counters
        self.is_unsaved = False
        self.backlog = backlog
        self.retried = 0
        self._mark_dirty = mark_dirty
        self._settings = settings
        self._clock = clock
        self._name = derived_urn("Notification", key)
        self._current: list[PendingItem] = []
        self._body = b""
        """The notification of `_current`."""
        self._refilling: asyncio.Task[None] | None = None
        self._attempt: Attempt | None = None
        self._retry_timer: asyncio.TimerHandle | None = None
        self._failures = 0
        self._refusals = 0

    @property
    def waiting(self) -> int:
        """The number of items that are not done."""
        return len(self._current) + len(self.backlog)

    @property
    def is_dirty(self) -> bool:
        """Return whether something must be written."""
        return self.is_unsaved or self.backlog.is_dirty

    def put(self, item: PendingItem) -> None:
        """Add an item."""
        if self.waiting >= self._settings.max_pending:
            self._count_dropped(self.backlog.drop_oldest())
        if not self.backlog.put(item):
            self._mark_dirty(self)

    def clear(self) -> None:
        """Stop, and drop everything that waits."""
        self.stop()
        self.backlog.clear(self._current)
        self._current, self._body = [], b""
        if self.backlog.is_dirty:
            self._mark_dirty(self)

    def stop(self) -> None:
        """Stop sending; what waits stays where it is."""
        for each in (self._refilling, self._attempt, self._retry_timer):
            if each is not None:
                each.cancel()
        self._refilling = self._attempt = self._retry_timer = None

    def start(self) -> None:
        """Send what waits, unless a notification is being sent."""
        while not self._current and self._refilling is None:
            if self.backlog.in_memory:
                self._send_next()
            elif len(self.backlog):
                self._refilling = asyncio.create_task(self._refill(), name=f"refill {self.key}")
            else:
                return

    def _send_next(self) -> None:
        now = self._clock.now()
        self._current = self.backlog.take(lambda item: self._may_send(item, now))
        self._refusals = 0
        if not (self._current and self._try_to_send(now)):
            self._end_current()

    def _on_result(self, error: NotDelivered | None) -> None:
        """Go on after a good answer; after another, repeat the notification or drop it."""
        self._attempt = None
        if error is None:
            self._note_success()
            self._end_current()
            self.start()
            return
        self._note_failure(str(error))
        self._refusals += error.refused
        if self._refusals < self._settings.refusals:
            loop = asyncio.get_running_loop()
            self._retry_timer = loop.call_later(self._retry_pause_s(), self._repeat)
            return
        self._count_dropped(len(self._current))
        self._end_current()
        self.start()

    def _repeat(self) -> None:
        """Send a notification again, unless the owner has lost a right meanwhile."""
        self._retry_timer = None
        now = self._clock.now()
        if not (all(self._may_send(item, now) for item in self._current) and self._try_to_send(now)):
            self._end_current()
            self.start()

    def _may_send(self, item: PendingItem, now: Instant) -> bool:
        return self.route.owner.may_read(item.types, now, item.facts)

    async def _refill(self) -> None:
        """Refill the memory, then go on; a chunk that cannot be read is dropped."""
        while len(self.backlog) and not self.backlog.in_memory:
            try:
                await self.backlog.refill()
            except Unavailable as error:
                log.warning("pending notifications of %s cannot be read now: %s", self.key, error)
                await asyncio.sleep(self._settings.first_retry_s)
            except Exception:
                log.exception("pending notifications of %s cannot be read", self.key)
                self._count_dropped(self.backlog.drop_chunk())
        self._refilling = None
        self.start()

    def _compose(self, now: str) -> bytes:
        """Return the notification; one of the same changes has the same id, also after a crash."""
        first, last = self._current[0].seq, self._current[-1].seq
        changes = f"{first}-{last}-{len(self._current)}" if last != first else str(first or now)
        return self.route.compose(f"{self._name}:{changes}", now, [item.body for item in self._current])

    def _try_to_send(self, now: Instant) -> bool:
        """Return whether the current items are being sent: not while the subscription is inactive.

        A repeat has the same body. What cannot be composed or sent at all is dropped.
        """
        route = self.route
        try:
            if status_of(route.subscription, now.text) != "active":
                return False
            self._body = self._body or self._compose(now.text)
            self._attempt = route.send(self._body, self._on_result)
        except Exception:
            log.exception("a notification of %s cannot be sent", self.key)
            self._count_dropped(len(self._current))
            return False
        self.counters.times_sent += 1
        self.counters.last_notification = now.text
        self.retried += self._failures > 0
        self._note_counters()
        return True

    def _note_success(self) -> None:
        self._failures = 0
        self.counters.last_success = self.counters.last_notification
        self.counters.status = "ok"

    def _note_failure(self, reason: str) -> None:
        self._failures += 1
        self.counters.times_failed += 1
        self.counters.last_failure = self._clock.now().text
        self.counters.last_failure_reason = reason
        self.counters.status = "failed"

    def _retry_pause_s(self) -> float:
        """Return the seconds before the next attempt: doubling, with jitter, and never below the cooldown."""
        longest = self._settings.max_retry_s
        doubled = min(longest, self._settings.first_retry_s * 2.0 ** min(self._failures - 1, 16))
        jittered = doubled * random.uniform(0.5, 1.0)
        return max(jittered, self.route.subscription.notification.endpoint.cooldown_ms / 1000)

    def _end_current(self) -> None:
        done, self._current, self._body = self._current, [], b""
        for item in done:
            self.backlog.finish(item)
        if self.backlog.is_dirty:
            self._mark_dirty(self)

    def _count_dropped(self, number: int) -> None:
        self.counters.dropped += number
        self._note_counters()

    def _note_counters(self) -> None:
        if not self.is_unsaved:
            self.is_unsaved = True
            self._mark_dirty(self)
