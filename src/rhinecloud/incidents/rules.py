"""What becomes of an incident by each act: pure decisions without store or clock. `rights` decides who may.

Who is assigned and who acknowledged it are two facts: assigning never acknowledges, acknowledging never assigns.
When another agency gets an incident, an acknowledged one is new again and one in progress stays so; either way the new
agency has to acknowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from rhinecloud.incidents.errors import NoSuchTask
from rhinecloud.incidents.model import (
    Act,
    ActRecord,
    ClosingReason,
    Comment,
    Incident,
    IncidentStatus,
    Task,
    TaskDraft,
    TaskStatus,
    TaskSummary,
)
from rhinecloud.incidents.states import MayAct, check_state, illegal
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.time import parse_time

MOST_COMMENTS = 1000
MOST_TASKS = 200
MOST_ALERTS = 1000

SET_BY_PROGRESS = (
    *("acknowledged_at", "acknowledged_by", "started_at", "resolved_at", "resolved_by", "resolution"),
    *("closed_at", "closed_by", "duplicate_of"),
)
"""Fields that are empty again when an incident is reopened."""


def _anything(act: Act, incident: Incident) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ActInProgress:
    """Who acts and when (ISO 8601), with an id for the task or comment that the act may create.

    `may` returns what the policy permits the actor: an act that is not possible names those that are.
    """

    actor: Actor
    now: str
    new_id: str = ""
    may: MayAct = _anything


Rule = Callable[[Incident, ActInProgress], Incident]
"""One of the functions below, with everything but the incident and the act filled in."""


def acknowledge(incident: Incident, acting: ActInProgress) -> Incident:
    """Take it: somebody has seen it and will deal with it."""
    check_state(incident, Act.ACKNOWLEDGE, acting.may)
    status = IncidentStatus.ACKNOWLEDGED if incident.status is IncidentStatus.NEW else incident.status
    return _done(
        incident,
        Act.ACKNOWLEDGE,
        acting,
        status=status,
        acknowledged_at=acting.now,
        acknowledged_by=acting.actor.id,
    )


def start(incident: Incident, acting: ActInProgress) -> Incident:
    """Begin the work."""
    check_state(incident, Act.START, acting.may)
    return _done(incident, Act.START, acting, status=IncidentStatus.IN_PROGRESS, started_at=acting.now)


def assign(
    incident: Incident, acting: ActInProgress, agency: str | None, assignee: str | None, note: str = ""
) -> Incident:
    """Assign it to an agency, a person, or both: '' removes one, None leaves it. A new agency acknowledges again."""
    check_state(incident, Act.ASSIGN, acting.may)
    agency = incident.agency if agency is None else agency
    changes_hands = agency != incident.agency
    if assignee is None:
        assignee = "" if changes_hands else incident.assignee
    fields: dict[str, Any] = {"agency": agency, "assignee": assignee}
    if changes_hands:
        fields |= {"acknowledged_at": "", "acknowledged_by": ""}
        if incident.status is IncidentStatus.ACKNOWLEDGED:
            fields["status"] = IncidentStatus.NEW
    return _done(incident, Act.ASSIGN, acting, note, **fields)


def change_severity(
    incident: Incident, acting: ActInProgress, severity: Severity, note: str = ""
) -> Incident:
    """Set the severity."""
    check_state(incident, Act.SEVERITY, acting.may)
    return _done(incident, Act.SEVERITY, acting, note, severity=severity)


def raise_severity(incident: Incident, acting: ActInProgress, severity: Severity) -> Incident:
    """Follow an alert that became more severe; an incident that is more severe already, or over, stays as it is."""
    if not incident.is_open or severity.rank <= incident.severity.rank:
        return incident
    return change_severity(incident, acting, severity)


def describe(incident: Incident, acting: ActInProgress, changes: Mapping[str, Any]) -> Incident:
    """Change any of title, description, category, location and address; raise Invalid for an empty title."""
    check_state(incident, Act.DESCRIBE, acting.may)
    if not str(changes.get("title", incident.title)).strip():
        raise Invalid("an incident must have a title", field="title")
    # What a person writes is in that person's language alone.
    translations: dict[str, Any] = {f"{name}s": {} for name in ("title", "description") if name in changes}
    return _done(incident, Act.DESCRIBE, acting, **{**changes, **translations})


def comment(incident: Incident, acting: ActInProgress, text: str) -> Incident:
    """Add a comment; raise Invalid for an empty one."""
    check_state(incident, Act.COMMENT, acting.may)
    if not text.strip():
        raise Invalid("must not be empty", field="text")
    added = Comment(
        id=acting.new_id,
        incident=incident.id,
        at=acting.now,
        by=acting.actor.id,
        name=acting.actor.name,
        text=text,
        simulated=incident.simulated,
    )
    return _done(incident, Act.COMMENT, acting, text, comments=(*incident.comments, added))


def add_task(incident: Incident, acting: ActInProgress, draft: TaskDraft) -> Incident:
    """Add something to be done; raise Invalid for an empty title."""
    check_state(incident, Act.ADD_TASK, acting.may)
    task = Task(
        id=acting.new_id,
        incident=incident.id,
        title=_title(draft.title),
        description=draft.description,
        agency=draft.agency,
        assignee=draft.assignee,
        due_at=draft.due_at,
        created_at=acting.now,
        created_by=acting.actor.id,
        simulated=incident.simulated,
    )
    after = replace(incident, tasks=(*incident.tasks, task))
    return _done(after, Act.ADD_TASK, acting, task.title, task)


def change_task(
    incident: Incident, acting: ActInProgress, task_id: str, changes: Mapping[str, Any]
) -> Incident:
    """Change any of title, description, status, agency, assignee and due_at; raise NoSuchTask or Invalid.

    `done` stands for a status: True for done, False for open where it was done.
    """
    check_state(incident, Act.CHANGE_TASK, acting.may)
    task = get_task(incident, task_id)
    given = dict(changes)
    done = given.pop("done", None)
    if done is not None and done != task.done:
        given["status"] = TaskStatus.DONE if done else TaskStatus.OPEN
    changed = replace(task, **given)
    _title(changed.title)
    if changed.done != task.done:
        times = (acting.now, acting.actor.id) if changed.done else ("", "")
        changed = replace(changed, done_at=times[0], done_by=times[1])
    return _done(_with_task(incident, changed), Act.CHANGE_TASK, acting, changed.title, changed)


def resolve(incident: Incident, acting: ActInProgress, resolution: str = "") -> Incident:
    """Return it as dealt with, and how."""
    check_state(incident, Act.RESOLVE, acting.may)
    return _done(
        incident,
        Act.RESOLVE,
        acting,
        resolution,
        status=IncidentStatus.RESOLVED,
        resolved_at=acting.now,
        resolved_by=acting.actor.id,
        resolution=resolution,
    )


def close(
    incident: Incident,
    acting: ActInProgress,
    reason: ClosingReason,
    *,
    duplicate_of: str = "",
    note: str = "",
) -> Incident:
    """End it for a reason, and cancel the tasks that are still open.

    Only one that is resolved closes as resolved, and a duplicate names the other one; raise IllegalAct or Invalid.
    """
    check_state(incident, Act.CLOSE, acting.may)
    if reason is ClosingReason.RESOLVED and incident.status is not IncidentStatus.RESOLVED:
        reason_why = "it closes as resolved only after it was resolved"
        raise illegal(incident, Act.CLOSE, acting.may, reason_why)
    if (reason is ClosingReason.DUPLICATE) != bool(duplicate_of):
        raise Invalid("must name the other incident for a duplicate, and only then", field="duplicate_of")
    if duplicate_of == incident.id:
        raise Invalid("must be another incident than itself", field="duplicate_of")
    return _done(
        incident,
        Act.CLOSE,
        acting,
        note,
        status=IncidentStatus.CLOSED,
        closing_reason=reason,
        duplicate_of=duplicate_of,
        closed_at=acting.now,
        closed_by=acting.actor.id,
        tasks=tuple(
            replace(task, status=TaskStatus.CANCELLED) if task.status.is_open else task
            for task in incident.tasks
        ),
    )


def reopen(incident: Incident, acting: ActInProgress, note: str = "") -> Incident:
    """Open it again: it begins as new, and somebody has to acknowledge it."""
    check_state(incident, Act.REOPEN, acting.may)
    cleared: dict[str, Any] = dict.fromkeys(SET_BY_PROGRESS, "")
    return _done(
        incident, Act.REOPEN, acting, note, status=IncidentStatus.NEW, closing_reason=None, **cleared
    )


def is_unheard(incident: Incident, at: str, severity: Severity) -> bool:
    """Return whether those who resolved or closed an incident did not know the severity that an alert reached at `at`:
    it came later ('': unknown), or it is greater than the incident's."""
    decided_at = incident.closed_at or incident.resolved_at
    came_later = bool(at) and (not decided_at or parse_time(at) > parse_time(decided_at))
    return came_later or severity.rank > incident.severity.rank


