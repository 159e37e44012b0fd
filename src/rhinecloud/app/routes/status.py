"""How the city is: `/status`."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.status import Status
from rhinecloud.connectors.routes import FeedView
from rhinecloud.policy import Action


class MqttStoreView(BaseModel):
    """What the server keeps for MQTT clients, of one kind; a limit of 0 messages is none."""

    name: str
    bytes: int
    messages: int
    limit_bytes: int
    limit_messages: int
    full: bool = Field(description="It takes nothing new")


class StreamView(BaseModel):
    """The stream: whether it is there, how many changes are not in it yet, how often its server was started again."""

    state: str
    lag: int
    restarts: int
    mqtt: list[MqttStoreView]


class ConsumerView(BaseModel):
    """Work in the background: how many changes it is behind, how often it failed, and what is wrong now."""

    name: str
    lag: int
    failures: int
    error: str


class RulesView(BaseModel):
    """Rules in force, and what is wrong with those that are not."""

    loaded: int
    failed: int
    errors: list[str]


class PackFailureView(BaseModel):
    """A pack that could not be loaded."""

    name: str
    reason: str


class PacksView(BaseModel):
    """Packs at work, those that are not, and terms on which they disagree."""

    loaded: list[str]
    failed: list[PackFailureView]
    disagreements: list[str]


class StatusView(BaseModel):
    """The figures of the running city."""

    version: str
    access: str = Field(description="`accounts`, or `open`: everybody is an administrator")
    started_at: str
    uptime_s: float
    entities: int
    types: dict[str, int] = Field(description="Entities by type, in the city's names")
    subscriptions: int
    browsers: int = Field(description="Browsers on the live feed")
    incidents_open: int
    alerts_active: int
    messages_per_s: float = Field(description="Messages a second of all feeds over the last minute")
    feeds: list[FeedView]
    stream: StreamView
    consumers: list[ConsumerView]
    rules: RulesView
    packs: PacksView
    data: dict[str, int] = Field(description="The version of each part's stored data")
    memory_mb: float


def status_routes(status: Status, gate: Authentication) -> APIRouter:
    """Build `/status`."""
    router = APIRouter(tags=["status"])

    @router.get("/status", summary="How the city is", dependencies=[Depends(gate.may(Action.SEE_STATUS))])
    async def get_status() -> StatusView:
        return StatusView(**await status.collect())

    return router
