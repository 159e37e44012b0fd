"""The incidents' door in the people's API: parse, call, show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from rhinecloud.incidents import contract
from rhinecloud.incidents.contract import EventView, IncidentPage, IncidentView, NameOf
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.model import Incident
from rhinecloud.incidents.records import IncidentRecords
from rhinecloud.incidents.rights import allowed_acts
from rhinecloud.incidents.service import IncidentDraft, Incidents
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.language import preferred

Dependency = Callable[..., Any]
Show = Callable[[Incident], IncidentView]


def incident_routes(
    incidents: Incidents,
    escalation: Escalation,
    records: IncidentRecords,
    signed_in: Dependency,
    name_of: NameOf = str,
) -> APIRouter:
    """Build `/incidents` and `/alerts/{id}/incident`; who may do what is decided below, not here."""
    router = APIRouter(tags=["incidents"])
    shown = _shown_to(signed_in, name_of)
    router.include_router(_reading(incidents, records, signed_in, shown))
    router.include_router(_opening(incidents, escalation, signed_in, shown))
    router.include_router(_handling(incidents, signed_in, shown))
    router.include_router(_working(incidents, signed_in, shown))
    return router


def _shown_to(signed_in: Dependency, name_of: NameOf) -> Dependency:
    """Make the dependency that shows an incident to who asks: with that one's rights, in that one's language."""

    async def shown(
        actor: Actor = Depends(signed_in),
        lang: Annotated[str, Query(description="Language of the texts, such as `en`")] = "",
        accept_language: Annotated[str, Header()] = "",
    ) -> Show:
        languages = [*preferred(lang), *preferred(accept_language)]
        return lambda incident: contract.view(incident, allowed_acts(incident, actor), languages, name_of)

    return shown


def _reading(
    incidents: Incidents, records: IncidentRecords, signed_in: Dependency, shown: Dependency
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
        show: Show = Depends(shown),
    ) -> IncidentPage:
        page = await incidents.list(actor, status=status, agency=agency, limit=limit, offset=offset)
        items = [show(each) for each in page.items]
        return IncidentPage(items=items, total=page.total or 0, more=page.more)

    @router.get("/incidents/{incident_id}", summary="One incident")
    async def get_incident(
        incident_id: str, actor: Actor = Depends(signed_in), show: Show = Depends(shown)
    ) -> IncidentView:
        return show(await incidents.get(actor, incident_id))

    @router.get("/incidents/{incident_id}/timeline", summary="What happened to an incident, oldest first")
    async def get_timeline(incident_id: str, actor: Actor = Depends(signed_in)) -> list[EventView]:
        return [contract.view_event(each) for each in await records.timeline(actor, incident_id)]

    return router


def _opening(
    incidents: Incidents, escalation: Escalation, signed_in: Dependency, shown: Dependency
) -> APIRouter:
    router = APIRouter()

    @router.post("/incidents", status_code=201, summary="Open an incident by hand")
    async def open_incident(
        body: contract.NewIncident, actor: Actor = Depends(signed_in), show: Show = Depends(shown)
    ) -> IncidentView:
        incident, _ = await incidents.open(actor, IncidentDraft(**body.model_dump()))
        return show(incident)

    @router.post(
        "/alerts/{alert_id}/incident", summary="Open the incident of an alert, or give the one that has it"
    )
    async def open_of_alert(
        alert_id: str, response: Response, actor: Actor = Depends(signed_in), show: Show = Depends(shown)
    ) -> IncidentView:
        incident = await escalation.open_by_hand(actor, alert_id)
        response.headers["Location"] = f"/api/v1/incidents/{incident.id}"
        return show(incident)

    return router


def _handling(incidents: Incidents, signed_in: Dependency, shown: Dependency) -> APIRouter:
    """Acts that move an incident from state to state and from hand to hand."""
    router = APIRouter(prefix="/incidents/{incident_id}")

    @router.post("/acknowledge", summary="Take it")
    async def acknowledge(
        incident_id: str,
        body: contract.ActBody,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        return show(await incidents.acknowledge(actor, incident_id, body.version))

    @router.post("/start", summary="Begin the work")
    async def start(
        incident_id: str,
        body: contract.ActBody,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        return show(await incidents.start(actor, incident_id, body.version))

    @router.post("/assign", summary="Give it to an agency or a person")
    async def assign(
        incident_id: str,
        body: contract.Assignment,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        incident = await incidents.assign(
            actor, incident_id, body.version, agency=body.agency, assignee=body.assignee, note=body.note
        )
        return show(incident)

    @router.post("/resolve", summary="Say that it is dealt with")
    async def resolve(
        incident_id: str,
        body: contract.Resolution,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        return show(await incidents.resolve(actor, incident_id, body.version, body.resolution))

    @router.post("/close", summary="End it for a reason")
    async def close(
        incident_id: str,
        body: contract.Closing,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        incident = await incidents.close(
            actor, incident_id, body.version, body.reason, duplicate_of=body.duplicate_of, note=body.note
        )
        return show(incident)

    @router.post("/reopen", summary="Say that it is not over")
    async def reopen(
        incident_id: str,
        body: contract.Reopening,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        return show(await incidents.reopen(actor, incident_id, body.version, body.note))

    return router


def _working(incidents: Incidents, signed_in: Dependency, shown: Dependency) -> APIRouter:
    """Acts that say something about an incident or what is to be done."""
    router = APIRouter(prefix="/incidents/{incident_id}")

    @router.patch("", summary="Word it anew")
    async def describe(
        incident_id: str,
        body: contract.Wording,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        given = body.model_dump(exclude_unset=True, exclude={"version"})
        words = {name: value for name, value in given.items() if value is not None or name == "location"}
        return show(await incidents.describe(actor, incident_id, body.version, words))

    @router.post("/severity", summary="Say how grave it is")
    async def change_severity(
        incident_id: str,
        body: contract.SeverityChange,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        incident = await incidents.change_severity(actor, incident_id, body.version, body.severity, body.note)
        return show(incident)

    @router.post("/comment", summary="Say something about it")
    async def comment(
        incident_id: str,
        body: contract.NewComment,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        return show(await incidents.comment(actor, incident_id, body.version, body.text))

    @router.post("/tasks", status_code=201, summary="Add a task")
    async def add_task(
        incident_id: str,
        body: contract.NewTask,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        incident = await incidents.add_task(actor, incident_id, body.version, body.title, body.assignee)
        return show(incident)

    @router.patch("/tasks/{task_id}", summary="Tick a task off, or change it")
    async def change_task(
        incident_id: str,
        task_id: str,
        body: contract.TaskChange,
        actor: Actor = Depends(signed_in),
        show: Show = Depends(shown),
    ) -> IncidentView:
        fields = body.model_dump(exclude_unset=True, exclude={"version"})
        return show(await incidents.change_task(actor, incident_id, body.version, task_id, fields))

    return router
