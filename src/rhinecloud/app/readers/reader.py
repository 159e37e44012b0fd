"""One reader: a child process of the city that answers at its port and ends with it.

The pipe that it is given brings its orders first, and then a line each time that accounts, tokens or @contexts changed.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from rhinecloud.app.foundation import Foundation
from rhinecloud.app.logs import LogSettings, write_log
from rhinecloud.app.memory import ease_collector
from rhinecloud.app.readers.front_proxy import FrontProxy
from rhinecloud.app.readers.reverse_proxy import ReverseProxy
from rhinecloud.app.readers.upstream import UpstreamAddress
from rhinecloud.app.sections import is_shared, read_city
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import utc_now

SETTLE_S = 0.02
"""So long further notices are waited for before what changed is read: they come in swarms."""
AGAIN_S = 1.0
LEAVE_S = 1.0
"""So long requests may take to end when the city ends."""
READY = b"ready\n"


class ReaderOptions(msgspec.Struct, frozen=True):
    """What the city tells a reader first: its folder, what overrides its settings, and where it is itself."""

    folder: str
    overrides: dict[str, dict[str, Any]]
    inside: UpstreamAddress


async def serve(orders: ReaderOptions, notices: asyncio.StreamReader) -> None:
    """Serve until the city's end of the pipe is closed."""
    settings = read_city(Path(orders.folder), orders.overrides)
    write_log(settings.section("log", LogSettings))
    foundation = Foundation(settings, utc_now, reads_only=True)
    passing = ReverseProxy(orders.inside)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(passing.close)
        await foundation.open_to_read()
        closing.push_async_callback(foundation.close)
        front = FrontProxy(foundation, passing, writes=is_shared(settings))
        await front.open(closing, leave_s=LEAVE_S, shared=True)
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        await _keep_up(front, notices)


async def _keep_up(front: FrontProxy, notices: asyncio.StreamReader) -> None:
    """Read anew what changed, each time that it is told, until the pipe ends."""
    while await notices.readline():
        await asyncio.sleep(SETTLE_S)
        while not notices.at_eof():
            try:
                await front.refresh()
                break
            except Unavailable:  # the engine is away for a moment; what cannot be known here is asked inside
                await asyncio.sleep(AGAIN_S)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    # A service manager signals every process of the city; this one ends with its pipe, after those that it answers.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    notices = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(notices), sys.stdin)
    orders = msgspec.json.decode(await notices.readline(), type=ReaderOptions)
    ease_collector()
    await serve(orders, notices)


if __name__ == "__main__":
    uvloop.run(_main())
