"""`/actions`: the actions that parts and packs declare."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body, Depends

from rhinecloud.app.authentication import Authentication
from rhinecloud.kernel.actor import Actor
from rhinecloud.part import Actions, ActionView


def action_routes(actions: Actions, access: Authentication) -> APIRouter:
    """Return the routes of `/actions`."""
    router = APIRouter(prefix="/actions", tags=["actions"])

    @router.get("", summary="Every action, with the JSON Schema of its parameters")
    async def list_actions(actor: Actor = Depends(access.signed_in)) -> list[ActionView]:
        return actions.list()

    @router.post("/{name}", summary="Call an action")
    async def call_action(
        name: str, parameters: dict[str, Any] = Body(default={}), actor: Actor = Depends(access.signed_in)
    ) -> Any:
        return await actions.call(actor, name, parameters)

    return router
