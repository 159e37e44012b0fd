"""Runs the city's background work: work that raises is restarted after a pause, and its error is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from rhinecloud.kernel.errors import Invalid

Start = Callable[[], Coroutine[Any, Any, None]]

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""Work that ran for this long before it failed begins with the first pause again."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """One background task: `failures` since the start, `error` while it is not running."""

    name: str
    failures: int = 0
    error: str = ""


class Supervisor:
    """Starts work by name, and restarts it until `stop`."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def keep(self, name: str, start: Start) -> None:
        """Run `start()`, and again whenever it raises; work that returns is done. Raise Invalid for a name in use."""
        if name in self._tasks:
            raise Invalid(f"two workers have the name {name!r}")
        work = self._works[name] = Work(name)
        self._tasks[name] = asyncio.create_task(self._run(work, start), name=name)

    def works(self) -> list[Work]:
        """Return all work in the order of its start."""
        return list(self._works.values())

    async def stop(self, *names: str) -> None:
        """Cancel the named work, or all of it, newest first, and wait until it has ended."""
        for name in names or reversed(list(self._tasks)):
            task = self._tasks.pop(name, None)
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _run(self, work: Work, start: Start) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while True:
            started = loop.time()
            try:
                work.error = ""
                await start()
            except asyncio.CancelledError as error:
                if _is_stopped():
                    raise
                _note_failure(work, error)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a consumer's loop: an error in it must not end the city
                _note_failure(work, error)
            else:
                return
            if loop.time() - started > STEADY_S:
                pause = FIRST_PAUSE_S
            _log.warning("%s is restarted in %.1f s", work.name, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


def _is_stopped() -> bool:
    """Return whether the present task was cancelled itself; else what it waited for was."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _note_failure(work: Work, error: BaseException) -> None:
    work.failures += 1
    work.error = f"{type(error).__name__}: {error}".removesuffix(": ")
    _log.error("%s failed", work.name, exc_info=error)
