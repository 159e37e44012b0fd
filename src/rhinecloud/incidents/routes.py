"""The incidents' routes in the API for people: parse, call, show. Who may do what is decided by the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from rhinecloud.incidents import contract
from rhinecloud.incidents.acts import ACT_ROUTES, ActRoute, changed_task
from rhinecloud.incidents.contract import (
    EventView,
    IncidentPage,
    IncidentView,
    NameOf,
    TaskPage,
    TaskQuery,
)
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.model import IncidentDraft
from rhinecloud.incidents.related import TaskFilter
from rhinecloud.incidents.rights import IncidentRights
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.timelines import Timelines
from rhinecloud.incidents.views import Views, event_view
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.language import preferred
from rhinecloud.kernel.time import format_time

Dependency = Callable[..., Any]


def incident_routes(
    incidents: Incidents,
    escalation: Escalation,
    timelines: Timelines,
    signed_in: Dependency,
    name_of: NameOf = str,
) -> APIRouter:
    """Build `/incidents`, `/tasks` and `/alerts/{id}/incident`."""
    router = APIRouter(tags=["incidents"])
    views = _views_for(signed_in, incidents.rights, name_of)
    router.include_router(_reading(incidents, timelines, signed_in, views))
    router.include_router(_opening(incidents, escalation, signed_in, views))
    router.include_router(_acting(incidents, signed_in, views))
    return router


def _views_for(signed_in: Dependency, rights: IncidentRights, name_of: NameOf) -> Dependency:
    """Return the dependency that shows things to the person who asks."""

    async def views(
        actor: Actor = Depends(signed_in),
        lang: Annotated[str, Query(description="Language of the texts, such as `en`")] = "",
        accept_language: Annotated[str, Header()] = "",
    ) -> Views:
        return Views(actor, rights, (*preferred(lang), *preferred(accept_language)), name_of)

    return views


def _reading(
    incidents: Incidents, timelines: Timelines, signed_in: Dependency, views: Dependency
) -> APIRouter:
    router = APIRouter()

    @router.get("/incidents", summary="Incidents, the newest first")
    async def list_incidents(
        status: Annotated[
            str, Query(description="`open`, one state, or several with commas; empty: all")
        ] = "",
        agency: Annotated[str, Query(description="The agency that has it, by id")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
        actor: Actor = Depends(signed_in),
        show: Views = Depends(views),
    ) -> IncidentPage:
        page = await incidents.list(actor, status=status, agency=agency, limit=limit, offset=offset)
        items = [show.incident(each) for each in page.items]
        return IncidentPage(items=items, total=page.total or 0, more=page.more)

    @router.get("/incidents/{incident_id}", summary="One incident")
    async def get_incident(
        incident_id: str, actor: Actor = Depends(signed_in), show: Views = Depends(views)
    ) -> IncidentView:
        return show.incident(await incidents.get(actor, incident_id))

    @router.get("/incidents/{incident_id}/timeline", summary="What happened to an incident, oldest first")
    async def get_timeline(incident_id: str, actor: Actor = Depends(signed_in)) -> list[EventView]:
        return [event_view(each) for each in await timelines.timeline(actor, incident_id)]

    @router.get("/tasks", summary="Tasks of any incident, the newest first")
    async def list_tasks(
        asked: Annotated[TaskQuery, Query()],
        actor: Actor = Depends(signed_in),
        show: Views = Depends(views),
    ) -> TaskPage:
        due = format_time(asked.due_before) if asked.due_before else ""
        wanted = TaskFilter(asked.incident, asked.agency, asked.assignee, asked.status, due)
        page = await incidents.list_tasks(actor, wanted, limit=asked.limit, offset=asked.offset)
        items = [show.task_of_any(task, of) for task, of in page.items]
        return TaskPage(items=items, total=page.total or 0, more=page.more)

    return router


def _opening(
    incidents: Incidents, escalation: Escalation, signed_in: Dependency, views: Dependency
) -> APIRouter:
    router = APIRouter()

    @router.post("/incidents", status_code=201, summary="Open an incident")
    async def open_incident(
        body: contract.NewIncident, actor: Actor = Depends(signed_in), show: Views = Depends(views)
    ) -> IncidentView:
        incident, _ = await incidents.open(actor, IncidentDraft(**body.model_dump()))
        return show.incident(incident)

    @router.post(
        "/alerts/{alert_id}/incident", summary="Open the incident of an alert, or return the one that has it"
    )
    async def open_of_alert(
        alert_id: str, response: Response, actor: Actor = Depends(signed_in), show: Views = Depends(views)
    ) -> IncidentView:
        incident = await escalation.open_by_hand(actor, alert_id)
        response.headers["Location"] = f"/api/v1/incidents/{incident.id}"
        return show.incident(incident)

    return router


def _acting(incidents: Incidents, signed_in: Dependency, views: Dependency) -> APIRouter:
    router = APIRouter(prefix="/incidents/{incident_id}")
    for act in ACT_ROUTES:
        router.add_api_route(
            act.path,
            _endpoint(act, incidents, signed_in, views),
            methods=[act.method],
            status_code=act.status,
            summary=act.summary,
            response_model=IncidentView,
        )

    @router.patch("/tasks/{task_id}", summary="Change a task, or set its status")
    async def change_task(
        incident_id: str,
        task_id: str,
        body: contract.TaskChange,
        actor: Actor = Depends(signed_in),
        show: Views = Depends(views),
    ) -> IncidentView:
        changes = changed_task(body)
        return show.incident(await incidents.change_task(actor, incident_id, body.version, task_id, changes))

    return router


def _endpoint(act: ActRoute, incidents: Incidents, signed_in: Dependency, views: Dependency) -> Dependency:
    """Return the function that answers one act; FastAPI reads its body's type and its name."""

    async def endpoint(
        incident_id: str,
        body: Any,
        actor: Actor = Depends(signed_in),
        show: Views = Depends(views),
    ) -> IncidentView:
        return show.incident(await act.call(incidents, actor, incident_id, body))

    endpoint.__annotations__["body"] = act.body
    endpoint.__name__ = act.name
    return endpoint
