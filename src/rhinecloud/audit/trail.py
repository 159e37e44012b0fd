"""Writes the audit trail. Acts get a line each; refusals that repeat are counted, so that a flood fills no disk.

A line is written before the answer to the request goes out. It survives the process; each second the disk is made to
keep what was written. The first of equal refusals (who, what, which, why, from where) is written at once, the others
of a minute as one line with their number. Where too many are different, the others share a line for each actor and
action.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

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
"""Actors and actions that are counted apart where too many refusals are different."""

_log = logging.getLogger(__name__)

Key = tuple[str, str, str, str, str]


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
        """The refusals of this window, each with the number of those after the first."""

    def record(
        self,
        actor: Actor | None,
        action: str,
        resource: str = "",
        reason: str = "",
        outcome: Outcome | None = None,
    ) -> None:
        """Write an act: done, or failed where a reason is given and no outcome."""
        outcome = outcome or (Outcome.FAILED if reason else Outcome.DONE)
        self._write(self._entry(actor, action, outcome, resource, reason))

    def call(self, actor: Actor, name: str, parameters: Mapping[str, Any], error: str) -> None:
        """Write the call of an action: of its parameters the names, for their values may be personal."""
        self.record(actor, name, ", ".join(sorted(parameters)), error)

    def refuse(self, actor: Actor | None, action: str, resource: str = "", reason: str = "") -> None:
        """Write a refusal, or count it where its like was written a short while ago."""
        self._flush_when_due()
        entry = self._entry(actor, action, Outcome.DENIED, resource, reason)
        key = (entry.actor, action, entry.resource, entry.reason, entry.address)
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
        """Return the key and entry under which a refusal is counted with others of its actor and action."""
        shared = replace(entry, resource=VARIOUS, reason="", request_id="", address="")
        key = (shared.actor, shared.action, VARIOUS, "", "")
        if key in self._repeated or len(self._repeated) < self._settings.refusals_per_minute + MOST_SHARED:
            return key, shared
        nobody = replace(shared, actor="", name="", roles=(), action=VARIOUS)
        return ("", VARIOUS, VARIOUS, "", ""), nobody

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
