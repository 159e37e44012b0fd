"""What is committed and not yet published, as far as it is in memory; the rest is in the store's log.

The writer has just made these bytes; reading them back would cost as much as writing them did.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from rhinecloud.store.port import Commit

MOST_BYTES = 8 << 20


class Outbox:
    """The encoded changes from `after` to `last`, without a gap."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.after = 0
        self.last = 0
        self._most_bytes = most_bytes
        self._bodies: deque[bytes] = deque()
        self._bytes = 0

    def add(self, commit: Commit) -> None:
        """Add a commit's changes; the others are dropped if it does not follow them, or where all are too many."""
        bodies = [each.body for each in commit.changes]
        if not bodies or commit.changes[0].seq != self.last + 1:
            self._bodies.clear()
            self._bytes = 0
            self.after = commit.last - len(bodies)
        self._bodies.extend(bodies)
        self._bytes += sum(map(len, bodies))
        self.last = commit.last
        while self._bytes > self._most_bytes:
            self._drop()

    def take(self, after: int, limit: int, most_bytes: int) -> list[bytes]:
        """Return the changes that follow `after`, and drop those up to it; nothing where they are only in the log.

        At most `limit` changes, and no further one once `most_bytes` are reached.
        """
        while self._bodies and self.after < after:
            self._drop()
        if self.after != after:
            return []
        taken: list[bytes] = []
        size = 0
        for body in islice(self._bodies, limit):
            if size >= most_bytes:
                break
            taken.append(body)
            size += len(body)
        return taken

    def _drop(self) -> None:
        self._bytes -= len(self._bodies.popleft())
        self.after += 1
