"""What the operations centre draws with: `/views/icons`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends

from rhinecloud.kernel.actor import Actor
from rhinecloud.views.icons import Icon
from rhinecloud.views.modules import SignedIn


def icon_routes(icons: Sequence[Icon], signed_in: SignedIn) -> APIRouter:
    """Build `/views/icons`."""
    router = APIRouter(tags=["views"])

    @router.get("/views/icons", summary="The icons that layers name, as outlines")
    async def list_icons(actor: Actor = Depends(signed_in)) -> Sequence[Icon]:
        return icons

    return router
