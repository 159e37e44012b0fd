"""One subscription's queue and how it is emptied, so that a receiver that is slow or dead delays nobody else.

The order is kept: one notification is on its way at a time, and the next one carries whatever came meanwhile, up to
a number of entities, each at most once. A notification that fails is repeated as it was, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rhinecloud.broker.subscriptions.endpoint import NotDelivered, Send
from rhinecloud.broker.subscriptions.model import Counters, Subscription, status_of
from rhinecloud.broker.subscriptions.pending import Chunk, Item, chunk_of, read_back
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

    What must be written down stands in `cut_tail`, `emptied` and `unsaved` (the counters); a lane that has any of it
    stands in `dirty`. Give it its `way` before anything else.
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
        self.emptied: list[Chunk] = []
        self._dirty = dirty
        self._store = store
        self._settings = settings
        self._clock = clock
        self._memory: deque[Item] = deque()
        self._spilt: deque[Chunk] = deque()
        self._tail: list[Item] = []
        self._on_disk = 0
        self._current: list[Item] = []
        self._task: asyncio.Task[None] | None = None
        self._sending: asyncio.Future[None] | None = None
        self._failures = 0

    @property
    def waiting(self) -> int:
        """How many items are not delivered yet."""
        return len(self._current) + len(self._memory) + self._on_disk + len(self._tail)

    @property
    def has_more(self) -> bool:
        """Whether something beside the counters must be written or deleted."""
        return bool(self._tail or self.emptied)

    def put(self, item: Item) -> None:
        """Queue an item: in memory while there is room, else at the end of what the store holds."""
        if self.waiting >= self._settings.max_pending:
            self._drop_oldest()
        if self._tail or self._spilt or len(self._memory) >= self._settings.queue:
            self._tail.append(item)
            self._dirty.add(self)
        else:
            self._memory.append(item)

    def restore(self, chunks: Sequence[Chunk]) -> None:
        """Take over what an earlier run left in the store, before anything new comes."""
        self._spilt.extend(chunks)
        self._on_disk += sum(chunk.count for chunk in chunks)

    def cut_tail(self) -> Chunk | None:
        """Make the items that have no room in memory into a chunk, which must then be written."""
        if not self._tail:
            return None
        items, self._tail = self._tail, []
        chunk = chunk_of(items)
        self._spilt.append(chunk)
        self._on_disk += len(items)
        return chunk

    def clear(self) -> None:
        """Stop, and forget everything that waits; the chunks to be deleted stand in `emptied` then."""
        self.stop()
        items = [*self._current, *self._memory, *self._tail]
        for chunk in self._spilt:
            items.extend(chunk.items or ())
        chunks = {id(chunk): chunk for chunk in self._spilt}
        for item in items:
            item.settle()
            if item.chunk is not None:
                chunks[id(item.chunk)] = item.chunk
        for chunk in chunks.values():
            chunk.left = 0
        self.emptied.extend(chunks.values())
        self._dirty.add(self)
        self._current, self._on_disk, self._tail = [], 0, []
        self._memory.clear()
        self._spilt.clear()

    def stop(self) -> None:
        """Stop, and leave what waits where it is: the end of the process, not of the subscription."""
        for each in (self._task, self._sending):
            if each is not None:
                each.cancel()
        self._task = self._sending = None

    def go(self) -> None:
        """Send what waits, unless a notification is on its way: at once, where it is at hand."""
        while not self._current and self._task is None:
            if self._memory:
                self._begin()
            elif self._spilt or self._tail:
                self._task = asyncio.create_task(self._fetch(), name=f"fetch for {self.key}")
            else:
                return

    def _begin(self) -> None:
        """Send the next notification; one that is taken at the first attempt needs no task."""
        self._current = self._next()
        if not self._current:
            return
        try:
            if self._may_leave():
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
            if not self._may_leave():
                return
            sending = self._attempt(body)

    async def _fetch(self) -> None:
        """Refill the memory, then go on; what cannot be read is given up."""
        while not self._memory and (self._spilt or self._tail):
            try:
                await self._refill()
            except Unavailable as error:
                log.warning("what waits for %s cannot be read now: %s", self.key, error)
                await asyncio.sleep(self._settings.first_retry_s)
            except Exception:
                log.exception("what waits for %s cannot be read", self.key)
                self._drop_oldest()
        self._task = None
        self.go()

    async def _refill(self) -> None:
        """Bring the next items into memory: a chunk of the store, or else what came since the last one was cut."""
        if not self._spilt:
            self._memory.extend(self._tail)
            self._tail = []
            return
        chunk = self._spilt[0]
        items = chunk.items or await read_back(self._store, self.key, chunk)
        if self._spilt and self._spilt[0] is chunk:  # nobody dropped it meanwhile
            self._spilt.popleft()
            self._on_disk -= chunk.count
            self._memory.extend(items)

    def _next(self) -> list[Item]:
        """Take the items of the next notification: each entity once, so that no state hides another.

        What the owner may not read any more is left out.
        """
        taken: dict[str, Item] = {}
        while (
            self._memory and len(taken) < self._settings.entities and self._memory[0].entity_id not in taken
        ):
            item = self._memory.popleft()
            if self.way.may_read(item.types):
                taken[item.entity_id] = item
            else:
                self._finish(item)
        return list(taken.values())

    def _may_leave(self) -> bool:
        """Tell whether what is to be sent may be sent still; the owner may have lost a right since it was queued."""
        if status_of(self.way.subscription, format_time(self._clock())) != "active":
            return False
        return all(self.way.may_read(item.types) for item in self._current)

    def _compose(self, items: Sequence[Item]) -> bytes:
        moment = format_time(self._clock())
        changes = [str(item.seq) for item in items if item.seq] or [moment]
        name = derived_urn("Notification", self.way.subscription.id, *changes)
        return self.way.compose(name, moment, [item.body for item in items])

    def _attempt(self, body: bytes) -> asyncio.Future[None]:
        sending = self.way.send(body)
        self.counters.times_sent += 1
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
            self._finish(item)

    def _finish(self, item: Item) -> None:
        item.settle()
        if item.chunk is not None:
            item.chunk.left -= 1
            if item.chunk.left == 0:
                self.emptied.append(item.chunk)
                self._dirty.add(self)

    def _drop_oldest(self) -> None:
        """Give up the oldest that is not on its way, an item or a chunk of the store; it is counted and shown."""
        if self._memory:
            self._finish(self._memory.popleft())
            self._count_dropped(1)
        elif self._spilt:
            chunk = self._spilt.popleft()
            self._on_disk -= chunk.count
            self._count_dropped(chunk.left)
            chunk.left = 0
            self.emptied.append(chunk)
            for item in chunk.items or ():
                item.settle()
        elif self._tail:
            self._finish(self._tail.pop(0))
            self._count_dropped(1)

    def _count_dropped(self, number: int) -> None:
        self.counters.dropped += number
        self.unsaved = True
        self._dirty.add(self)
