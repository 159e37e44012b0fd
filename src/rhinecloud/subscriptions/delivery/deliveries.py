"""The deliveries of all subscriptions: their queues, their transports, and what is written down about them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Mapping

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import Clock
from rhinecloud.store.port import Store
from rhinecloud.subscriptions.clock import CachedClock
from rhinecloud.subscriptions.delivery.backlog import Backlog
from rhinecloud.subscriptions.delivery.items import FrameInProgress, PendingChunk, PendingItem
from rhinecloud.subscriptions.delivery.progress import DeliveryProgress
from rhinecloud.subscriptions.delivery.queue import Compose, DeliveryQueue, DeliveryRoute
from rhinecloud.subscriptions.delivery.statistics import DeliveryStats, NotifierState
from rhinecloud.subscriptions.delivery.store import DeliveryStore
from rhinecloud.subscriptions.model import DeliveryCounters, Subscription, key_of, status_of
from rhinecloud.subscriptions.rights import SubscriptionOwner
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.port import Transport

log = logging.getLogger(__name__)

SAVE_EVERY_S = 0.25
"""So many seconds of notifications may be repeated after a crash."""
RETRY_S = 0.5


class Deliveries:
    """One queue for each subscription. `transports` are by the scheme of the receiver's URI."""

    def __init__(
        self, store: Store, clock: Clock, settings: NotificationSettings, transports: Mapping[str, Transport]
    ) -> None:
        self.clock = CachedClock(clock)
        self._store = store
        self._settings = settings
        self._transports = transports
        self._distinct_transports = set(transports.values())
        self._saved = DeliveryStore(store)
        self._progress = DeliveryProgress(0)
        self._queues: dict[str, DeliveryQueue] = {}
        self._stats = DeliveryStats()
        self._recovered: dict[str, list[PendingChunk]] = {}
        self._recovered_counters: dict[str, DeliveryCounters] = {}
        self._save_now = asyncio.Event()

    async def open(self) -> int:
        """Read what an earlier run left; return the last change that it was done with. Raise Unavailable."""
        position = await self._saved.position()
        if position is None:
            position = self._store.last_change()
        self._progress = DeliveryProgress(position)
        self._recovered_counters = await self._saved.counters()
        self._recovered = await self._saved.recover(position)
        return position

    async def run(self) -> None:
        """Write down what must survive a crash, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._save_now.wait(), SAVE_EVERY_S)
            overdue_s = 0.0 if self._save_now.is_set() else self._settings.hold_s
            self._save_now.clear()
            try:
                await self._saved.save(self._progress, overdue_s)
            except Unavailable as error:
                log.warning("pending notifications cannot be written now: %s", error)
                await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Stop sending, write down what is left, and close connections."""
        for queue in self._queues.values():
            queue.stop()
        with contextlib.suppress(Unavailable):
            await self._saved.save_all(self._progress)
        for transport in self._distinct_transports:
            await transport.close()

    def serve(
        self, subscription: Subscription, owner: SubscriptionOwner, compose: Compose, link: str
    ) -> None:
        """Create the queue of a subscription, or send from now on as the subscription is now."""
        key = key_of(subscription)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = self._make_queue(key)
        else:
            self._stats.remove(queue)
        scheme = subscription.notification.endpoint.uri.partition(":")[0].lower()
        send = self._transports[scheme].sender_for(subscription, link)
        queue.route = DeliveryRoute(subscription, compose, send, owner)
        self._stats.add(queue)
        if status_of(subscription, self.clock.now().text) != "active":
            queue.clear()
        queue.start()

    async def forget(self, subscription: Subscription) -> None:
        """Drop what waits for a subscription and everything that is kept about it. Raise Unavailable."""
        key = key_of(subscription)
        chunks = self._recovered.pop(key, [])
        queue = self._queues.pop(key, None)
        if queue is not None:
            self._stats.remove(queue)
            queue.clear()
            chunks += queue.backlog.take_emptied()
        await self._saved.forget(key, chunks)

    def find(self, key: str) -> DeliveryQueue | None:
        """Return the queue of a subscription by its key."""
        return self._queues.get(key)

    def counters(self, subscription: Subscription) -> DeliveryCounters:
        """Return what became of a subscription's notifications."""
        queue = self._queues.get(key_of(subscription))
        return queue.counters if queue is not None else DeliveryCounters()

    def is_waiting(self, subscription: Subscription) -> bool:
        """Return whether earlier notifications of a subscription are pending."""
        return self._queues[key_of(subscription)].waiting > 0

    def begin_frame(self, last: int) -> FrameInProgress:
        """Return a new frame for the items of a batch that ends with the change `last`."""
        return self._progress.begin(last, time.monotonic())

    def interrupt_frame(self, read: int) -> None:
        """End a frame that failed half-way at the change `read`."""
        self._progress.interrupt(read)

    def start(self, queues: Collection[DeliveryQueue]) -> None:
        """Send what was put into these queues, at once."""
        self._stats.note_activity(queues)
        for queue in queues:
            queue.start()
        for transport in self._distinct_transports:
            transport.flush()

    def put(self, subscription: Subscription, body: bytes) -> None:
        """Queue and send entities that no change caused, joined by commas; they do not survive a crash."""
        queue = self._queues[key_of(subscription)]
        queue.put(PendingItem(0, "", body, ()))
        self._stats.note_activity([queue])
        queue.start()

    async def wait_for_capacity(self) -> None:
        """Wait while too many frames are in progress: what they wait for is written down."""
        while len(self._progress) > self._settings.window:
            self._save_now.set()
            await asyncio.sleep(SAVE_EVERY_S / 10)

    def state(self) -> NotifierState:
        """Return the figures of all deliveries."""
        position = self._progress.position
        state = NotifierState(
            position=position,
            lag=max(0, self._store.last_change() - position),
            frames_in_progress=len(self._progress),
            unreadable=self._saved.unreadable,
        )
        self._stats.count(state)
        return state

    def outcomes(self) -> dict[str, int]:
        """Count notifications by outcome; `retried` are attempts after one that failed, since the start."""
        counters = [queue.counters for queue in self._queues.values()]
        retried = sum(queue.retried for queue in self._queues.values())
        sent = sum(each.times_sent - each.times_failed for each in counters)
        failed = sum(each.times_failed for each in counters)
        dropped = sum(each.dropped for each in counters)
        return {"sent": sent, "failed": failed, "retried": retried, "dropped": dropped}

    def _make_queue(self, key: str) -> DeliveryQueue:
        backlog = Backlog(key, self._store, self._settings)
        backlog.restore(self._recovered.pop(key, []))
        counters = self._recovered_counters.pop(key, None) or DeliveryCounters()
        return DeliveryQueue(key, counters, backlog, self._settings, self.clock, self._saved.mark_dirty)
