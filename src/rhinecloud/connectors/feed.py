"""One running feed: its link fills a bounded queue, its worker processes it through the pipeline into the broker.

A parcel is settled (acknowledged, where the protocol can) only when every message in it is committed or stored as a
dead letter. While the broker or the disk rejects writes, the worker waits and retries; the queue fills up and the link
stops reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from rhinecloud.connectors.backoff import Backoff
from rhinecloud.connectors.deadletters import DeadLetters
from rhinecloud.connectors.health import FeedHealth, Rate
from rhinecloud.connectors.inlet import BoundedInlet
from rhinecloud.connectors.links import LinkContext
from rhinecloud.connectors.model import FeedCounters, FeedStatus, LinkBroken
from rhinecloud.connectors.observed import newest_time
from rhinecloud.connectors.pipeline import EntityDraft, Pipeline, ReadItem
from rhinecloud.connectors.plan import FeedPlan
from rhinecloud.connectors.settings import ConnectorSettings
from rhinecloud.connectors.unseen import UnseenPaths
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.pack.codec import DecodeFault, Ignored, Parcel

T = TypeVar("T")

THREAD_FROM_BYTES = 64 * 1024
"""Parcels from this size on are decoded in a thread, so that a large file does not block the event loop."""


@dataclass(frozen=True, slots=True)
class FeedContext:
    """What every feed of a city shares."""

    tools: LinkContext
    deadletters: DeadLetters


class Feed:
    """A feed that can be started and stopped."""

    def __init__(self, plan: FeedPlan, pipeline: Pipeline, around: FeedContext) -> None:
        tools = around.tools
        self.name = plan.name
        self.counters = FeedCounters()
        self._simulated = plan.marks.simulated
        """Whether its entities are marked as simulated, according to the last batch."""
        self._plan = plan
        self._pipeline = pipeline
        self._tools = tools
        self._limits = tools.limits
        self._deadletters = around.deadletters
        self._health = FeedHealth(
            plan.silent_after_s,
            tools.clock,
            tools.monotonic,
            polled=plan.polled,
            frozen_after_s=plan.frozen_after_s,
        )
        self._health.stops()
        self._rate = Rate(tools.monotonic)
        self._unseen = UnseenPaths(plan.meaning)
        self._inlet = _Inlet(tools.limits, self.counters, self._health)
        self._link = plan.make_link(tools)
        self._link_task: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._log = logging.getLogger(f"rhinecloud.feeds.{plan.name}")

    def start(self) -> None:
        """Start the link and the worker as tasks."""
        if self._worker is not None and not self._worker.done():
            return
        self._health.works()
        self._worker = asyncio.create_task(self._work(), name=f"feed {self.name}: worker")
        self._link_task = asyncio.create_task(self._keep_link(), name=f"feed {self.name}: link")

    async def linked(self) -> None:
        """Wait until its link was connected for the first time."""
        await self._inlet.linked.wait()

    def wait(self, reason: str) -> None:
        """Set the reason why it is not started yet."""
        self._health.waits(reason)

    async def stop(self) -> None:
        """Close the link, process the queue for `drain_s` at most, then end."""
        await _end(self._link_task)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_s):
                await self._inlet.drained()
        await _end(self._worker)
        self._health.stops()

    async def finished(self) -> None:
        """Wait until the source has ended (a recording does) and everything of it is stored."""
        if self._link_task is not None:
            await asyncio.wait([self._link_task])
        await self._inlet.drained()

    def status(self) -> FeedStatus:
        """Return the status of the feed."""
        state, error = self._health.state()
        counted = self.counters
        return FeedStatus(
            name=self.name,
            connector=self._plan.settings.connector,
            state=state,
            simulated=self._simulated,
            received_bytes=counted.received_bytes,
            received=counted.received,
            accepted=counted.accepted,
            unchanged=counted.unchanged,
            ignored=counted.ignored,
            dead=counted.dead,
            dropped=counted.dropped,
            reconnects=counted.reconnects,
            rate_per_s=round(self._rate.per_second(), 2),
            waiting=len(self._inlet),
            last_at=self._health.last_at,
            error=error,
            last_error=self._health.last_error,
            silent_after_s=self._plan.silent_after_s,
            late=counted.late,
            outside=counted.outside,
            outside_sample=counted.outside_sample,
            ignored_by_reason=(*counted.ignored_by_reason.reasons(), *self._unseen.reasons()),
        )

    async def _keep_link(self) -> None:
        """Run the link until its source ends; restart it after a pause when it breaks."""
        limits = self._limits
        backoff = Backoff(limits.first_retry_s, limits.longest_retry_s, self._tools.random)
        while True:
            began = self._tools.monotonic()
            at_least_s = 0.0
            try:
                await self._link.run(self._inlet)
            except LinkBroken as error:
                self._on_broken(error.reason)
                at_least_s = error.retry_after_s
            except Exception as error:  # noqa: BLE001 - a feed's boundary: an error in one stops no other
                self._log.exception("the link failed unexpectedly")
                self._on_broken(f"{type(error).__name__}: {error}")
            else:
                await self._inlet.drained()
                await self._keep_faults(self._pipeline.finish())
                self._health.ends()
                return
            if self._health.contact_since(began):
                backoff.reset()
            await asyncio.sleep(backoff.next(at_least_s))
            self.counters.reconnects += 1

    def _on_broken(self, reason: str) -> None:
        if reason != self._health.link_error:
            self._log.warning("the link broke: %s", reason)
        self._health.link_broke(reason)

    async def _work(self) -> None:
        while True:
            parcels = await self._inlet.take(self._limits.batch)
            await self._use(parcels)
            self._inlet.finish(len(parcels))
            await asyncio.sleep(0)  # a full queue must not block the event loop

    async def _use(self, parcels: Sequence[Parcel]) -> None:
        """Write parcels or store them as dead letters, then settle them. After an unexpected error, one by one."""
        try:
            await self._write_all(parcels)
        except Exception as error:  # noqa: BLE001 - a consumer's loop
            if len(parcels) > 1:
                for parcel in parcels:
                    await self._use([parcel])
                return
            self._log.exception("a parcel failed unexpectedly")
            reason = f"the feed failed: {type(error).__name__}: {error}"
            await self._keep_faults(
                [DecodeFault(parcel.body, reason, origin=parcel.origin) for parcel in parcels]
            )
        for parcel in parcels:
            if parcel.settle is not None:
                parcel.settle()

    async def _write_all(self, parcels: Sequence[Parcel]) -> None:
        used, before = self._used(), self._read_count()
        batch: list[ReadItem] = []
        for parcel in parcels:
            steps = self._pipeline.read(parcel)
            large = len(parcel.body) >= THREAD_FROM_BYTES
            while items := await self._next(steps, large=large):
                batch.extend(items)
                if len(batch) >= self._limits.batch:
                    await self._write(batch)
                    batch = []
        if batch:
            await self._write(batch)
        if self._used() > used:
            self._health.used()  # whatever came last in the parcels, some of it could be used
        if self._read_count() == before:
            self._health.empty()

    def _read_count(self) -> int:
        return self.counters.received + self.counters.ignored + self.counters.dead

    def _used(self) -> int:
        return self.counters.accepted + self.counters.unchanged

    async def _next(self, steps: Iterator[ReadItem], *, large: bool) -> list[ReadItem]:
        most = self._limits.batch
        if large:
            return await asyncio.to_thread(lambda: list(islice(steps, most)))
        return list(islice(steps, most))

    async def _write(self, batch: Sequence[ReadItem]) -> None:
        drafts = [item for item in batch if isinstance(item, EntityDraft)]
        faults = [item for item in batch if isinstance(item, DecodeFault)]
        read = len(drafts) + sum(fault.decoded for fault in faults)
        if read:
            self._health.message()
            self.counters.received += read
            self._rate.add(read)
        if drafts:
            self._simulated = all(draft.simulated for draft in drafts)
            self._unseen.look_at(drafts, self._tools.clock())
        outcome = await self._retry_until_accepted(lambda: self._pipeline.write(drafts))
        self.counters.accepted += outcome.accepted
        self.counters.unchanged += outcome.unchanged
        self.counters.late += outcome.late
        self.counters.keep_outside([place for draft in drafts for place in draft.outside])
        self._ignore([*(item for item in batch if isinstance(item, Ignored)), *outcome.ignored])
        await self._keep_faults([*faults, *outcome.faults])
        if outcome.accepted or outcome.unchanged or outcome.late:
            self._health.used()
        if outcome.accepted:
            self._health.news(newest_time(each for draft in drafts for each in draft.fragments))

    def _ignore(self, ignored: Sequence[Ignored]) -> None:
        if ignored:
            self._health.ignored(ignored[-1].reason)
            self.counters.ignore(ignored, self._tools.clock())

    async def _keep_faults(self, faults: Sequence[DecodeFault]) -> None:
        if not faults:
            return
        self._health.unusable(faults[-1].reason)
        now = self._tools.clock()
        await self._retry_until_accepted(lambda: self._deadletters.keep(self.name, faults, now))
        self.counters.dead += len(faults)

    async def _retry_until_accepted(self, act: Callable[[], Awaitable[T]]) -> T:
        """Retry until the broker and the store accept it: nothing received is dropped because of them."""
        limits = self._limits
        backoff = Backoff(0.05, limits.longest_retry_s / 6, self._tools.random)
        while True:
            try:
                result = await act()
            except Unavailable as error:
                self._health.broker_refused(f"the broker does not accept writes: {error}")
                await asyncio.sleep(backoff.next())
            else:
                self._health.broker_refused("")
                return result


class _Inlet(BoundedInlet):
    """The queue, which reports contacts to the feed's health, and the first connection of the link."""

    def __init__(self, limits: ConnectorSettings, counters: FeedCounters, health: FeedHealth) -> None:
        super().__init__(limits.queue_parcels, limits.queue_bytes, counters, health.contact)
        self._health = health
        self.linked = asyncio.Event()

    def connected(self) -> None:
        self._health.connected()
        self.linked.set()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
