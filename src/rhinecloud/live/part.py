"""What the live feed contributes: `/live`, and how many browsers follow it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client.core import GaugeMetricFamily, Metric
from pydantic import BaseModel, Field

from rhinecloud.identity import Identity
from rhinecloud.live.feed import LiveFeed
from rhinecloud.live.settings import LiveSettings
from rhinecloud.part import ConsumerState, OpenPart, Part, PartContext
from rhinecloud.part.metrics import PREFIX
from rhinecloud.policy import Authorization
from rhinecloud.stream.connection import StreamConnection


class LiveStatus(BaseModel):
    """Who follows the city."""

    browsers: int = Field(description="Browsers on the live feed")


@asynccontextmanager
async def open_live(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the live feed of this space."""
    services = context.services
    feed = LiveFeed(
        services.get(StreamConnection).stream,
        services.get(Authorization),
        context.access.of_websocket,
        context.vocabulary,
        context.settings.section("live", LiveSettings),
        tenant=context.space,
    )
    await feed.open()
    services.get(Identity).on_rights_ended(feed.recheck)

    async def status() -> dict[str, int]:
        return {"browsers": feed.clients}

    async def metrics() -> list[Metric]:
        return [GaugeMetricFamily(f"{PREFIX}browsers", "Browsers on the live feed.", feed.clients)]

    yield OpenPart(
        applications=lambda: {"/live": feed},
        workers={"live": feed.run},
        status=status,
        consumers=lambda: [ConsumerState("live")],
        metrics=metrics,
        reloaded=feed.announce_city,
    )


PART = Part(
    name="live",
    summary="Pushes what changes in the city to browsers, as it happens.",
    open=open_live,
    settings={"live": LiveSettings},
    status=LiveStatus,
)
