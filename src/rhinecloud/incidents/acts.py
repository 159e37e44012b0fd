"""The acts that people do to an incident over HTTP, as one table: path, body, and what of the service they call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rhinecloud.incidents import contract
from rhinecloud.incidents.model import Incident, TaskDraft
from rhinecloud.incidents.service import Incidents
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.time import format_time

DESCRIBED = frozenset(contract.Description.model_fields) - {"version"}
CHANGED = frozenset(contract.TaskChange.model_fields) - {"version"}

Call = Callable[[Incidents, Actor, str, Any], Awaitable[Incident]]
"""Does an act: service, actor, the incident's id, and the body."""


@dataclass(frozen=True, slots=True)
class ActRoute:
    """One act: `name` is its operation's name, `path` is below `/incidents/{incident_id}`."""

    name: str
    method: str
    path: str
    summary: str
    body: type[contract.ActBody]
    call: Call
    status: int = 200


ACT_ROUTES = (
    ActRoute(
        "acknowledge",
        "POST",
        "/acknowledge",
        "Acknowledge an incident",
        contract.ActBody,
        lambda to, actor, of, body: to.acknowledge(actor, of, body.version),
    ),
    ActRoute(
        "start",
        "POST",
        "/start",
        "Begin the work",
        contract.ActBody,
        lambda to, actor, of, body: to.start(actor, of, body.version),
    ),
    ActRoute(
        "assign",
        "POST",
        "/assign",
        "Give an incident to an agency, a person, or both",
        contract.Assignment,
        lambda to, actor, of, body: to.assign(
            actor, of, body.version, agency=body.agency, assignee=body.assignee, note=body.note
        ),
    ),
    ActRoute(
        "resolve",
        "POST",
        "/resolve",
        "Say that an incident is dealt with",
        contract.Resolution,
        lambda to, actor, of, body: to.resolve(actor, of, body.version, body.resolution),
    ),
    ActRoute(
        "close",
        "POST",
        "/close",
        "Close an incident for a reason; its open tasks are cancelled",
        contract.Closing,
        lambda to, actor, of, body: to.close(
            actor, of, body.version, body.reason, duplicate_of=body.duplicate_of, note=body.note
        ),
    ),
    ActRoute(
        "reopen",
        "POST",
        "/reopen",
        "Open an incident again",
        contract.Reopening,
        lambda to, actor, of, body: to.reopen(actor, of, body.version, body.note),
    ),
    ActRoute(
        "describe",
        "PATCH",
        "",
        "Change the texts or the place of an incident",
        contract.Description,
        lambda to, actor, of, body: to.describe(actor, of, body.version, described(body)),
    ),
    ActRoute(
        "change_severity",
        "POST",
        "/severity",
        "Set the severity",
        contract.SeverityChange,
        lambda to, actor, of, body: to.change_severity(actor, of, body.version, body.severity, body.note),
    ),
    ActRoute(
        "comment",
        "POST",
        "/comment",
        "Add a comment",
        contract.NewComment,
        lambda to, actor, of, body: to.comment(actor, of, body.version, body.text, body.idempotency_key),
    ),
    ActRoute(
        "add_task",
        "POST",
        "/tasks",
        "Add a task",
        contract.NewTask,
        lambda to, actor, of, body: to.add_task(actor, of, body.version, drafted(body)),
        201,
    ),
)


def drafted(body: contract.NewTask) -> TaskDraft:
    """Return the task that is to be added."""
    return TaskDraft(
        title=body.title,
        description=body.description,
        agency=body.agency,
        assignee=body.assignee,
        due_at=format_time(body.due_at) if body.due_at else "",
        key=body.idempotency_key,
    )


def described(body: contract.Description) -> dict[str, Any]:
    """Return what changes in an incident's texts and place; null leaves all but the location as it is."""
    given = body.model_dump(exclude_unset=True, include=set(DESCRIBED))
    return {name: value for name, value in given.items() if value is not None or name == "location"}


def changed_task(body: contract.TaskChange) -> dict[str, Any]:
    """Return what changes in a task; null leaves all but the due time as it is."""
    given = body.model_dump(exclude_unset=True, include=set(CHANGED - {"due_at"}))
    changes = {name: value for name, value in given.items() if value is not None}
    if "due_at" in body.model_fields_set:
        changes["due_at"] = format_time(body.due_at) if body.due_at else ""
    return changes
