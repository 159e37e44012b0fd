"""The notifier: follows the stream of changes, finds who must hear of each, and queues it for their lanes.

It is a durable consumer that keeps its own mark in the store instead of acknowledging frames one by one: so after a
crash it goes on in the order of the stream, from the first frame with which it was not done. How a frame is done with,
and why nothing is lost, stands in `keeper`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterable
from functools import partial
from weakref import WeakValueDictionary

from rhinecloud.broker.links.join import Find
from rhinecloud.broker.links.loading import EntityLoader
from rhinecloud.changes.batch import Batch
from rhinecloud.changes.follower import Follower
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Store
from rhinecloud.stream.port import Frame, Stream
from rhinecloud.subscriptions.delivery.clock import CachedClock
from rhinecloud.subscriptions.delivery.pending import PendingItem
from rhinecloud.subscriptions.delivery.progress import DeliveryProgress, FrameInProgress
from rhinecloud.subscriptions.delivery.queue import DeliveryQueue, DeliveryRoute
from rhinecloud.subscriptions.delivery.statistics import DeliveryStats, NotifierState
from rhinecloud.subscriptions.delivery.store import DeliveryStore
from rhinecloud.subscriptions.matching.change_header import glance_at
from rhinecloud.subscriptions.matching.index import SubscriptionIndex
from rhinecloud.subscriptions.matching.prepared import CurrentFrame, ServedSubscription, key_of
from rhinecloud.subscriptions.model.notification import Representation
from rhinecloud.subscriptions.model.subscription import DeliveryCounters, Subscription, status_of
from rhinecloud.subscriptions.rights import SubscriptionOwner, SubscriptionRights
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.port import Transport

log = logging.getLogger(__name__)

TICK_S = 0.25
"""How often the book-keeper works: so many seconds of notifications may be repeated after a crash."""

RETRY_S = 0.5

TURN_S = 0.004
"""After so long a large frame lets others have their turn."""


class Notifier:
    """Delivers changes to subscribers. `index` holds the subscriptions; `follow` and `forget` keep it in step."""

    def __init__(
        self,
        store: Store,
        stream: Stream,
        rights: SubscriptionRights,
        clock: Clock,
        settings: NotificationSettings,
        endpoints: dict[str, Transport],
    ) -> None:
        self.index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
        self._store = store
        self.follower = Follower("notifier", stream, urgent=True)
        self.rights = rights
        self._clock = clock
        self._moments = CachedClock(clock)
        self._settings = settings
        self._endpoints = endpoints
        self._ways = set(endpoints.values())
        self._keeper = DeliveryStore(store)
        self.linked = EntityLoader(self._read)
        self._progress = DeliveryProgress(0)
        self._lanes: dict[str, DeliveryQueue] = {}
        self._census = DeliveryStats()
        self._looks: WeakValueDictionary[Representation, Representation] = WeakValueDictionary()
        """Each look once, so that equal ones are the same."""
        self._failed = 0
        self._seen = 0
        self._hurry = asyncio.Event()

    async def open(self, subscriptions: Iterable[ServedSubscription]) -> None:
        """Take over the place in the stream and what an earlier run left; `run` goes on from there."""
        position = await self._keeper.position()
        if position is None:
            position = self._store.last_change()
        self._progress = DeliveryProgress(position)
        self._seen = position
        counters = await self._keeper.counters()
        waiting = await self._keeper.recover(position)
        for ready in subscriptions:
            key = ready.key
            self.follow(ready, counters.get(key))
            if key in waiting:
                self._lanes[key].backlog.restore(waiting[key])
                self._lanes[key].go()

    async def run(self) -> None:
        """Follow the stream and keep the books until cancelled; it may be started again after it failed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_stream(), name="notifier")
            tasks.create_task(self._keep_books(), name="notifier: books")

    async def close(self) -> None:
        """Write down what is left and close connections; `run` has ended before."""
        for lane in self._lanes.values():
            lane.stop()
        with contextlib.suppress(Unavailable):
            await self._keeper.close(self._progress)
        for endpoint in self._ways:
            await endpoint.close()

    def follow(self, ready: ServedSubscription, counters: DeliveryCounters | None = None) -> None:
        """Begin to serve a subscription, or serve it as it is now."""
        subscription, key = ready.subscription, ready.key
        ready.look = self._looks.setdefault(ready.look, ready.look)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = DeliveryQueue(
                key,
                counters or DeliveryCounters(),
                self._store,
                self._settings,
                self._moments,
                self._keeper.dirty,
            )
        else:
            self._census.go(lane)
        scheme = subscription.notification.endpoint.uri.partition(":")[0].lower()
        send = self._endpoints[scheme].way_to(subscription, ready.link)
        lane.way = DeliveryRoute(subscription, ready.compose, send, self.rights.reader(subscription))
        self._census.come(lane)
        is_active = status_of(subscription, format_time(self._clock())) == "active"
        if not is_active:
            lane.clear()
        if is_active and not subscription.interval_s:
            self.index.put(ready)
        else:
            self.index.remove(subscription.tenant, subscription.id)  # no change concerns it

    async def forget(self, subscription: Subscription) -> None:
        """Stop serving a subscription and drop whatever waits for it."""
        self.index.remove(subscription.tenant, subscription.id)
        lane = self._lanes.pop(key_of(subscription), None)
        if lane is not None:
            self._census.go(lane)
            lane.clear()
            await self._keeper.forget(lane)

    def counters(self, subscription: Subscription) -> DeliveryCounters:
        """Give what became of a subscription's notifications."""
        lane = self._lanes.get(key_of(subscription))
        return lane.counters if lane is not None else DeliveryCounters()

    def is_waiting(self, subscription: Subscription) -> bool:
        """Tell whether earlier notifications of a subscription are still to be delivered."""
        return self._lanes[key_of(subscription)].waiting > 0

    def put(self, subscription: Subscription, body: bytes) -> None:
        """Queue entities that no change brought, joined by commas; they are not kept through a crash."""
        lane = self._lanes[key_of(subscription)]
        self._census.stir([lane])
        lane.put(PendingItem(0, "", body, ()))
        lane.go()

    def state(self) -> NotifierState:
        """Give the figures for the status page."""
        position = self._progress.position
        state = NotifierState(
            position=position,
            lag=max(0, self._store.last_change() - position),
            frames_in_hand=len(self._progress),
            missed=self.follower.counters.missed,
            failed=self._failed,
            unreadable=self._keeper.unreadable,
        )
        self._census.count(state)
        return state

    def outcomes(self) -> dict[str, int]:
        """Count notifications by outcome; `retried` are attempts after one that failed, since the start."""
        counters = [lane.counters for lane in self._lanes.values()]
        retried = sum(lane.retried for lane in self._lanes.values())
        sent = sum(each.times_sent - each.times_failed for each in counters)
        failed = sum(each.times_failed for each in counters)
        dropped = sum(each.dropped for each in counters)
        return {"sent": sent, "failed": failed, "retried": retried, "dropped": dropped}

    async def _follow_stream(self) -> None:
        self._progress.interrupt(self._seen)
        self.follower.start_after(self._seen)
        async with contextlib.aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                await self._take(batch)

    async def _take(self, batch: Batch) -> None:
        """Queue the notifications that a batch causes; then wait while too many frames are in progress."""
        hold = self._progress.begin(batch.last, time.monotonic())
        now = self._clock()
        present = CurrentFrame(self._moments.now(), now.timestamp(), batch.last)
        told: dict[DeliveryQueue, None] = {}
        until = time.monotonic() + TURN_S
        for change in batch.changes() if self._may_concern_somebody(batch.frame) else ():
            if change.seq > self._seen:
                self._seen = change.seq
                try:
                    await self._tell(change, present, hold, told)
                except Exception:
                    self._failed += 1
                    log.exception("change %d cannot be told", change.seq)
            if time.monotonic() > until:
                self._send_off(told)
                await asyncio.sleep(0)
                until = time.monotonic() + TURN_S
        self._seen = batch.last
        hold.told = True
        self._send_off(told)
        while len(self._progress) > self._settings.window:
            self._hurry.set()
            await asyncio.sleep(TICK_S / 10)

    def _send_off(self, told: dict[DeliveryQueue, None]) -> None:
        self._census.stir(told)
        for lane in told:
            lane.go()
        told.clear()
        for endpoint in self._ways:
            endpoint.flush()

    def _may_concern_somebody(self, frame: Frame) -> bool:
        if not len(self.index):
            return False
        may = self.index.may_concern
        seen = frame.changes() if frame.is_decoded else glance_at(frame.body)
        return any(may(each.tenant, each.entity.id, each.entity.type) for each in seen)

    async def _tell(
        self, change: Change, present: CurrentFrame, hold: FrameInProgress, told: dict[DeliveryQueue, None]
    ) -> None:
        """Queue a change for each of those who must hear of it; each look is made once, however many share it."""
        concerned, differences = await self.linked.run(partial(self.index.match, change))
        types, facts = tuple(change.entity.type), self.rights.facts(change.entity)
        shown: dict[int, bytes] = {}
        allowed: dict[SubscriptionOwner, bool] = {}
        for ready in concerned:
            lane = self._lanes.get(ready.key)
            if lane is None:
                continue  # it was deleted while others were looked up
            reader = lane.way.reader
            if reader not in allowed:
                allowed[reader] = reader.may_read(types, present.moment, facts)
            if not (allowed[reader] and ready.is_due(present)):
                continue
            body = shown.get(id(ready.look))
            if body is None:
                assert differences is not None
                body = shown[id(ready.look)] = await self.linked.run(partial(ready.show, differences))
            item = PendingItem(change.seq, change.entity.id, body, types, facts)
            hold.add(lane, item)
            lane.put(item)
            told[lane] = None

    def finder_for(self, subscription: Subscription) -> Find:
        """Give the function that looks an entity up for a subscriber, within an act of `linked`."""

        def find(entity_id: str) -> Entity | None:
            entity = self.linked.find((subscription.tenant, entity_id))
            if entity is None or not self.rights.may_read(subscription, entity):
                return None
            return entity

        return find

    async def _read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Entity]:
        found: dict[tuple[str, str], Entity] = {}
        for tenant in {tenant for tenant, _ in keys}:
            stored = await self._store.get_many(tenant, [name for owner, name in keys if owner == tenant])
            found.update(((tenant, name), each.entity()) for name, each in stored.items())
        return found

    async def _keep_books(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), TICK_S)
            overdue_s = 0.0 if self._hurry.is_set() else self._settings.hold_s
            self._hurry.clear()
            try:
                await self._keeper.keep(self._progress, overdue_s)
            except Unavailable as error:
                log.warning("notifications cannot be written down now: %s", error)
                await asyncio.sleep(RETRY_S)
