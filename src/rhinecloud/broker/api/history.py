"""What was true when, for people: `/history`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from rhinecloud.broker.api.visible_past import VisiblePast
from rhinecloud.broker.service import Broker
from rhinecloud.history.port import History
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.time import format_time, parse_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.part import Access
from rhinecloud.policy import Authorization, CoreAction


class SampleView(BaseModel):
    """A value, when it was true, and when the city learnt it."""

    observed_at: str
    recorded_at: str
    value: Any
    dataset_id: str


class SeriesView(BaseModel):
    """Samples in rising order of `observed_at`."""

    samples: list[SampleView]
    unit_code: str = Field(description="UN/CEFACT common code of the newest sample, or empty")


class HistoryQueries:
    """Reads history under the policy, by the city's own names."""

    def __init__(
        self, history: History, broker: Broker, policy: Authorization, context: Context, tenant: str
    ) -> None:
        self._history = history
        self._broker = broker
        self._policy = policy
        self._context = context
        self._tenant = tenant
        self._visible = VisiblePast(history, policy, tenant)

    async def check(self, actor: Actor, entity_id: str) -> Entity | None:
        """Return the entity as it is or last was, None where nothing is known; raise NotFound, also for a hidden
        one."""
        stored = await self._broker.find(actor, self._tenant, entity_id)
        if stored is not None:
            return stored.entity()
        policy, tenant = self._policy, self._tenant
        changes = await self._history.changes_of(tenant, entity_id, limit=1)
        if changes and policy.check_visible(actor, CoreAction.READ, tenant, changes[-1].entity):
            return changes[-1].entity
        if policy.hidden_types(actor, tenant) or policy.visible_rows(actor, tenant) is not None:
            raise NotFound(f"there is no entity {entity_id}, and what it was is not known")
        return None

    async def series(
        self, actor: Actor, entity_id: str, attribute: str, span: tuple[str, str], limit: int
    ) -> SeriesView:
        """Return the newest `limit` samples within `span` (since, until; '' is open)."""
        entity = await self.check(actor, entity_id)
        since, until = (format_time(parse_time(each)) if each else "" for each in span)
        samples = await self._history.series(
            self._tenant, entity_id, self._context.expand(attribute), since=since, until=until, limit=limit
        )
        if entity is not None:
            samples = await self._visible.select(actor, entity, samples)
        return SeriesView(
            samples=[
                SampleView(
                    observed_at=each.observed_at,
                    recorded_at=each.recorded_at,
                    value=each.value,
                    dataset_id=each.dataset_id,
                )
                for each in samples
            ],
            unit_code=samples[-1].unit_code if samples else "",
        )


def history_routes(past: HistoryQueries, access: Access) -> APIRouter:
    """Build `/history`."""
    router = APIRouter(prefix="/history", tags=["history"])

    @router.get("", summary="The past of one attribute")
    async def get_history(
        entity: str = Query(description="The entity's id"),
        attribute: str = Query(description="The attribute's name in the city's context, or its IRI"),
        since: str = Query("", description="ISO 8601; from this moment on"),
        until: str = Query("", description="ISO 8601; before this moment"),
        limit: int = Query(1000, ge=1, le=100_000),
        actor: Actor = Depends(access.signed_in),
    ) -> SeriesView:
        return await past.series(actor, entity, attribute, (since, until), limit)

    return router
