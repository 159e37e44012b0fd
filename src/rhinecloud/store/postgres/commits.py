"""Notifies listeners of commits, of this process and of others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rhinecloud.store.port import Commit, LoggedChange, RecordsListener

CommitListener = Callable[[Commit], None]


class CommitNotices:
    """Calls each listener in its own callback on the event loop, so that their errors affect nothing else."""

    def __init__(self) -> None:
        self.last = 0
        self.listeners: list[CommitListener] = []
        self.record_listeners: list[RecordsListener] = []

    def notify_own(self, logged: Sequence[LoggedChange]) -> None:
        """Report what this process has written; only the number if another process wrote in between."""
        first, last = logged[0].seq, logged[-1].seq
        if last > self.last:
            follows, self.last = first == self.last + 1, last
            self._notify(Commit(last, logged if follows else ()))

    def notify_other(self, seq: int) -> None:
        """Report that another process has written up to `seq`."""
        if seq > self.last:
            self.last = seq
            self._notify(Commit(seq))

    def notify_record(self, kind: str, tenant: str, record_id: str) -> None:
        """Report that a record was written or deleted; three empty strings: any may have been."""
        loop = asyncio.get_running_loop()
        for listener in self.record_listeners:
            loop.call_soon(listener, kind, tenant, record_id)

    def _notify(self, commit: Commit) -> None:
        loop = asyncio.get_running_loop()
        for listener in self.listeners:
            loop.call_soon(listener, commit)
