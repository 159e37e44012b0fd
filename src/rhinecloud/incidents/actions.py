"""What other parts and packs do with incidents by name: `incidents.open` and one action for each act of `acts`.

The rights are those of the acts (`rights`): who may call an action still acts on no incident of others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, Field, create_model

from rhinecloud.incidents.acts import ACT_ROUTES, ActRoute, changed_task
from rhinecloud.incidents.contract import ActBody, IdempotentBody, NewIncident, TaskChange
from rhinecloud.incidents.directory import AgencyDirectory, NewAgency
from rhinecloud.incidents.model import Incident, IncidentDraft
from rhinecloud.incidents.rights import CREATE_AGENCY, DELETE, DELETE_AGENCY
from rhinecloud.incidents.service import Incidents
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.ids import DeriveId, derived_urn
from rhinecloud.part import Action

CREATES = MappingProxyType({"add_task": "Task", "comment": "Comment"})
"""What an act adds, as it stands in ids."""

Run = Callable[[Actor, Any], Awaitable[dict[str, Any]]]


class OpenParameters(NewIncident, IdempotentBody):
    """An incident to be opened, once for each key."""

    simulated: bool = Field(default=False, description="Whether what it is about is simulated")


class ChangeTaskParameters(TaskChange):
    """What changes in a task."""

    incident: str = Field(description="The incident, by id")
    task: str = Field(description="The task, by id")
    version: int = Field(default=0, ge=0, description="The version that was seen; 0: any")


class DeleteParameters(BaseModel):
    """An incident to be deleted."""

    incident: str = Field(description="The incident, by id")


class DeleteAgencyParameters(BaseModel):
    """An agency to be deleted."""

    agency: str = Field(description="The agency, by id")


class ActResult(BaseModel):
    """What became of an incident; `created` is the id of the task or comment that was added."""

    incident: str
    version: int
    status: str
    created: str | None = None


def incident_actions(incidents: Incidents, agencies: AgencyDirectory) -> list[Action[Any]]:
    """Return the actions over the services."""

    async def open_incident(actor: Actor, parameters: OpenParameters) -> dict[str, Any]:
        key = parameters.idempotency_key
        draft = IncidentDraft(**parameters.model_dump(exclude={"idempotency_key"}))
        parts = ("Incident", "key", actor.id, key)
        if key and (before := await incidents.find_opened(derived_urn(*parts), by=actor.id)):
            return _result(before)
        incident, _ = await incidents.open(actor, draft, incidents.derive(*parts) if key else "")
        return _result(incident)

    async def change_task(actor: Actor, parameters: ChangeTaskParameters) -> dict[str, Any]:
        changes = changed_task(parameters)
        of, version = parameters.incident, parameters.version
        return _result(await incidents.change_task(actor, of, version, parameters.task, changes))

    async def delete(actor: Actor, parameters: DeleteParameters) -> None:
        await incidents.delete(actor, parameters.incident)

    async def create_agency(actor: Actor, parameters: NewAgency) -> dict[str, Any]:
        return (await agencies.create(actor, parameters)).model_dump()

    async def delete_agency(actor: Actor, parameters: DeleteAgencyParameters) -> None:
        await agencies.delete(actor, parameters.agency)

    return [
        Action(
            DELETE,
            "Delete an incident with its tasks and comments.",
            DeleteParameters,
            delete,
            checks_entity=True,
        ),
        Action(CREATE_AGENCY, "Create an agency.", NewAgency, create_agency, checks_entity=True),
        Action(DELETE_AGENCY, "Delete an agency.", DeleteAgencyParameters, delete_agency, checks_entity=True),
        Action(
            "incidents.open",
            "Open an incident, once for each `idempotency_key`.",
            OpenParameters,
            open_incident,
            checks_entity=True,
        ),
        *(
            Action(
                _name(each),
                f"{each.summary}.",
                _parameters(each),
                _run(each, incidents),
                checks_entity=True,
            )
            for each in ACT_ROUTES
        ),
        Action(
            "incidents.change_task",
            "Change a task, or set its status.",
            ChangeTaskParameters,
            change_task,
            checks_entity=True,
        ),
    ]


def _name(route: ActRoute) -> str:
    return f"incidents.{route.name}"


def _parameters(route: ActRoute) -> type[ActBody]:
    """Return an act's body with the incident that it is about, and any version unless one is given."""
    words = "".join(word.capitalize() for word in route.name.split("_"))
    model: type[ActBody] = create_model(
        f"{words}Parameters",
        __base__=route.body,
        __doc__=route.body.__doc__,
        incident=(str, Field(description="The incident, by id")),
        version=(int, Field(default=0, ge=0, description="The version that was seen; 0: any")),
    )
    return model


def _run(route: ActRoute, incidents: Incidents) -> Run:
    async def run(actor: Actor, parameters: Any) -> dict[str, Any]:
        incident = await route.call(incidents, actor, parameters.incident, parameters)
        key = getattr(parameters, "idempotency_key", "")
        return _result(incident, _created(route, actor, incident, key, incidents.derive))

    return run


def _created(route: ActRoute, actor: Actor, incident: Incident, key: str, derive: DeriveId) -> str | None:
    kind = CREATES.get(route.name)
    if kind is None:
        return None
    if key:
        parts = (kind, incident.id, actor.id, key)
        known = {task.id for task in incident.tasks} | {comment.id for comment in incident.comments}
        return before if (before := derived_urn(*parts)) in known else derive(*parts)
    if kind == "Task":
        return incident.last.task.id if incident.last and incident.last.task else None
    return next((each.id for each in reversed(incident.comments) if each.by == actor.id), None)


def _result(incident: Incident, created: str | None = None) -> dict[str, Any]:
    result = ActResult(
        incident=incident.id, version=incident.version, status=incident.status, created=created
    )
    return result.model_dump()
