"""A city process on a shared database that does not lead: it reads and writes entities, and forwards other requests.

They go to the process that leads; while there is none, they are answered 503 with Retry-After.
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
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import Clock, utc_now

SETTLE_S = 0.02
NO_LEADER = UpstreamAddress("", url="http://127.0.0.1:1")
"""An address at which nothing listens."""


class Replica:
    """Serves beside the leader from `start` to `stop`."""

    def __init__(self, settings: LoadedSettings, clock: Clock = utc_now) -> None:
        """Read the city's files; raise Invalid for a fault. Nothing is opened yet."""
        self.settings = with_port(settings)
        self.leader = NO_LEADER
        self._foundation = Foundation(self.settings, clock, reads_only=True)
        self._proxy = ReverseProxy(NO_LEADER)
        self._changed = asyncio.Event()
        self._cached = cached_records(settings.parts.loaded)
        self._front: FrontProxy
        self._closing = AsyncExitStack()

    @property
    def url(self) -> str:
        """Return the address of this process on this machine."""
        return self.settings.server.url

    async def start(self) -> None:
        """Open the store and serve. Raise the error of what cannot be opened, after closing the rest."""
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Accept no more requests, and close everything."""
        await self._closing.aclose()

    async def _start(self) -> None:
        foundation, closing = self._foundation, self._closing
        await foundation.open_to_read()
        closing.push_async_callback(foundation.close)
        foundation.store.on_records(self._on_record)
        await self._find_leader()
        closing.push_async_callback(self._close_proxy)
        self._front = FrontProxy(foundation, self._forward, writes=True)
        await self._front.open(closing, drain_s=self.settings.server.stop_s / 2)
        keeping = asyncio.create_task(self._refresh_when_changed(), name="replica")
        closing.callback(keeping.cancel)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._proxy(scope, receive, send)

    def _on_record(self, kind: str, _tenant: str, _record_id: str) -> None:
        if kind in self._cached or kind in (KIND, ""):  # '': any record may have changed
            self._changed.set()

    async def _refresh_when_changed(self) -> None:
        """Reload what other processes changed, whenever they notify."""
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
        leader = await find_leader(self._foundation.store) or NO_LEADER
        if leader != self.leader:
            before, self._proxy = self._proxy, ReverseProxy(leader)
            self.leader = leader
            await before.close()

    async def _close_proxy(self) -> None:
        await self._proxy.close()
