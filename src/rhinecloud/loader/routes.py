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

Allow = Callable[[Actor, str], None]
"""Returns where the policy permits the actor to call the routes of the pack; raises Forbidden."""


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
        self._allow(of, name)
        root = scope.get("root_path", "") + PREFIX + name
        await application({**scope, "root_path": root, ACTOR: of}, receive, send)


def as_application(made: Application, pack: str, version: str, edge: HttpEdge) -> Application:
    """Return what a pack's `routes` made as an application that answers errors like the city does."""
    api = made
    if isinstance(made, APIRouter):
        api = FastAPI(title=f"Rhine Cloud: {pack}", version=version, docs_url=None, redoc_url=None)
        api.include_router(made)
    if isinstance(api, FastAPI):
        edge.add_problems(api)
    return api
