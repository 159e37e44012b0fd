"""What the city is: `/city`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud import __version__
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.settings import CitySettings
from rhinecloud.incidents.directory import AgencyDirectory, AgencyView
from rhinecloud.kernel.actor import Actor
from rhinecloud.loader import Packs
from rhinecloud.ngsild.context import Context
from rhinecloud.part import Content
from rhinecloud.views.layers import LayerView
from rhinecloud.views.screen import layers_of, texts_of
from rhinecloud.views.texts import PackTexts


class PackView(BaseModel):
    """A pack that is at work, with its words in each language."""

    name: str
    title: str
    description: str
    version: str
    texts: dict[str, PackTexts]


class CityView(BaseModel):
    """What the operations centre needs to know before it shows anything; lists are empty for who is not signed in."""

    name: str
    tenant: str
    bbox: list[float] | None = Field(description="West, south, east, north in degrees")
    centre: list[float] | None = Field(description="Longitude, latitude in degrees")
    zoom: float
    timezone: str
    tiles_url: str | None
    languages: list[str]
    packs: list[PackView]
    layers: list[LayerView]
    agencies: list[AgencyView]
    version: str
    access: str = Field(description="`accounts`, or `open`: everybody is an administrator")


DescribeCity = Callable[[Actor | None], Awaitable[CityView]]


class CityDescription:
    """Describes the city to whoever asks."""

    def __init__(
        self,
        settings: CitySettings,
        access: str,
        packs: Packs,
        agencies: AgencyDirectory,
        context: Context,
        content: Content,
    ) -> None:
        """Take what is described; `content` are the files of packs and city."""
        self._settings = settings
        self._access = access
        self._packs = packs
        self._layers = layers_of(content, context)
        self._texts = texts_of(content, context)
        self._agencies = agencies

    async def describe(self, actor: Actor | None) -> CityView:
        """Describe the city, to a stranger only as far as the page for signing in needs it."""
        settings, middle = self._settings, self._settings.middle()
        return CityView(
            name=settings.name,
            tenant=settings.tenant,
            bbox=list(settings.bbox) or None,
            centre=list(middle) if middle else None,
            zoom=settings.zoom,
            timezone=settings.timezone,
            tiles_url=settings.tiles_url or None,
            languages=list(settings.languages),
            packs=self._pack_views() if actor else [],
            layers=self._layers if actor else [],
            agencies=await self._agencies.list(actor) if actor else [],
            version=__version__,
            access=self._access,
        )

    def _pack_views(self) -> list[PackView]:
        return [
            PackView(
                name=each.name,
                title=each.manifest.pack.title,
                description=each.manifest.pack.description,
                version=each.manifest.pack.version,
                texts=self._texts.get(each.name, {}),
            )
            for each in self._packs.loaded
        ]


def city_routes(portrait: CityDescription, gate: Authentication) -> APIRouter:
    """Build `/city`."""
    router = APIRouter(tags=["city"])

    @router.get("/city", summary="What the city is")
    async def get_city(actor: Actor | None = Depends(gate.anyone)) -> CityView:
        return await portrait.describe(actor)

    return router
