"""`/status`: the state of the running city."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.status import Status
from rhinecloud.policy import CoreAction


class ConsumerView(BaseModel):
    """Background work: how many changes it is behind, its failures, and its present error."""

    name: str
    lag: int
    failures: int
    error: str


class PartFailureView(BaseModel):
    """A part that could not be loaded or opened."""

    name: str
    reason: str


class PartsView(BaseModel):
    """The open parts, and those of other distributions that could not be loaded or opened."""

    opened: list[str]
    failed: list[PartFailureView]


class StatusView(BaseModel):
    """The state of the running city; parts add theirs."""

    version: str
    started_at: str
    uptime_s: float
    consumers: list[ConsumerView]
    parts: PartsView
    data: dict[str, int] = Field(description="The version of each part's stored data")
    memory_mb: float


def status_routes(status: Status, access: Authentication) -> APIRouter:
    """Return the routes of `/status`."""
    router = APIRouter(tags=["status"])

    @router.get(
        "/status",
        summary="The state of the city",
        dependencies=[Depends(access.may(CoreAction.SEE_STATUS))],
        response_model=status.model(StatusView),
    )
    async def get_status() -> Any:
        return await status.collect()

    return router
