"""All feeds of a city: made from their plans, started and stopped together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from rhinecloud.connectors.deadletters import DeadLetters
from rhinecloud.connectors.feed import Feed, FeedContext
from rhinecloud.connectors.health import Monotonic
from rhinecloud.connectors.links import LinkContext
from rhinecloud.connectors.model import FeedState, FeedStatus
from rhinecloud.connectors.pipeline import Ingest, Pipeline
from rhinecloud.connectors.plan import FeedPlan
from rhinecloud.connectors.retained import FindValues
from rhinecloud.connectors.settings import ConnectorSettings
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.context import Context
from rhinecloud.pack.mapping import EntityFragment
from rhinecloud.store.port import Store, Stored, Written


class Ingesting(Protocol):
    """The methods of the broker that feeds use."""

    async def ingest(
        self,
        actor: Actor,
        tenant: str,
        fragments: Sequence[EntityFragment],
        context: Context,
        *,
        measured: bool = False,
    ) -> Sequence[Written | Exception]:
        """Merge concise entities with compact names into the city, and return one result for each."""
        ...

    async def find(self, actor: Actor, tenant: str, entity_id: str) -> Stored | None:
        """Return an entity, None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class IngestContext:
    """What feeds use: the broker, the city's context, the store of dead letters, clocks and random numbers."""

    broker: Ingesting
    context: Context
    store: Store
    clock: Clock
    monotonic: Monotonic = time.monotonic
    chance: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True, slots=True)
class UnavailableFeed:
    """A feed that cannot run because the pack that it needs could not be loaded."""

    name: str
    connector: str
    reason: str

    def status(self) -> FeedStatus:
        """Return its status: nothing received, with the reason."""
        return FeedStatus(
            name=self.name,
            connector=self.connector,
            state=FeedState.FAILING,
            simulated=False,
            received_bytes=0,
            received=0,
            accepted=0,
            unchanged=0,
            ignored=0,
            dead=0,
            dropped=0,
            reconnects=0,
            rate_per_s=0.0,
            waiting=0,
            last_at="",
            error=self.reason,
            last_error=self.reason,
        )


class Feeds:
    """The feeds of a running city; `unavailable` are those that cannot run."""

    def __init__(
        self,
        plans: Sequence[FeedPlan],
        limits: ConnectorSettings,
        ingest_context: IngestContext,
        unavailable: Sequence[UnavailableFeed] = (),
    ) -> None:
        self._ingest_context = ingest_context
        self._unavailable = unavailable
        self._limits = limits
        self.deadletters = DeadLetters(
            ingest_context.store, limits.deadletters, limits.deadletter_bytes, ingest_context.clock
        )
        self._around = FeedContext(
            LinkContext(limits, ingest_context.clock, ingest_context.monotonic, ingest_context.chance.random),
            self.deadletters,
        )
        self._feeds: dict[str, Feed] = {}
        self._plans: dict[str, FeedPlan] = {}
        self._enabled: list[Feed] = []
        self._waiting: list[Feed] = []
        self._on_own_mqtt: list[Feed] = []
        for plan in plans:
            self._add(plan)

    async def start(self, waiting: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start every enabled feed, except those in `waiting` (with their reasons), until `start_waiting`."""
        for feed in self._enabled:
            feed.wait(waiting.get(feed.name, "the city starts"))
        await self.deadletters.open()
        for feed in self._enabled:
            if feed.name in waiting:
                self._waiting.append(feed)
            else:
                feed.start()

    def start_waiting(self) -> None:
        """Start the feeds that wait."""
        while self._waiting:
            self._waiting.pop(0).start()

    async def listening(self) -> None:
        """Wait until feeds at the city's own MQTT server have subscribed, because earlier messages are lost."""
        await asyncio.gather(*(feed.linked() for feed in self._on_own_mqtt))

    async def stop(self) -> None:
        """Stop all feeds; each may process its queue for `drain_s`."""
        await asyncio.gather(*(feed.stop() for feed in self._feeds.values()))

    async def replace(self, plans: Sequence[FeedPlan]) -> list[str]:
        """Run other plans, and return a sentence for each feed that is new, changed or removed. Equal ones run on."""
        wanted = {plan.name: plan for plan in plans}
        gone = [name for name in self._feeds if name not in wanted]
        changed = [
            name
            for name, plan in wanted.items()
            if name in self._plans and not plan.is_same(self._plans[name])
        ]
        new = [name for name in wanted if name not in self._feeds]
        await asyncio.gather(*(self._remove(name) for name in (*gone, *changed)))
        for name in (*changed, *new):
            self._add(wanted[name])
            if wanted[name].settings.enabled:
                self._feeds[name].start()
        return [
            *(f"feed {name} is gone" for name in gone),
            *(f"feed {name} changed and is started again" for name in changed),
            *(f"feed {name} is new" for name in new),
        ]

    async def _remove(self, name: str) -> None:
        feed = self._feeds.pop(name)
        del self._plans[name]
        for group in (self._enabled, self._waiting, self._on_own_mqtt):
            if feed in group:
                group.remove(feed)
        await feed.stop()

    def get(self, name: str) -> Feed:
        """Return one feed; raise NotFound."""
        if name not in self._feeds:
            raise NotFound(f"there is no feed {name}")
        return self._feeds[name]

    def status(self) -> list[FeedStatus]:
        """Return the state of each feed, in the order of the settings."""
        return [
            *(feed.status() for feed in self._feeds.values()),
            *(each.status() for each in self._unavailable),
        ]

    def _add(self, plan: FeedPlan) -> None:
        access = (plan.name, plan.settings.tenant, plan.context or self._ingest_context.context)
        ingest, find_values = self._ingest_as(*access), self._find_as(*access)

        def make_pipeline() -> Pipeline:
            return Pipeline(plan.make_codec(), plan.meaning, ingest, plan.marks, find_values)

        feed = Feed(plan, make_pipeline(), self._around)
        self.deadletters.serve(plan.name, make_pipeline)
        self._feeds[plan.name] = feed
        self._plans[plan.name] = plan
        if plan.settings.enabled:
            self._enabled.append(feed)
            if plan.own_mqtt:
                self._on_own_mqtt.append(feed)

    def _ingest_as(self, name: str, tenant: str, context: Context) -> Ingest:
        actor = part(f"feed:{name}")
        broker = self._ingest_context.broker

        async def ingest(fragments: Sequence[EntityFragment]) -> Sequence[Written | Exception]:
            return await broker.ingest(actor, tenant, fragments, context, measured=True)

        return ingest

    def _find_as(self, name: str, tenant: str, context: Context) -> FindValues:
        actor = part(f"feed:{name}")
        broker = self._ingest_context.broker

        async def find_values(entity_id: str) -> Mapping[str, Any]:
            stored = await broker.find(actor, tenant, entity_id)
            attributes = {} if stored is None else stored.entity().attrs
            return {
                context.compact(iri): instances[0].value for iri, instances in attributes.items() if instances
            }

        return find_values
