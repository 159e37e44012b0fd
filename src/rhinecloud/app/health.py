"""Health checks: `/health/live` while the process runs, `/health/ready` when every part works, else with the reasons.

The store is checked once in `FRESH_S` at most; requests in between get the same result.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from rhinecloud.app import liveness
from rhinecloud.app.asgi import Receive, Scope, Send, reply
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.status import Status
from rhinecloud.app.supervisor import Supervisor
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.settings import setting
from rhinecloud.store.port import Record, StoreFull
from rhinecloud.stream.connection import StreamConnection

FRESH_S = 2.0
WRITE_TIMEOUT_S = 2.0
MEGABYTE = 1 << 20
PROBE = Record(kind="health", tenant="", id="probe", body=b"1")


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Section `[health]`: the limits within which the city is ready."""

    max_lag_changes: int = setting(
        100_000, "Most changes that the relay or a consumer may be behind.", unit="changes"
    )
    min_free_mb: int = setting(64, "Least free space on the disk of the data folder.", unit="MB")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The state of one part: `reason` says why it does not work, else ''; `lag_changes` is that of a consumer."""

    name: str
    reason: str = ""
    lag_changes: int | None = None

    def shown(self) -> dict[str, Any]:
        """Return the check as JSON."""
        lag = {} if self.lag_changes is None else {"lag_changes": self.lag_changes}
        return {"name": self.name, "ok": not self.reason, "reason": self.reason, **lag}


class HealthApplication:
    """The ASGI application. It needs no sign-in, and shows only names of parts, their faults and their lag."""

    def __init__(
        self,
        foundation: Foundation,
        stream: StreamConnection,
        supervisor: Supervisor,
        status: Status,
        settings: HealthSettings,
    ) -> None:
        self._foundation = foundation
        self._connection = stream
        self._supervisor = supervisor
        self._status = status
        self._settings = settings
        self._store = HealthCheck("store")
        self._checked_at = -FRESH_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["path"] == liveness.PATH:
            await liveness.reply_alive(send)
        elif scope["path"] == "/health/ready":
            checks = await self.check()
            failing = [check.name for check in checks if check.reason]
            document = {
                "ready": not failing,
                "failing": sorted(failing),
                "checks": [check.shown() for check in checks],
            }
            await reply(send, 503 if failing else 200, orjson.dumps(document), liveness.JSON)
        else:
            await reply(send, 404, b"", liveness.JSON)

    async def check(self) -> list[HealthCheck]:
        """Return the state of every part."""
        if time.monotonic() - self._checked_at >= FRESH_S:
            self._store = await self._check_store()
            self._checked_at = time.monotonic()
        followers = list(self._followers())
        known = {check.name for check in followers}
        stopped = [
            HealthCheck(work.name, "failed and is being restarted")
            for work in self._supervisor.works()
            if work.error and work.name not in known
        ]
        return [self._store, self._stream(), *followers, *stopped]

    async def _check_store(self) -> HealthCheck:
        """Write a probe record, which shows that the store accepts writes."""
        free_mb = shutil.disk_usage(self._foundation.settings.data).free // MEGABYTE
        writing = asyncio.ensure_future(self._foundation.store.put_records([PROBE]))
        done, _ = await asyncio.wait({writing}, timeout=WRITE_TIMEOUT_S)
        if not done:
            writing.add_done_callback(lambda late: late.cancelled() or late.exception())
            return HealthCheck("store", f"did not accept a write within {WRITE_TIMEOUT_S:g} s")
        error = writing.exception()
        if isinstance(error, StoreFull):
            return HealthCheck("store", "the disk is full")
        if isinstance(error, Unavailable):
            return HealthCheck("store", "does not answer")
        if error is not None:
            raise error
        if free_mb < self._settings.min_free_mb:
            return HealthCheck("store", f"the disk has {free_mb} MB left")
        return HealthCheck("store")

    def _stream(self) -> HealthCheck:
        return HealthCheck("stream", "" if self._connection.stream.connected else "no connection")

    def _followers(self) -> Iterator[HealthCheck]:
        """Yield the state of the relay and of each consumer: its fault, else whether it is too far behind."""
        most = self._settings.max_lag_changes
        failed = {work.name for work in self._supervisor.works() if work.error}
        for each in self._status.consumers():
            reason = ""
            if each.name in failed:
                reason = "failed and is being restarted"
            elif each.error and each.lag and not each.working:
                reason = "does not work at present"
            elif each.lag > most:
                reason = f"is more than {most} changes behind"
            yield HealthCheck(each.name, reason, each.lag)
