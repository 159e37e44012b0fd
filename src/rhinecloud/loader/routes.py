"""The HTTP routes of packs, `/packs/<pack>/…`: each caller is known before the pack's code is called."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi import APIRouter, FastAPI

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import NotFound
from rhinecloud.pack.city import ACTOR
from rhinecloud.part import Access, Application, HttpEdge
from rhinecloud.part.model import Receive, Send

PREFIX = "/packs/"

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NOSNIFF = (b"x-content-type-options", b"nosniff")
SANDBOX = (
    b"content-security-policy",
    b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
)
"""A page of a pack runs no script in the origin of the city, unless the pack answers with a policy of its own."""

Allow = Callable[[Actor, str, bool], None]
"""Returns where the policy permits the actor to call the pack's routes by a method that is safe, or is not; raises
Forbidden."""


class PackRoutes:
    """One application for all packs. A pack cannot be reached outside of its own prefix."""

    def __init__(self, access: Access, allow: Allow) -> None:
        self._access = access
        self._allow = allow
        self._applications: dict[str, Application] = {}

    def add(self, pack: str, application: Application) -> None:
        """Mount the application of a pack."""
        self._applications[pack] = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket; raise NotFound, Unauthenticated or Forbidden."""
        name = scope["path"].removeprefix(PREFIX).partition("/")[0]
        application = self._applications.get(name)
        is_websocket = scope["type"] == "websocket"
        of = self._access.of_websocket(scope) if is_websocket else self._access.of_headers(scope["headers"])
        if application is None:
            raise NotFound(f"there is no pack {name!r} with HTTP routes")
        self._allow(of, name, is_websocket or scope["method"] in SAFE)
        root = scope.get("root_path", "") + PREFIX + name
        await application({**scope, "root_path": root, ACTOR: of}, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    """Return a `send` that adds to each answer the headers that bound what a browser does with it."""

    async def send_bounded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            sent = [(bytes(name).lower(), value) for name, value in message.get("headers", ())]
            names = dict(sent)
            added = [] if NOSNIFF[0] in names else [NOSNIFF]
            if SANDBOX[0] not in names and not _is_data(names.get(b"content-type", b"")):
                added.append(SANDBOX)
            message = {**message, "headers": [*sent, *added]}
        await send(message)

    return send_bounded


def _is_data(content_type: bytes) -> bool:
    """Return whether a browser never shows this as a page."""
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == b"application/json" or media_type.endswith(b"+json")


def as_application(made: Application, pack: str, version: str, edge: HttpEdge) -> Application:
    """Return what a pack's `routes` made as an application that answers errors like the city does."""
    api = made
    if isinstance(made, APIRouter):
        api = FastAPI(title=f"Rhine Cloud: {pack}", version=version, docs_url=None, redoc_url=None)
        api.include_router(made)
    if isinstance(api, FastAPI):
        edge.add_problems(api)
    return api
