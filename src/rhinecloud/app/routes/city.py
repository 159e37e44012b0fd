"""What the city is: `/city` and `/agencies`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud import __version__
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.settings import CitySettings
from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden
from rhinecloud.kernel.ids import new_urn
from rhinecloud.loader import Packs
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.part import Content
from rhinecloud.views.layers import LayerView
from rhinecloud.views.screen import layers_of, texts_of
from rhinecloud.views.texts import PackTexts

MOST_AGENCIES = 1000


class AgencyView(BaseModel):
    """An organisation that acts in the city."""

    id: str
    name: str


class NewAgency(BaseModel):
    """An agency to be made; without an id it gets a fresh one."""

    name: str = Field(min_length=1, max_length=200)
    id: str = ""


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
        broker: Broker,
        context: Context,
        content: Content,
    ) -> None:
        """Take what is described; `content` are the files of packs and city."""
        self._settings = settings
        self._access = access
        self._packs = packs
        self._layers = layers_of(content, context)
        self._texts = texts_of(content, context)
        self._broker = broker
        self._agency = context.expand("Agency")
        self._name = context.expand("name")

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
            agencies=await self.agencies(actor) if actor else [],
            version=__version__,
            access=self._access,
        )

    async def agencies(self, actor: Actor) -> list[AgencyView]:
        """Give the agencies that `actor` may see, by name."""
        query = EntityQuery(types=((self._agency,),), limit=MOST_AGENCIES)
        try:
            page = await self._broker.query(actor, self._settings.tenant, query)
        except Forbidden:
            return []
        views = [self._agency_view(stored.entity()) for stored in page.items]
        return sorted(views, key=lambda view: view.name.casefold())

    async def add_agency(self, actor: Actor, new: NewAgency) -> AgencyView:
        """Create an agency; raises Forbidden, Conflict or Invalid."""
        entity = Entity(
            id=new.id or new_urn("Agency"),
            type=[self._agency],
            attrs={self._name: [Instance(type="Property", value=new.name)]},
        )
        await self._broker.create(actor, self._settings.tenant, entity)
        return self._agency_view(entity)

    def _agency_view(self, entity: Entity) -> AgencyView:
        name = entity.first(self._name)
        return AgencyView(id=entity.id, name=str(name.value) if name else entity.id)

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
    """Build `/city` and `/agencies`."""
    router = APIRouter(tags=["city"])

    @router.get("/city", summary="What the city is")
    async def get_city(actor: Actor | None = Depends(gate.anyone)) -> CityView:
        return await portrait.describe(actor)

    @router.get("/agencies", summary="All agencies")
    async def list_agencies(actor: Actor = Depends(gate.signed_in)) -> list[AgencyView]:
        return await portrait.agencies(actor)

    @router.post("/agencies", status_code=201, summary="Make an agency")
    async def add_agency(body: NewAgency, actor: Actor = Depends(gate.signed_in)) -> AgencyView:
        return await portrait.add_agency(actor, body)

    return router
