"""`/city`: the description of the city for the operations centre."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud import __version__
from rhinecloud.app.assembly import Assembly
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.foundation import Foundation
from rhinecloud.kernel.actor import Actor


class CityView(BaseModel):
    """What the operations centre needs at its start; lists are empty without sign-in."""

    name: str
    tenant: str
    bbox: list[float] | None = Field(description="West, south, east, north in degrees")
    centre: list[float] | None = Field(description="Longitude, latitude in degrees")
    zoom: float
    timezone: str
    tiles_url: str | None
    languages: list[str]
    version: str
    access: str = Field(description="`accounts`, or `open`: every client is an administrator")


class CityDescription:
    """Describes the city: its settings, and what the parts add."""

    def __init__(self, foundation: Foundation, assembly: Assembly) -> None:
        self._foundation = foundation
        self._assembly = assembly

    async def describe(self, actor: Actor | None) -> dict[str, Any]:
        """Return the city as JSON; without an actor, only what the sign-in page needs."""
        foundation = self._foundation
        settings, middle = foundation.city, foundation.city.middle()
        view = {
            "name": settings.name,
            "tenant": settings.tenant,
            "bbox": list(settings.bbox) or None,
            "centre": list(middle) if middle else None,
            "zoom": settings.zoom,
            "timezone": settings.timezone,
            "tiles_url": settings.tiles_url or None,
            "languages": list(settings.languages),
            "version": __version__,
            "access": foundation.identity.settings.access,
            **await self._assembly.city(actor),
        }
        return self.model.model_validate(view).model_dump(mode="json", by_alias=True)

    @property
    def model(self) -> type[BaseModel]:
        """Return the model of what `describe` returns."""
        return self._assembly.city_model(CityView)


def city_routes(description: CityDescription, access: Authentication) -> APIRouter:
    """Return the routes of `/city`."""
    router = APIRouter(tags=["city"])

    @router.get("/city", summary="The description of the city", response_model=description.model)
    async def get_city(actor: Actor | None = Depends(access.anyone)) -> Any:
        return await description.describe(actor)

    return router
