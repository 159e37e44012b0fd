"""The notifier: follows the stream, finds the subscriptions that a change concerns, and queues it for their delivery.

Its mark is written to the store by `delivery`, in one transaction with what is still to be delivered: so after a crash
it goes on, in the order of the stream, with the first batch that was not done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from rhinecloud.changes.batch import Batch
from rhinecloud.changes.follower import Follower
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.change import Change
from rhinecloud.store.port import Store
from rhinecloud.stream.port import Frame, Stream
from rhinecloud.subscriptions.delivery.deliveries import Deliveries
from rhinecloud.subscriptions.delivery.items import FrameInProgress, PendingItem
from rhinecloud.subscriptions.delivery.queue import DeliveryQueue
from rhinecloud.subscriptions.delivery.statistics import NotifierState
from rhinecloud.subscriptions.links import SubscriptionLinks
from rhinecloud.subscriptions.matching.change_header import decode_headers
from rhinecloud.subscriptions.matching.index import SubscriptionIndex
from rhinecloud.subscriptions.model import Subscription, status_of
from rhinecloud.subscriptions.representation.notification import Representation
from rhinecloud.subscriptions.rights import SubscriptionOwner, SubscriptionRights
from rhinecloud.subscriptions.served import BatchTime, ServedSubscription

log = logging.getLogger(__name__)

TURN_S = 0.004
"""A large batch lets other tasks run after this time."""


class Notifier:
    """Delivers changes to subscribers; `serve` and `forget` keep it up to date."""

    def __init__(
        self, store: Store, stream: Stream, rights: SubscriptionRights, clock: Clock, deliveries: Deliveries
    ) -> None:
        self.follower = Follower("notifier", stream, urgent=True)
        self.rights = rights
        self.deliveries = deliveries
        self.links = SubscriptionLinks(store, rights)
        self._index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
        self._clock = clock
        self._representations: WeakValueDictionary[Representation, Representation] = WeakValueDictionary()
        """Each representation once, so that equal ones are the same."""
        self._failed = 0
        self._read = 0
        """The last change that was queued."""

    async def open(self, subscriptions: Iterable[ServedSubscription]) -> None:
        """Read position, counters and pending items of an earlier run; `run` goes on from there."""
        self._read = await self.deliveries.open()
        for each in subscriptions:
            self.serve(each)

    async def run(self) -> None:
        """Follow the stream until cancelled; it may be started again after it failed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="notifier")
            tasks.create_task(self.deliveries.run(), name="notifier: save")

    async def close(self) -> None:
        """Write down what is left and close connections, after `run` has ended."""
        await self.deliveries.close()

    def serve(self, served: ServedSubscription) -> None:
        """Serve a subscription, or serve it from now on as it is now."""
        subscription = served.subscription
        served.representation = self._representations.setdefault(served.representation, served.representation)
        self.deliveries.serve(subscription, self.rights.owner_of(subscription), served.compose, served.link)
        is_active = status_of(subscription, format_time(self._clock())) == "active"
        if is_active and not subscription.interval_s:
            self._index.put(served)
        else:
            self._index.remove(subscription.tenant, subscription.id)  # no change concerns it

    async def forget(self, subscription: Subscription) -> None:
        """Stop serving a subscription and drop whatever waits for it."""
        self._index.remove(subscription.tenant, subscription.id)
        await self.deliveries.forget(subscription)

    def state(self) -> NotifierState:
        """Return the figures for the status page."""
        missed = self.follower.counters.missed
        return replace(self.deliveries.state(), missed=missed, failed=self._failed)

    def outcomes(self) -> dict[str, int]:
        """Count notifications by outcome."""
        return self.deliveries.outcomes()

    async def _follow(self) -> None:
        self.deliveries.interrupt_frame(self._read)
        self.follower.start_after(self._read)
        async with aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                await self._queue(batch)
                await self.deliveries.wait_for_capacity()

    async def _queue(self, batch: Batch) -> None:
        """Queue the notifications of a batch and start to send them."""
        frame = self.deliveries.begin_frame(batch.last)
        now = BatchTime(self.deliveries.clock.now(), self._clock().timestamp(), batch.last)
        touched: dict[DeliveryQueue, None] = {}
        until = time.monotonic() + TURN_S
        for change in batch.changes() if self._may_concern(batch.frame) else ():
            if change.seq > self._read:
                self._read = change.seq
                try:
                    await self._queue_change(change, now, frame, touched)
                except Exception:
                    self._failed += 1
                    log.exception("the notifications of change %d cannot be made", change.seq)
            if time.monotonic() > until:
                self._start(touched)
                await asyncio.sleep(0)
                until = time.monotonic() + TURN_S
        self._read = batch.last
        frame.is_queued = True
        self._start(touched)

    def _start(self, touched: dict[DeliveryQueue, None]) -> None:
        self.deliveries.start(touched)
        touched.clear()

    def _may_concern(self, frame: Frame) -> bool:
        """Return False where no subscription can want any change of a frame, without decoding all of it."""
        if not len(self._index):
            return False
        may_concern = self._index.may_concern
        headers = frame.changes() if frame.is_decoded else decode_headers(frame.body)
        return any(may_concern(each.tenant, each.entity.id, each.entity.type) for each in headers)

    async def _queue_change(
        self, change: Change, now: BatchTime, frame: FrameInProgress, touched: dict[DeliveryQueue, None]
    ) -> None:
        """Queue a change for the subscriptions that it concerns; each representation is rendered once."""
        concerned, differences = await self.links.resolve(partial(self._index.match, change))
        if not concerned:
            return
        types, facts = tuple(change.entity.type), self.rights.facts(change.entity)
        rendered: dict[int, bytes] = {}
        allowed: dict[SubscriptionOwner, bool] = {}
        for served in concerned:
            queue = self.deliveries.find(served.key)
            if queue is None:
                continue  # it was deleted while links were read
            owner = queue.route.owner
            if owner not in allowed:
                allowed[owner] = owner.may_read(types, now.instant, facts)
            if not (allowed[owner] and served.is_due(now)):
                continue
            body = rendered.get(id(served.representation))
            if body is None:
                assert differences is not None
                body = await self.links.resolve(partial(served.render_change, differences))
                rendered[id(served.representation)] = body
            item = PendingItem(change.seq, change.entity.id, body, types, facts)
            frame.add(served.key, item)
            queue.put(item)
            touched[queue] = None
