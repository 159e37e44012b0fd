"""Who hears of commits: the newest change that this process knows of, from its own writes and from other processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rhinecloud.store.port import Commit, LoggedChange, RecordsListener

CommitListener = Callable[[Commit], None]


class CommitNotices:
    """Tells listeners on the event loop, each in a turn of its own: nobody suffers from their faults."""

    def __init__(self) -> None:
        self.last = 0
        self.listeners: list[CommitListener] = []
        self.record_listeners: list[RecordsListener] = []

    def tell_own(self, logged: Sequence[LoggedChange]) -> None:
        """Tell what this process has just written; the number alone where another process wrote in between."""
        first, last = logged[0].seq, logged[-1].seq
        if last > self.last:
            follows, self.last = first == self.last + 1, last
            self._tell(Commit(last, logged if follows else ()))

    def tell_heard(self, seq: int) -> None:
        """Tell that another process wrote up to `seq`."""
        if seq > self.last:
            self.last = seq
            self._tell(Commit(seq))

    def tell_record(self, kind: str, tenant: str, record_id: str) -> None:
        """Tell that a record was put or deleted; three empty texts: any may have been."""
        loop = asyncio.get_running_loop()
        for listener in self.record_listeners:
            loop.call_soon(listener, kind, tenant, record_id)

    def _tell(self, commit: Commit) -> None:
        loop = asyncio.get_running_loop()
        for listener in self.listeners:
            loop.call_soon(listener, commit)
