"""What views contribute: the layers of the map and the words that packs and the city bring."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from rhinecloud.kernel.actor import Actor
from rhinecloud.part import Mode, OpenPart, Part, PartContext, WebModules
from rhinecloud.views.content import ICONS, LAYERS, TEXTS
from rhinecloud.views.layers import LayerView
from rhinecloud.views.modules import module_routes, read_modules
from rhinecloud.views.routes import icon_routes
from rhinecloud.views.screen import icons_of, layers_of

_log = logging.getLogger(__name__)


class CityLayers(BaseModel):
    """What views add to `/city`."""

    layers: list[LayerView]


@asynccontextmanager
async def open_views(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the layers of this space."""
    layers = layers_of(context.content, context.vocabulary)

    async def describe(actor: Actor | None) -> dict[str, Any]:
        return {"layers": layers if actor else []}

    modules, unreadable = read_modules(context.services.get(WebModules))
    for each in unreadable:
        _log.warning("the page %s is not shown: %s", each.name, each.reason)
    signed_in = context.access.signed_in
    yield OpenPart(
        routers=[module_routes(modules, signed_in), icon_routes(icons_of(context.content), signed_in)],
        city=describe,
    )


PART = Part(
    name="views",
    summary="What the screen shows as data: layers and icons of the map, words, and pages from elsewhere.",
    open=open_views,
    content=(LAYERS, ICONS, TEXTS),
    city=CityLayers,
    modes=frozenset({Mode.RUNNING, Mode.OFFLINE}),
)
