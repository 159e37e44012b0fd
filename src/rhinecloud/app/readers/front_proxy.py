"""Answers requests for entities from the store, and forwards the others to the process that runs the city.

A request that fails here is forwarded as well, so that errors come from the city itself, and a token that was created
a moment ago works here, too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, nullcontext

from rhinecloud.app import liveness
from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send
from rhinecloud.app.dispatcher import Dispatcher
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.server import HttpServer
from rhinecloud.app.space import open_to
from rhinecloud.app.supervisor import Supervisor
from rhinecloud.part import Mode


class FrontProxy:
    """An ASGI application over a foundation that is open to read; `writes` says whether its store may be written.

    `upstream` gets the forwarded requests; it may be replaced. `edition` returns the number of changes of the records
    of which copies are held: while it is not that of the last `refresh`, every request is forwarded.
    """

    def __init__(
        self,
        foundation: Foundation,
        upstream: Application,
        *,
        writes: bool,
        edition: Callable[[], int] = lambda: 0,
    ) -> None:
        self._edition = edition
        self._known_edition = edition()
        self._foundation = foundation
        self._space = open_to(foundation, Mode.READER)
        self._applications: dict[str, Application] = {}
        self._readable: tuple[str, ...] = ()
        self._writable: tuple[str, ...] = ()
        self._writes = writes
        self.upstream = upstream

    async def open(self, closing: AsyncExitStack, *, drain_s: float, shared: bool = False) -> None:
        """Serve at the city's port, which may be `shared`, until `closing` ends; requests then get `drain_s` more."""
        settings, identity = self._foundation.settings, self._foundation.identity
        assembly = self._space.assembly
        await assembly.open(self._space.context(), closing)
        self._applications = assembly.applications()
        self._readable = assembly.readable()
        self._writable = assembly.writable() if self._writes else ()
        dispatcher = Dispatcher(
            [("/", self)], self.upstream, self._space.origins(), literal_hosts_only=identity.settings.open
        )
        server = HttpServer(dispatcher, settings.server, shared=shared)
        await server.start()
        closing.push_async_callback(server.stop)
        closing.push_async_callback(dispatcher.close, drain_s)
        supervisor = Supervisor()
        closing.push_async_callback(supervisor.stop)
        supervisor.keep("audit", self._foundation.audit.run)

    async def refresh(self) -> None:
        """Reload accounts, tokens and @contexts that another process changed."""
        edition = self._edition()
        await self._space.assembly.refresh()
        self._known_edition = edition

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request here, or forward it."""
        if scope["type"] == "http" and scope["path"] == liveness.PATH:
            await liveness.reply_alive(send)
        elif (application := self._find(scope)) is None:
            await self.upstream(scope, receive, send)
        else:
            await self._answer(application, scope, receive, send)

    async def _answer(self, application: Application, scope: Scope, receive: Receive, send: Send) -> None:
        received: list[Message] = []
        response: list[Message] = []

        async def record() -> Message:
            message = await receive()
            received.append(message)
            return message

        async def hold(message: Message) -> None:
            response.append(message)

        async def repeat() -> Message:
            return received.pop(0) if received else await receive()

        # A read that fails here is answered, and its refusal recorded, by the city.
        with self._foundation.audit.mute() if scope["method"] == "GET" else nullcontext():
            await application(scope, record, hold)
        if _is_final(scope, response[0]["status"]):
            for message in response:
                await send(message)
        else:
            await self.upstream(scope, repeat, send)

    def _find(self, scope: Scope) -> Application | None:
        """Return the application that answers a request here, None where it is forwarded."""
        path: str = scope["path"]
        if scope["type"] != "http" or self._edition() != self._known_edition:
            return None
        if not path.startswith((*self._writable, *(self._readable if scope["method"] == "GET" else ()))):
            return None
        found = (each for prefix, each in self._applications.items() if path.startswith(prefix))
        return next(found, None)


def _is_final(scope: Scope, status: int) -> bool:
    """Return whether a response is sent: a failed read is forwarded, a failed write only where the actor is unknown."""
    return status < 300 or (scope["method"] != "GET" and status != 401)
