"""A thread that commits, so that the event loop goes on while the disk makes the bytes durable.

All other statements of a transaction run on the loop: they are short, and two threads that both run Python would wait
for each other at every one of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Committer:
    """A thread that runs one job after the other."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: Callable[[], None]) -> None:
        """Queue a job, which must not raise."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Finish the queued jobs and end the thread."""
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
