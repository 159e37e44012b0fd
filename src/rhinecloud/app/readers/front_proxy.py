"""What stands before the process that runs the city: it answers from the store what it can, and passes on the rest.

Whatever it cannot read with success it passes on as well, so that every refusal is the city's own, and a token that was
made a moment ago opens this door, too.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from rhinecloud.app import liveness
from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send
from rhinecloud.app.dispatcher import Dispatcher
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.server import HttpServer
from rhinecloud.app.space import open_to
from rhinecloud.part import Mode

NGSI_LD = "/ngsi-ld/"
ENTITIES = "/ngsi-ld/v1/entities"
BATCHES = "/ngsi-ld/v1/entityOperations"


class FrontProxy:
    """An ASGI application over a foundation that is open to read; `writes` where its store may be written here, too.

    `passing` is where the rest goes; it may be replaced.
    """

    def __init__(self, foundation: Foundation, passing: Application, *, writes: bool) -> None:
        self._foundation = foundation
        self._space = open_to(foundation, Mode.READER)
        self._application: Application
        self._writes = writes
        self.passing = passing

    async def open(self, closing: AsyncExitStack, *, leave_s: float, shared: bool = False) -> None:
        """Let requests in at the city's port, which may be `shared`; `closing` learns how to let them out again.

        Those inside have `leave_s` to end.
        """
        settings, identity = self._foundation.settings, self._foundation.identity
        await self._space.assembly.open(self._space.context(), closing)
        self._application = self._space.assembly.applications()[NGSI_LD]
        doors = Dispatcher(
            [("/", self)], self.passing, self._space.origins(), literal_hosts_only=identity.settings.open
        )
        server = HttpServer(doors, settings.server, shared=shared)
        await server.start()
        closing.push_async_callback(server.stop)
        closing.push_async_callback(doors.close, leave_s)

    async def refresh(self) -> None:
        """Read again what another process changed of accounts, tokens and @contexts."""
        await self._space.assembly.refresh()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer here, or by passing on."""
        if scope["type"] == "http" and scope["path"] == liveness.PATH:
            await liveness.say_alive(send)
        elif not self._is_for_here(scope):
            await self.passing(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        heard: list[Message] = []
        answer: list[Message] = []

        async def listen() -> Message:
            message = await receive()
            heard.append(message)
            return message

        async def keep(message: Message) -> None:
            answer.append(message)

        async def repeat() -> Message:
            return heard.pop(0) if heard else await receive()

        await self._application(scope, listen, keep)
        if _stands(scope, answer[0]["status"]):
            for message in answer:
                await send(message)
        else:
            await self.passing(scope, repeat, send)

    def _is_for_here(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if scope["type"] != "http" or not path.startswith((ENTITIES, BATCHES)):
            return False
        return self._writes or (scope["method"] == "GET" and path.startswith(ENTITIES))


def _stands(scope: Scope, status: int) -> bool:
    """Tell whether an answer may stand: a refused reading is asked again inside, of writing only who was unknown."""
    return status < 300 or (scope["method"] != "GET" and status != 401)
