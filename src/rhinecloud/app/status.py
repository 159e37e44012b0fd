"""The state of the city, for the status page, `rhinecloud status` and `/metrics`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import psutil
from pydantic import BaseModel

from rhinecloud import __version__
from rhinecloud.app.assembly import Assembly
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.supervisor import Supervisor
from rhinecloud.part import ConsumerState
from rhinecloud.store.migrations import data_versions

FRESH_S = 1.0
MEGABYTE = 1 << 20


class Status:
    """Collects the state; calls within a second get the same result."""

    def __init__(self, foundation: Foundation, assembly: Assembly, supervisor: Supervisor) -> None:
        self._foundation = foundation
        self._assembly = assembly
        self._supervisor = supervisor
        self._process = psutil.Process()
        self._collected: dict[str, Any] = {}
        self._collected_at = -FRESH_S

    def model(self, base: type[BaseModel]) -> type[BaseModel]:
        """Return `base` with the members that the parts add."""
        return self._assembly.status_model(base)

    async def collect(self) -> dict[str, Any]:
        """Return the state as plain values."""
        if time.monotonic() - self._collected_at >= FRESH_S:
            self._collected = await self._collect()
            self._collected_at = time.monotonic()
        return self._collected

    async def _collect(self) -> dict[str, Any]:
        foundation = self._foundation
        contributed = await self._assembly.status()
        return {
            "version": __version__,
            "started_at": foundation.started_at.isoformat(),
            "uptime_s": (foundation.clock() - foundation.started_at).total_seconds(),
            "consumers": [
                {"name": each.name, "lag": each.lag, "failures": each.failures, "error": each.error}
                for each in self.consumers()
            ],
            "data": {name: each.number for name, each in (await data_versions(foundation.store)).items()},
            "parts": {
                "opened": self._assembly.names(),
                "failed": [asdict(failure) for failure in self._assembly.failed],
            },
            "memory_mb": round(self._process.memory_info().rss / MEGABYTE, 1),
            **contributed,
        }

    def consumers(self) -> Iterator[ConsumerState]:
        """Yield the state of every consumer of changes, and of every worker that failed."""
        works = {work.name: work for work in self._supervisor.works()}
        named = set()
        for each in self._assembly.consumers():
            named.add(each.name)
            work = works.get(each.name)
            failures = each.failures + (work.failures if work else 0)
            error = (work.error if work else "") or each.error
            yield ConsumerState(
                each.name, each.lag, failures, error, each.working and not (work and work.error)
            )
        for name, work in works.items():
            if name not in named and work.failures:
                yield ConsumerState(name, 0, work.failures, work.error)
