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
from functools import partial

from rhinecloud.broker.subscriptions.backlog import Backlog
from rhinecloud.broker.subscriptions.endpoint import NotDelivered, Send
from rhinecloud.broker.subscriptions.model import Counters, Subscription, status_of
from rhinecloud.broker.subscriptions.pending import Item
from rhinecloud.broker.subscriptions.settings import NotificationSettings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.store.port import Store

log = logging.getLogger(__name__)

Compose = Callable[[str, str, Sequence[bytes]], bytes]
"""Makes the body of a notification from its id, the present moment and its entities."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a subscription's notifications are made and sent; replaced when the subscription changes.

    `may_read` tells whether the owner may, at this moment, be told of an entity of some types.
    """

    subscription: Subscription
    compose: Compose
    send: Send
    may_read: Callable[[Sequence[str]], bool]


class Lane:
    """The queue of one subscription; `put` never waits, and `go` begins to send what was put.

    What must be written down stands in the `backlog` and in `unsaved` (the counters); a lane that has any of it stands
    in `dirty`. Give it its `way` before anything else.
    """

    def __init__(
        self,
        key: str,
        counters: Counters,
        store: Store,
        settings: NotificationSettings,
        clock: Clock,
        dirty: set[Lane],
    ) -> None:
        self.key = key
        self.way: Way
        self.counters = counters
        self.unsaved = False
        self.backlog = Backlog(key, store, settings)
        self._dirty = dirty
        self._settings = settings
        self._clock = clock
        self._current: list[Item] = []
        self._task: asyncio.Task[None] | None = None
        self._sending: asyncio.Future[None] | None = None
        self._failures = 0
        self.retried = 0

    @property
    def waiting(self) -> int:
        """How many items are not delivered yet."""
        return len(self._current) + len(self.backlog)

    def put(self, item: Item) -> None:
        """Queue an item."""
        if self.waiting >= self._settings.max_pending:
            self._count_dropped(self.backlog.drop_oldest())
        self.backlog.put(item)
        self._note_dirt()

    def clear(self) -> None:
        """Stop, and forget everything that waits; the chunks to be deleted stand in the backlog's `emptied` then."""
        self.stop()
        self.backlog.clear(self._current)
        self._current = []
        self._note_dirt()

    def stop(self) -> None:
        """Stop, and leave what waits where it is: the end of the process, not of the subscription."""
        for each in (self._task, self._sending):
            if each is not None:
                each.cancel()
        self._task = self._sending = None

    def go(self) -> None:
        """Send what waits, unless a notification is on its way: at once, where it is at hand."""
        while not self._current and self._task is None:
            if self.backlog.is_at_hand:
                self._begin()
            elif len(self.backlog):
                self._task = asyncio.create_task(self._fetch(), name=f"fetch for {self.key}")
            else:
                return

    def _begin(self) -> None:
        """Send the next notification; one that is taken at the first attempt needs no task."""
        self._current = self.backlog.take(self.way.may_read)
        if not self._current:
            self._note_dirt()
            return
        try:
            if self._is_active():
                body = self._compose(self._current)
                self._sending = self._attempt(body)
                self._sending.add_done_callback(partial(self._hear, body))
                return
        except Exception:
            log.exception("%s cannot be notified", self.key)
            self._count_dropped(len(self._current))
        self._end_current()

    def _hear(self, body: bytes, sending: asyncio.Future[None]) -> None:
        """Take the first answer: go on after a good one, else insist."""
        if sending is not self._sending:
            return  # it was stopped
        self._sending = None
        if sending.exception() is None:
            self._note_success()
            self._end_current()
            self.go()
        else:
            name = f"notify {self.way.subscription.id} again"
            self._task = asyncio.create_task(self._insist(body, sending), name=name)

    async def _insist(self, body: bytes, sending: asyncio.Future[None]) -> None:
        """Repeat a notification until it arrives or is given up, then go on."""
        try:
            await self._repeat(body, sending)
        except Exception:
            log.exception("%s cannot be notified", self.key)
            self._count_dropped(len(self._current))
        self._end_current()
        self._task = None
        self.go()

    async def _repeat(self, body: bytes, sending: asyncio.Future[None]) -> None:
        refusals = 0
        while True:
            try:
                await sending
            except NotDelivered as error:
                self._note_failure()
                refusals += error.refused
            else:
                self._note_success()
                return
            if refusals >= self._settings.refusals:
                self._count_dropped(len(self._current))
                return
            await asyncio.sleep(self._pause())
            if not self._may_go_again():
                return
            sending = self._attempt(body)

    async def _fetch(self) -> None:
        """Refill the memory, then go on; what cannot be read is given up."""
        while len(self.backlog) and not self.backlog.is_at_hand:
            try:
                await self.backlog.refill()
            except Unavailable as error:
                log.warning("what waits for %s cannot be read now: %s", self.key, error)
                await asyncio.sleep(self._settings.first_retry_s)
            except Exception:
                log.exception("what waits for %s cannot be read", self.key)
                self._count_dropped(self.backlog.drop_chunk())
        self._task = None
        self.go()

    def _is_active(self) -> bool:
        return status_of(self.way.subscription, format_time(self._clock())) == "active"

    def _may_go_again(self) -> bool:
        """Tell whether what failed may be sent still: the owner may have lost a right meanwhile."""
        return self._is_active() and all(self.way.may_read(item.types) for item in self._current)

    def _compose(self, items: Sequence[Item]) -> bytes:
        moment = format_time(self._clock())
        changes = [str(item.seq) for item in items if item.seq] or [moment]
        name = derived_urn("Notification", self.way.subscription.id, *changes)
        return self.way.compose(name, moment, [item.body for item in items])

    def _attempt(self, body: bytes) -> asyncio.Future[None]:
        sending = self.way.send(body)
        self.counters.times_sent += 1
        self.retried += self._failures > 0
        self.counters.last_notification = format_time(self._clock())
        self.unsaved = True
        self._dirty.add(self)
        return sending

    def _note_success(self) -> None:
        self._failures = 0
        self.counters.last_success = self.counters.last_notification
        self.counters.status = "ok"

    def _note_failure(self) -> None:
        self._failures += 1
        self.counters.times_failed += 1
        self.counters.last_failure = format_time(self._clock())
        self.counters.status = "failed"

    def _pause(self) -> float:
        """Give the seconds to wait after a failure: doubling, with jitter, and never less than the cooldown."""
        longest = self._settings.max_retry_s
        doubled = min(longest, self._settings.first_retry_s * 2.0 ** min(self._failures - 1, 16))
        jittered = doubled * random.uniform(0.5, 1.0)
        return max(jittered, self.way.subscription.notification.endpoint.cooldown_ms / 1000)

    def _end_current(self) -> None:
        done, self._current = self._current, []
        for item in done:
            self.backlog.finish(item)
        self._note_dirt()

    def _note_dirt(self) -> None:
        if self.backlog.is_dirty:
            self._dirty.add(self)

    def _count_dropped(self, number: int) -> None:
        self.counters.dropped += number
        self.unsaved = True
        self._dirty.add(self)
