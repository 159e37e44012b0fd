"""What history contributes: its settings, and the worker that drops what is older than they keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from rhinecloud.history.port import History
from rhinecloud.history.settings import HistorySettings
from rhinecloud.kernel.time import format_time
from rhinecloud.part import OpenPart, Part, PartContext

EXPIRE_S = 3600.0


@asynccontextmanager
async def open_history(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the worker over the history of this space."""
    history = context.services.get(History)
    keep = context.settings.section("history", HistorySettings).keep_days

    async def expire() -> None:
        while keep:
            await history.expire(format_time(context.clock() - timedelta(days=keep)))
            await asyncio.sleep(EXPIRE_S)

    yield OpenPart(workers={"past": expire})


PART = Part(
    name="history",
    summary="What was true when, and when the city learnt it.",
    open=open_history,
    settings={"history": HistorySettings},
)