def attach_alert(
    incident: Incident,
    acting: ActInProgress,
    alert_id: str,
    *,
    fingerprint: str = "",
    severity: Severity | None = None,
) -> Incident:
    """Add an alert; a more severe one raises the severity. One that is attached already changes nothing."""
    if alert_id in incident.alerts:
        return incident
    check_state(incident, Act.ATTACH_ALERT, acting.may)
    if len(incident.alerts) >= MOST_ALERTS:
        return incident
    fields = _with_alert(incident, alert_id, fingerprint, severity)
    return _done(incident, Act.ATTACH_ALERT, acting, alert_id, **fields)


def reopen_with_alert(
    incident: Incident, acting: ActInProgress, alert_id: str, *, fingerprint: str = "", severity: Severity
) -> Incident:
    """Reopen a resolved incident because an alert became more severe or occurred again; attach it where it is new."""
    check_state(incident, Act.REOPEN_WITH_ALERT, acting.may)
    fields = _with_alert(incident, alert_id, fingerprint, severity) | dict.fromkeys(SET_BY_PROGRESS, "")
    return _done(
        incident,
        Act.REOPEN_WITH_ALERT,
        acting,
        alert_id,
        **fields,
        status=IncidentStatus.NEW,
        closing_reason=None,
    )


def note_follow_up(incident: Incident, acting: ActInProgress, following: str) -> Incident:
    """Note the incident that follows this one; noted already, nothing changes."""
    if incident.followed_by == following:
        return incident
    check_state(incident, Act.NOTE_FOLLOW_UP, acting.may)
    return _done(incident, Act.NOTE_FOLLOW_UP, acting, following, followed_by=following)


