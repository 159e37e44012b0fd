"""Writes the audit trail. Acts get a line each; refusals and failures that repeat are counted, against floods.

A line is written before the answer to the request goes out. It survives the process; each second the disk is made to
keep what was written. The first of equal refusals or failures (who, what, which, why, from where) is written at once,
the others of a minute as one line with their number. Where too many are different, the others share a line for each
actor, action and outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from rhinecloud.audit.files import AuditFiles
from rhinecloud.audit.model import AuditEntry, Outcome, encode_entry, entry_of
from rhinecloud.audit.settings import AuditSettings
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.request_id import CLIENT, REQUEST_ID
from rhinecloud.kernel.time import Clock, format_time

WINDOW_S = 60.0
SYNC_S = 1.0
VARIOUS = "(various)"
MOST_SHARED = 1_000
"""Actors and actions that are counted apart where too many entries are different."""

_log = logging.getLogger(__name__)

_muted: ContextVar[bool] = ContextVar("muted", default=False)

Key = tuple[str, str, str, str, str, str]
"""Actor, action, outcome, resource, reason, address."""


class AuditTrail:
    """The audit trail of one city, in `folder`."""

    def __init__(self, folder: Path, settings: AuditSettings, clock: Clock) -> None:
        self.folder = folder
        self.lost = 0
        """Lines that could not be written since the start."""
        self._settings = settings
        self._clock = clock
        self._files = AuditFiles(folder)
        self._window_began = clock()
        self._repeated: dict[Key, AuditEntry] = {}
        """The refusals and failures of this window, each with the number of those after the first."""

    def record(self, actor: Actor | None, action: str, resource: str = "", reason: str = "") -> None:
        """Write an act that is done; one that failed, for a reason, is counted where its like was written before."""
        if reason:
            self._count(self._entry(actor, action, Outcome.FAILED, resource, reason))
        else:
            self._write(self._entry(actor, action, Outcome.DONE, resource, ""))

    def refuse(self, actor: Actor | None, action: str, resource: str = "", reason: str = "") -> None:
        """Write a refusal, or count it where its like was written a short while ago."""
        if not _muted.get():
            self._count(self._entry(actor, action, Outcome.DENIED, resource, reason))

    @contextmanager
    def mute(self) -> Iterator[None]:
        """Record no refusals in this task: those of a request that another process answers and records."""
        token = _muted.set(True)
        try:
            yield
        finally:
            _muted.reset(token)

    def _count(self, entry: AuditEntry) -> None:
        self._flush_when_due()
        key: Key = (entry.actor, entry.action, entry.outcome, entry.resource, entry.reason, entry.address)
        if key not in self._repeated:
            if len(self._repeated) < self._settings.refusals_per_minute:
                self._repeated[key] = replace(entry, count=0)
                self._write(entry)
                return
            key, entry = self._shared(entry)
        present = self._repeated.setdefault(key, replace(entry, count=0))
        self._repeated[key] = replace(present, count=present.count + 1, until=entry.time)

    def flush(self) -> None:
        """Write what was counted, and begin to count anew."""
        repeated, self._repeated = self._repeated, {}
        self._window_began = self._clock()
        for entry in repeated.values():
            if entry.count:
                self._write(entry)

    def _flush_when_due(self) -> None:
        if self._clock() - self._window_began >= timedelta(seconds=WINDOW_S):
            self.flush()

    async def run(self) -> None:
        """Flush, sync and expire until cancelled."""
        while True:
            now = self._clock()
            await asyncio.to_thread(self._files.expire, now.date(), self._settings.keep_days)
            while self._clock().date() == now.date():
                await asyncio.sleep(SYNC_S)
                self._flush_when_due()
                await asyncio.to_thread(self._sync)

    def close(self) -> None:
        """Write what was counted, and close the file."""
        self.flush()
        try:
            self._files.close()
        except OSError as error:
            _log.error("the audit trail cannot be closed: %s", error)

    def _sync(self) -> None:
        try:
            self._files.sync()
        except OSError as error:
            _log.error("the audit trail cannot be kept on the disk: %s", error)

    def _shared(self, entry: AuditEntry) -> tuple[Key, AuditEntry]:
        """Return the key and entry under which an entry is counted with others of its actor, action and outcome."""
        shared = replace(entry, resource=VARIOUS, reason="", request_id="", address="")
        key = (shared.actor, shared.action, shared.outcome, VARIOUS, "", "")
        if key in self._repeated or len(self._repeated) < self._settings.refusals_per_minute + MOST_SHARED:
            return key, shared
        nobody = replace(shared, actor="", name="", roles=(), action=VARIOUS)
        return ("", VARIOUS, shared.outcome, VARIOUS, "", ""), nobody

    def _entry(
        self, actor: Actor | None, action: str, outcome: Outcome, resource: str, reason: str
    ) -> AuditEntry:
        entry = entry_of(format_time(self._clock()), actor, action, outcome, resource, reason)
        request_id = REQUEST_ID.get().decode("latin-1")
        return replace(entry, request_id=request_id, address=CLIENT.get())

    def _write(self, entry: AuditEntry) -> None:
        try:
            self._files.append((entry.until or entry.time)[:10], encode_entry(entry))
        except OSError as error:
            self.lost += 1
            _log.error("a line of the audit trail cannot be written: %s: %s", error, entry)
