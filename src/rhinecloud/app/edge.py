"""The HTTP layer around applications of parts and packs: bounded bodies, counted requests, one form of errors."""

from __future__ import annotations

import logging

import orjson
from fastapi import FastAPI

from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send, reply
from rhinecloud.app.body_limit import BodyLimit
from rhinecloud.app.measured import MeasuredApplication
from rhinecloud.app.problem import MEDIA_TYPE, Problems, add_problems

_log = logging.getLogger(__name__)


class CityEdge:
    """An `HttpEdge`; `measured` are the applications that it wrapped."""

    def __init__(self, problems: Problems, most_bytes: int, *, log: bool) -> None:
        self._problems = problems
        self._most_bytes = most_bytes
        self._log = log
        self.measured: list[MeasuredApplication] = []

    def around(self, application: Application, prefix: str) -> Application:
        """Return an application that bounds bodies, counts and logs requests, and answers errors as problems."""
        bounded = BodyLimit(ProblemBoundary(application, self._problems), self._most_bytes)
        made = MeasuredApplication(bounded, prefix, log=self._log)
        self.measured.append(made)
        return made

    def add_problems(self, api: FastAPI) -> None:
        """Have an API answer every error with a problem document."""
        add_problems(api, self._problems)


class ProblemBoundary:
    """Answers with a problem document whatever an application raises before it answers."""

    def __init__(self, application: Application, problems: Problems) -> None:
        self._application = application
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._application(scope, receive, send_noted)
        except Exception as error:  # noqa: BLE001 - the request edge: what an application raises ends its request alone
            document = self._problems.of(error)
            if document["status"] >= 500:
                _log.error("%s %s failed", scope.get("method", "WebSocket"), scope["path"], exc_info=error)
            if not has_begun:
                await _answer(scope, send, document)


async def _answer(scope: Scope, send: Send, document: dict[str, object]) -> None:
    status = int(str(document["status"]))
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000 + status})
        return
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="Rhine Cloud"'))
    await reply(send, status, orjson.dumps(document), headers)
