"""A reader: a child process of the city that serves at its port and ends with it.

Its standard input carries its options first, and then a line each time that accounts, tokens or @contexts change.
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
from rhinecloud.app.memory import tune_garbage_collector
from rhinecloud.app.readers.front_proxy import FrontProxy
from rhinecloud.app.readers.record_edition import RecordEdition
from rhinecloud.app.readers.reverse_proxy import ReverseProxy
from rhinecloud.app.readers.upstream import UpstreamAddress
from rhinecloud.app.sections import is_shared, read_city
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.time import utc_now

SETTLE_S = 0.02
"""Further notices are awaited for this time before the reload, because they come in bursts."""
RETRY_S = 1.0
DRAIN_S = 1.0
"""How long present requests may take when the city ends."""
READY = b"ready\n"


class ReaderOptions(msgspec.Struct, frozen=True):
    """What the city sends a reader: its folder, overrides of its settings, its own address, and the file of the edition
    of its records.
    """

    folder: str
    overrides: dict[str, dict[str, Any]]
    upstream: UpstreamAddress
    edition_file: str


async def serve(options: ReaderOptions, notices: asyncio.StreamReader) -> None:
    """Serve until the city closes the pipe."""
    settings = read_city(Path(options.folder), options.overrides)
    write_log(settings.section("log", LogSettings))
    foundation = Foundation(settings, utc_now, reads_only=True)
    passing = ReverseProxy(options.upstream)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(passing.close)
        await foundation.open_to_read()
        closing.push_async_callback(foundation.close)
        edition = RecordEdition(Path(options.edition_file))
        closing.callback(edition.close)
        front = FrontProxy(foundation, passing, writes=is_shared(settings), edition=lambda: edition.number)
        await front.open(closing, drain_s=DRAIN_S, shared=True)
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        await _refresh_when_changed(front, notices)


async def _refresh_when_changed(front: FrontProxy, notices: asyncio.StreamReader) -> None:
    """Reload what changed for each notice, until the pipe ends."""
    while await notices.readline():
        await asyncio.sleep(SETTLE_S)
        while not notices.at_eof():
            try:
                await front.refresh()
                break
            except Unavailable:  # the engine is away for a moment; unknown tokens are forwarded
                await asyncio.sleep(RETRY_S)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    # A service manager signals every process of the city; this one ends with its pipe, after the present requests.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    notices = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(notices), sys.stdin)
    options = msgspec.json.decode(await notices.readline(), type=ReaderOptions)
    tune_garbage_collector()
    await serve(options, notices)


if __name__ == "__main__":
    uvloop.run(_main())