def alerts_over(incident: Incident, acting: ActInProgress) -> Incident:
    """Note that all its alerts are over; where its rule says so, that resolves it. Noted already: nothing changes."""
    if incident.alerts_over_at or incident.status is IncidentStatus.CLOSED:
        return incident
    check_state(incident, Act.ALERTS_OVER, acting.may)
    if incident.resolves_with_alerts and incident.is_open:
        return _done(
            incident,
            Act.RESOLVE_WITH_ALERTS,
            acting,
            status=IncidentStatus.RESOLVED,
            alerts_over_at=acting.now,
            resolved_at=acting.now,
            resolved_by=acting.actor.id,
        )
    return _done(incident, Act.ALERTS_OVER, acting, alerts_over_at=acting.now)


def get_task(incident: Incident, task_id: str) -> Task:
    """Return a task of the incident; raise NoSuchTask."""
    for task in incident.tasks:
        if task.id == task_id:
            return task
    raise NoSuchTask(incident.id, task_id)


def _with_task(incident: Incident, changed: Task) -> Incident:
    return replace(
        incident, tasks=tuple(changed if each.id == changed.id else each for each in incident.tasks)
    )


def _with_alert(
    incident: Incident, alert_id: str, fingerprint: str, severity: Severity | None
) -> dict[str, Any]:
    """Return the fields of an incident that an alert changes: a more severe one raises the severity."""
    is_worse = severity is not None and severity.rank > incident.severity.rank
    is_full = len(incident.alerts) >= MOST_ALERTS
    added = () if is_full or alert_id in incident.alerts else (alert_id,)
    return {
        "alerts": (*incident.alerts, *added),
        "fingerprints": tuple(sorted({*incident.fingerprints, fingerprint} - {""})),
        "severity": severity if is_worse else incident.severity,
        "alerts_over_at": "",
    }


def _title(title: str) -> str:
    if not title.strip():
        raise Invalid("a task must have a title", field="title")
    return title


def _done(
    incident: Incident,
    act: Act,
    acting: ActInProgress,
    note: str = "",
    task: Task | None = None,
    **fields: Any,
) -> Incident:
    actor = acting.actor
    summary = TaskSummary(task.id, task.title, task.done, task.status.value) if task else None
    record = ActRecord(act, actor.id, actor.name, actor.agency, note, summary)
    return replace(incident, **fields, version=incident.version + 1, modified_at=acting.now, last=record)
