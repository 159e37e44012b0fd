"""Taking edited files into use: `/reload`."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.reloading import Reloader
from rhinecloud.policy import CoreAction


class ReloadView(BaseModel):
    """What a reload did."""

    changed: list[str] = Field(description="A sentence for each thing that is new in use")
    restart: list[str] = Field(
        description="Sections of the settings, and files, that differ and need a restart"
    )


def reload_routes(reloader: Reloader, access: Authentication) -> APIRouter:
    """Return the routes of `/reload`, for administrators."""
    router = APIRouter(tags=["status"], dependencies=[Depends(access.may(CoreAction.ADMINISTER))])

    @router.post(
        "/reload", summary="Read rules, mappings, layers, texts and feeds again; a fault refuses the whole"
    )
    async def reload() -> ReloadView:
        report = await reloader.reload()
        return ReloadView(changed=list(report.changed), restart=list(report.restart))

    return router
