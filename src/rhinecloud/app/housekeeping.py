"""What must be done now and then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from rhinecloud.app.foundation import Foundation
from rhinecloud.app.memory import give_back
from rhinecloud.history.settings import HistorySettings
from rhinecloud.kernel.time import format_time

FLUSH_S = 60.0
EXPIRE_S = 3600.0
GIVE_BACK_S = 10.0


class Housekeeping:
    """The chores of a running city, each a coroutine that runs until it is cancelled."""

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    async def flush_identity(self) -> None:
        """Write down when sessions and tokens were last used, and drop ended sessions."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self._foundation.identity.flush()

    async def give_memory_back(self) -> None:
        """Return memory that nobody uses to the system."""
        while True:
            await asyncio.sleep(GIVE_BACK_S)
            give_back()

    async def expire_history(self) -> None:
        """Drop what is older than the settings keep."""
        keep = self._foundation.settings.section("history", HistorySettings).keep_days
        while keep:
            await self._foundation.history.expire(
                format_time(self._foundation.clock() - timedelta(days=keep))
            )
            await asyncio.sleep(EXPIRE_S)
