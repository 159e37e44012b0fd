"""Gathers what `/metrics` shows: the status, what the doors counted, what the store and the caches did."""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.app.foundation import Foundation
from rhinecloud.app.measured import MeasuredApplication
from rhinecloud.app.metrics import MetricsSnapshot, RouteMetrics
from rhinecloud.app.parts import CityParts
from rhinecloud.app.status import Status
from rhinecloud.broker.http import BrokerApplication

NGSI_LD = "/ngsi-ld/v1"


class MetricsCollector:
    """Knows where the figures are; `gather` makes those of one scrape."""

    def __init__(self, foundation: Foundation, parts: CityParts, status: Status) -> None:
        self._foundation = foundation
        self._parts = parts
        self._status = status
        self.door: BrokerApplication
        self.watched: Sequence[MeasuredApplication] = ()

    async def gather(self) -> MetricsSnapshot:
        """Make the figures as they are now."""
        store = self._foundation.store
        entities = {tenant: await store.count(tenant) for tenant in await store.tenants()}
        effort, answers = store.effort, self.door.responses
        contexts = self._foundation.contexts
        inside = {
            "commits": effort,
            "last_change": store.last_change(),
            "relay": self._parts.relay.counters,
            "notifications": self._parts.notifier.outcomes(),
            "caches": {
                "entities": (effort.hits, effort.misses),
                "answers": (answers.hits, answers.misses),
                "contexts": (contexts.hits, contexts.misses),
            },
        }
        return MetricsSnapshot(await self._status.collect(), self._served(), entities, inside)

    def _served(self) -> list[RouteMetrics]:
        broker = [
            RouteMetrics(route.verb or "OTHER", f"{NGSI_LD}{route.path}" if route.path else NGSI_LD, tally)
            for route, tally in self.door.statistics()
        ]
        others = [RouteMetrics(*each) for watched in self.watched for each in watched.tallies()]
        return [*broker, *others]
