"""The queue of a writer: which jobs are written in one group, and how long to wait for more of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

GROUP_EDITS = 4_096
"""Most edits of a group, unless one job has more."""
COLLECT_S = 0.002
"""How long a group waits for more jobs if many callers write at once; a commit costs as much as several edits."""
MANY_CALLERS = 4
ENOUGH_EDITS = 64


class Job(Protocol):
    """What one caller asked for."""

    edits: Sequence[Any]


J = TypeVar("J", bound=Job)


class WriteQueue(Generic[J]):
    """Jobs that wait for the next group; `is_alone` returns whether a job needs a group of its own."""

    def __init__(self, is_alone: Callable[[J], bool] = lambda _: False) -> None:
        self._is_alone = is_alone
        self._jobs: list[J] = []
        self._edits = 0
        self._callers = 0
        """How many callers have waited at once recently."""

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def add(self, job: J, *, running: int = 0) -> None:
        """Add a job while `running` others are being written."""
        self._jobs.append(job)
        self._edits += len(job.edits)
        self._callers = max(self._callers, len(self._jobs) + running)

    @property
    def is_enough(self) -> bool:
        """Whether to start a group now: half of the callers that recently wrote at once are waiting, or few do."""
        few = self._callers < MANY_CALLERS
        return few or len(self._jobs) >= self._callers // 2 or self._edits >= ENOUGH_EDITS

    def expect_fewer(self) -> None:
        """Note that fewer callers write at once than before."""
        self._callers = self._callers * 3 // 4

    def take(self) -> list[J]:
        """Return the jobs of the next group, in order."""
        edits = end = 0
        for job in self._jobs:
            edits += len(job.edits)
            alone = self._is_alone(job)
            if end and (alone or edits > GROUP_EDITS):
                break
            end += 1
            if alone:
                break
        jobs, self._jobs = self._jobs[:end], self._jobs[end:]
        self._edits = sum(len(job.edits) for job in self._jobs)
        return jobs
