"""How the city is, in figures: what the status page, `rhinecloud status` and `/metrics` are made of."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import psutil

from rhinecloud import __version__
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.parts import CityParts
from rhinecloud.app.supervisor import Supervisor
from rhinecloud.identity import IdentitySettings
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.store.migrations import data_versions
from rhinecloud.subscriptions.delivery.statistics import NotifierState

FRESH_S = 1.0
MEGABYTE = 1 << 20
ASKER = part("status")
BARRED = "subscriptions rest because their owner is gone or may not subscribe, as their statusReason says: {}"
UNREADABLE = "records in the store could not be read at the start: the log names them"


class Status:
    """Collects the figures; who asks twice within a second gets the same ones."""

    def __init__(self, foundation: Foundation, parts: CityParts, supervisor: Supervisor) -> None:
        self._foundation = foundation
        self._parts = parts
        self._supervisor = supervisor
        self._process = psutil.Process()
        self._collected: dict[str, Any] = {}
        self._collected_at = -FRESH_S

    async def collect(self) -> dict[str, Any]:
        """Give all figures as plain values; `StatusView` says what they mean."""
        if time.monotonic() - self._collected_at >= FRESH_S:
            self._collected = await self._collect()
            self._collected_at = time.monotonic()
        return self._collected

    async def _collect(self) -> dict[str, Any]:
        foundation, parts = self._foundation, self._parts
        feeds = [asdict(feed) for feed in parts.feeds.status()]
        risk = parts.risk.status()
        return {
            "version": __version__,
            "access": foundation.settings.section("identity", IdentitySettings).access,
            "started_at": foundation.started_at.isoformat(),
            "uptime_s": (foundation.clock() - foundation.started_at).total_seconds(),
            "entities": await foundation.store.count(foundation.tenant),
            "types": {
                foundation.context.compact(name): count
                for name, count in (await foundation.store.types(foundation.tenant)).items()
            },
            "subscriptions": parts.subscriptions.count(),
            "browsers": parts.live.clients,
            "incidents_open": await self._open_incidents(),
            "alerts_active": risk.active,
            "messages_per_s": round(sum(feed["rate_per_s"] for feed in feeds), 2),
            "feeds": feeds,
            "stream": {
                "state": "connected" if parts.upstream.stream.connected else "away",
                "lag": parts.relay.lag,
                "restarts": parts.upstream.server.restarts if parts.upstream.server else 0,
                "mqtt": [
                    {**asdict(usage), "full": usage.full}
                    for usage in (parts.upstream.devices.usage if parts.upstream.devices else ())
                ],
            },
            "consumers": self.consumers(),
            "rules": {
                "loaded": len(parts.risk.rules()),
                "failed": len(parts.risk.rulebook.problems),
                "errors": [str(problem) for problem in parts.risk.rulebook.problems],
            },
            "packs": {
                "loaded": [pack.name for pack in foundation.packs.loaded],
                "failed": [asdict(failure) for failure in foundation.packs.failed],
                "disagreements": [str(each) for each in foundation.disagreements],
            },
            "data": {name: each.number for name, each in (await data_versions(foundation.store)).items()},
            "memory_mb": round(self._process.memory_info().rss / MEGABYTE, 1),
        }

    async def _open_incidents(self) -> int:
        try:
            page = await self._parts.incidents.list(ASKER, status="open", limit=1, related=False)
        except RhineCloudError:
            return 0
        return page.total or 0

    def consumers(self) -> list[dict[str, Any]]:
        """Give each consumer's place: how many changes it is behind, and what went wrong."""
        last = self._foundation.store.last_change()
        works = {work.name: work for work in self._supervisor.works()}
        notifier, risk = self._parts.subscriptions.state(), self._parts.risk.status()
        unreadable = {"notifier": notifier.unreadable}
        trouble = {"notifier": _trouble_of(notifier), "relay": self._parts.relay.counters.error}
        consumers = {
            "history": self._parts.recorder.counters,
            "incidents": self._parts.incident_follower.counters,
        }
        lags = {"relay": self._parts.relay.lag, "notifier": notifier.lag, "risk": risk.lag}
        found = [
            {
                "name": name,
                "lag": lags.get(name, 0),
                "failures": work.failures + unreadable.get(name, 0),
                "error": work.error or trouble.get(name, ""),
            }
            for name, work in works.items()
            if name not in consumers and (name in lags or name == "live" or work.failures)
        ]
        for name, counters in consumers.items():
            lag = max(0, last - counters.position) if counters.position else 0
            found.append({"name": name, "lag": lag, "failures": counters.failures, "error": counters.error})
        return found


def _trouble_of(notifier: NotifierState) -> str:
    """Say what an operator should look at, '' where all is well."""
    if notifier.unreadable:
        return UNREADABLE
    return BARRED.format(notifier.barred) if notifier.barred else ""
