"""Collects the metrics: counts of applications and middleware, and the metrics of the parts."""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud import __version__
from rhinecloud.app.assembly import Assembly
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.measured import MeasuredApplication
from rhinecloud.app.metrics import MetricsSnapshot, consumer_metrics, process_metrics, request_metrics
from rhinecloud.app.status import Status


class MetricsCollector:
    """Collects the metrics of one scrape; `measured` are the applications that middleware counts."""

    def __init__(
        self,
        foundation: Foundation,
        assembly: Assembly,
        status: Status,
        measured: Sequence[MeasuredApplication] = (),
    ) -> None:
        self._foundation = foundation
        self._assembly = assembly
        self._status = status
        self.measured = measured

    async def gather(self) -> MetricsSnapshot:
        """Return the present metrics."""
        around = [each for application in self.measured for each in application.stats()]
        uptime_s = (self._foundation.clock() - self._foundation.started_at).total_seconds()
        return MetricsSnapshot(
            [
                *request_metrics([*self._assembly.requests(), *around]),
                *process_metrics(__version__, uptime_s),
                *consumer_metrics(self._status.consumers()),
                *await self._assembly.metrics(),
            ]
        )
