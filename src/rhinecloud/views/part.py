"""What views contribute: the layers of the map and the words that packs and the city bring."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from rhinecloud.kernel.actor import Actor
from rhinecloud.ngsild.spelling import misspelt
from rhinecloud.part import (
    ApplyReload,
    CheckFiles,
    Finding,
    Mode,
    OpenPart,
    Part,
    PartContext,
    Reload,
    WebModules,
)
from rhinecloud.views.content import ICONS, LAYERS, TEXTS
from rhinecloud.views.layers import LayerView, attributes_of
from rhinecloud.views.modules import module_routes, read_modules
from rhinecloud.views.routes import icon_routes
from rhinecloud.views.screen import Screen

_log = logging.getLogger(__name__)


class CityLayers(BaseModel):
    """What views add to `/city`."""

    layers: list[LayerView]


@asynccontextmanager
async def open_views(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the layers and icons of this space."""
    screen = Screen(context.content, context.vocabulary)
    modules, unreadable = read_modules(context.services.get(WebModules))
    for each in unreadable:
        _log.warning("the page %s is not shown: %s", each.name, each.reason)

    async def describe(actor: Actor | None) -> dict[str, Any]:
        return {"layers": screen.layers if actor else []}

    async def prepare_reload(reload: Reload) -> ApplyReload:
        after = Screen(reload.content, context.vocabulary)

        async def apply() -> list[str]:
            return screen.replace(after)

        return apply

    signed_in = context.access.signed_in
    yield OpenPart(
        routers=[module_routes(modules, signed_in), icon_routes(screen.icons, signed_in)],
        city=describe,
        prepare_reload=prepare_reload,
    )


def check_layers(files: CheckFiles) -> Iterable[Finding]:
    """Look for misspelt types and attributes in every layer."""
    for item in files.content.of(LAYERS):
        contexts = (files.vocabulary, item.source.context)
        reasons = [misspelt("type", name, *contexts) for name in item.value.types]
        reasons += [misspelt("attribute", name, *contexts) for name in attributes_of(item.value)]
        place = f"layer {item.value.id}"
        for reason in filter(None, reasons):
            yield Finding("layers", place, f"{place}: {reason}", field=place, reason=reason)


PART = Part(
    name="views",
    summary="What the screen shows as data: layers and icons of the map, words, and pages from elsewhere.",
    open=open_views,
    content=(LAYERS, ICONS, TEXTS),
    city=CityLayers,
    check=check_layers,
    modes=frozenset({Mode.RUNNING, Mode.OFFLINE}),
)
