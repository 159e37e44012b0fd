"""What is committed and not yet published, as far as it is at hand: the rest stands in the store's log.

The writer has just made these bytes; reading them back would cost as much as writing them did.
"""

from __future__ import annotations

from collections import deque

from rhinecloud.store.port import Commit, LoggedChange

MOST_BYTES = 8 << 20


class Outbox:
    """The encoded changes from `after` to `last`, without a gap."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.after = 0
        self.last = 0
        self._most_bytes = most_bytes
        self._changes: deque[LoggedChange] = deque()
        self._bytes = 0

    def add(self, commit: Commit) -> None:
        """Put a commit's changes behind the others, which go where it does not follow them or all are too many."""
        changes = commit.changes
        if not changes or changes[0].seq != self.last + 1:
            self._changes.clear()
            self._bytes = 0
            self.after = changes[0].seq - 1 if changes else commit.last
        for each in changes:
            self._changes.append(LoggedChange(each.seq, each.body))
            self._bytes += len(each.body)
        self.last = commit.last
        while self._bytes > self._most_bytes:
            self._drop()

    def take(self, after: int, limit: int, most_bytes: int) -> list[LoggedChange]:
        """Give the changes that follow `after`, with which all is done; none: ask the log.

        At most `limit`, and no further one once `most_bytes` are reached.
        """
        while self._changes and self._changes[0].seq <= after:
            self._drop()
        taken: list[LoggedChange] = []
        size = 0
        if self.after <= after:
            for each in self._changes:
                if len(taken) >= limit or size >= most_bytes:
                    break
                taken.append(each)
                size += len(each.body)
        return taken

    def _drop(self) -> None:
        gone = self._changes.popleft()
        self.after = gone.seq
        self._bytes -= len(gone.body)
