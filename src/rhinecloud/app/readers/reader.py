"""One reader: a process that answers the reading of entities from the store and passes everything else on.

What it cannot answer with success it passes on as well, so that every refusal is the city's own; what it knows of
accounts, tokens and @contexts is read anew as soon as the city says that they changed.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send
from rhinecloud.app.doors import Doors
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.gate import Gate
from rhinecloud.app.memory import ease_collector
from rhinecloud.app.mount import broker_door
from rhinecloud.app.readers.passing import Passing
from rhinecloud.app.sections import own_origins, read_city
from rhinecloud.app.server import HttpServer
from rhinecloud.kernel.time import utc_now

ENTITIES = "/ngsi-ld/v1/entities"
SETTLE_S = 0.02
"""So long further notices are waited for before what changed is read: they come in swarms."""
READY = b"ready\n"


class Orders(msgspec.Struct, frozen=True):
    """What the city tells a reader first: its folder, what outweighs its settings, and the socket of the city."""

    folder: str
    overrides: dict[str, dict[str, Any]]
    socket: str


class Reader:
    """An ASGI application over a foundation that is open to read."""

    def __init__(self, foundation: Foundation, passing: Application) -> None:
        gate = Gate(foundation.identity.actor_of, foundation.policy, foundation.tenant)
        self._door = broker_door(foundation, gate)
        self._passing = passing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the reading of entities here, anything else by passing it on."""
        if not _reads(scope):
            await self._passing(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._door(scope, receive, keep)
        if answer and answer[0]["status"] < 300:
            for message in answer:
                await send(message)
        else:
            await self._passing(scope, receive, send)


def _reads(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["type"] == "http" and scope["method"] == "GET" and path.startswith(ENTITIES)


async def serve(orders: Orders, notices: asyncio.StreamReader) -> None:
    """Serve until the city's end of the pipe is closed."""
    settings = read_city(Path(orders.folder), orders.overrides)
    foundation = Foundation(settings, utc_now, reads_only=True)
    passing = Passing(Path(orders.socket))
    async with AsyncExitStack() as closing:
        closing.push_async_callback(passing.close)
        await foundation.open_to_read()
        closing.push_async_callback(foundation.close)
        doors = Doors(
            [("/", Reader(foundation, passing))],
            passing,
            own_origins(settings),
            literal_hosts_only=foundation.identity.settings.open,
        )
        server = HttpServer(doors, settings.server, shared=True)
        await server.start()
        closing.push_async_callback(server.stop)
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        while await notices.readline():
            await asyncio.sleep(SETTLE_S)
            await foundation.read_again()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    notices = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(notices), sys.stdin)
    orders = msgspec.json.decode(await notices.readline(), type=Orders)
    ease_collector()
    await serve(orders, notices)


if __name__ == "__main__":
    uvloop.run(_main())
