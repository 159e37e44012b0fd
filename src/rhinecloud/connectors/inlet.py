"""The bounded queue between a feed's link and its worker: while it is full, the link stops reading."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from rhinecloud.connectors.model import FeedCounters
from rhinecloud.pack.codec import Parcel


class BoundedInlet:
    """An `Inlet` bounded by parcels and by bytes; a single larger parcel is accepted, else it would never pass."""

    def __init__(
        self, parcels: int, size_bytes: int, counters: FeedCounters, on_contact: Callable[[], None]
    ) -> None:
        self._parcels = parcels
        self._size_bytes = size_bytes
        self._counters = counters
        self._on_contact = on_contact
        self._queue: deque[Parcel] = deque()
        self._waiting_bytes = 0
        self._unfinished = 0
        self._some = asyncio.Event()
        self._space = asyncio.Event()
        self._space.set()
        self._drained = asyncio.Event()
        self._drained.set()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Return whether a link must stop reading."""
        return len(self._queue) >= self._parcels or self._waiting_bytes >= self._size_bytes

    def connected(self) -> None:
        """Ignore that the link is connected; only messages make a feed live."""

    def touch(self) -> None:
        """Record that the source answered and has nothing new."""
        self._on_contact()

    async def put(self, parcel: Parcel) -> None:
        """Add a parcel; wait while the queue is full."""
        while self.full:
            await self._space.wait()
        self.push(parcel)

    def offer(self, parcel: Parcel) -> bool:
        """Add a parcel and return True; return False, and count it as dropped, where the queue is full."""
        if self.full:
            self._counters.received_bytes += len(parcel.body)
            self._counters.dropped += 1
            return False
        self.push(parcel)
        return True

    def push(self, parcel: Parcel) -> None:
        """Add a parcel even where the queue is full."""
        self._queue.append(parcel)
        self._waiting_bytes += len(parcel.body)
        self._counters.received_bytes += len(parcel.body)
        self._unfinished += 1
        self._drained.clear()
        self._some.set()
        if self.full:
            self._space.clear()

    async def wait_for_space(self) -> None:
        """Wait until the queue is not full."""
        await self._space.wait()

    async def take(self, most: int) -> list[Parcel]:
        """Wait for a parcel, and return up to `most`, the oldest first; call `finish` when they are done."""
        await self._some.wait()
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._waiting_bytes -= sum(len(parcel.body) for parcel in taken)
        if not self._queue:
            self._some.clear()
        if not self.full:
            self._space.set()
        return taken

    def finish(self, count: int) -> None:
        """Mark `count` of the taken parcels as done."""
        self._unfinished -= count
        if not self._unfinished:
            self._drained.set()

    async def drained(self) -> None:
        """Wait until every parcel is done."""
        await self._drained.wait()
