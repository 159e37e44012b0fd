"""An attempt that is a task: for transports whose client library is written with async and await."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from rhinecloud.subscriptions.transports.port import NotDelivered, OnResult

_log = logging.getLogger(__name__)


class TaskAttempt:
    """Runs `work` and reports its result; an error other than NotDelivered counts as a refusal, so that it ends."""

    def __init__(self, work: Coroutine[None, None, None], on_result: OnResult) -> None:
        self._on_result: OnResult | None = on_result
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Stop; nothing is reported."""
        self._on_result = None
        self._task.cancel()

    def _end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._on_result is None:
            return
        if error is None or isinstance(error, NotDelivered):
            self._on_result(error)
        else:
            _log.error("a notification cannot be sent", exc_info=error)
            self._on_result(NotDelivered(f"{type(error).__name__}: {error}", refused=True))
