"""One more city process on a database that several share: it reads and writes entities, and passes on the rest.

The rest goes to whichever process leads; until one does, whoever asks for it is told to try again.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from rhinecloud.app.asgi import Receive, Scope, Send
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.parts import cached_records
from rhinecloud.app.readers.front_proxy import FrontProxy
from rhinecloud.app.readers.reverse_proxy import ReverseProxy
from rhinecloud.app.readers.upstream import KIND, UpstreamAddress, find_leader
from rhinecloud.app.server import with_port
from rhinecloud.app.settings import Settings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import Clock, utc_now

SETTLE_S = 0.02
NOBODY = UpstreamAddress("", url="http://127.0.0.1:1")
"""Where nothing listens."""


class Replica:
    """Answers beside the leader from `start` to `stop`."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        """Put everything together; raises Invalid where a file of the city is wrong. Nothing is opened yet."""
        self.settings = with_port(settings)
        self.leader = NOBODY
        self._foundation = Foundation(self.settings, clock, reads_only=True)
        self._passing = ReverseProxy(NOBODY)
        self._changed = asyncio.Event()
        self._cached = cached_records()
        self._front: FrontProxy
        self._closing = AsyncExitStack()

    @property
    def url(self) -> str:
        """Give the address that reaches this process from this machine."""
        return self.settings.server.url

    async def start(self) -> None:
        """Open the store and answer; raises what cannot be opened, after closing what was."""
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Let nobody in any more, and close everything."""
        await self._closing.aclose()

    async def _start(self) -> None:
        foundation, closing = self._foundation, self._closing
        await foundation.open_to_read()
        closing.push_async_callback(foundation.close)
        foundation.store.on_records(self._hear)
        await self._find_leader()
        closing.push_async_callback(self._part)
        self._front = FrontProxy(foundation, self._pass, writes=True)
        await self._front.open(closing, leave_s=self.settings.server.stop_s / 2)
        keeping = asyncio.create_task(self._keep_up(), name="replica")
        closing.callback(keeping.cancel)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._passing(scope, receive, send)

    def _hear(self, kind: str, _tenant: str, _record_id: str) -> None:
        if kind in self._cached or kind in (KIND, ""):  # '': any record may have changed
            self._changed.set()

    async def _keep_up(self) -> None:
        """Read anew what other processes changed, each time that it is heard of."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLE_S)
            self._changed.clear()
            try:
                await self._find_leader()
                await self._front.refresh()
            except Unavailable:
                self._changed.set()
                await asyncio.sleep(1)

    async def _find_leader(self) -> None:
        leader = await find_leader(self._foundation.store) or NOBODY
        if leader != self.leader:
            before, self._passing = self._passing, ReverseProxy(leader)
            self.leader = leader
            await before.close()

    async def _part(self) -> None:
        await self._passing.close()
