"""What a store engine has done since its start, as plain numbers for metrics."""

from __future__ import annotations

from rhinecloud.kernel.response_stats import ResponseStats

DONE, FAILED = 0, 1
"""The outcomes of a commit."""


class StoreStatistics:
    """Commits with their durations and edits, and how often a single entity was in memory or had to be read."""

    __slots__ = ("commits", "edits", "hits", "last_edits", "misses")

    def __init__(self) -> None:
        self.commits = ResponseStats()
        self.edits = 0
        self.last_edits = 0
        self.hits = 0
        self.misses = 0

    def committed(self, edits: int, took_s: float, *, failed: bool = False) -> None:
        """Count the commit of a group of edits."""
        self.commits.add(FAILED if failed else DONE, took_s)
        if not failed:
            self.edits += edits
            self.last_edits = edits
