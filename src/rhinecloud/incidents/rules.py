"""What becomes of an incident by each act: pure decisions, no store, no clock; `rights` says who may do which.

Who is assigned and who has taken it are two facts: assigning never acknowledges, acknowledging never assigns.
Handed on to another agency, an acknowledged incident is new again and one in progress goes on; either way the new
agency has to acknowledge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from rhinecloud.incidents.errors import IllegalAct, NoSuchTask, NotYours
from rhinecloud.incidents.model import (
    Act,
    ClosingReason,
    Comment,
    Incident,
    IncidentRecord,
    IncidentStatus,
    Task,
)
from rhinecloud.incidents.rights import EVERYWHERE, allowed_acts, check
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.severity import Severity

MOST_COMMENTS = 1000
MOST_TASKS = 200
MOST_ALERTS = 1000


@dataclass(frozen=True, slots=True)
class ActInProgress:
    """Who acts and when (ISO 8601), with an id for what the act may create."""

    actor: Actor
    now: str
    new_id: str = ""


def acknowledge(incident: Incident, doing: ActInProgress) -> Incident:
    """Take it: somebody has seen it and will see to it."""
    check(incident, Act.ACKNOWLEDGE, doing.actor)
    status = IncidentStatus.ACKNOWLEDGED if incident.status is IncidentStatus.NEW else incident.status
    return _done(
        incident,
        Act.ACKNOWLEDGE,
        doing,
        status=status,
        acknowledged_at=doing.now,
        acknowledged_by=doing.actor.id,
    )


def start(incident: Incident, doing: ActInProgress) -> Incident:
    """Begin the work."""
    check(incident, Act.START, doing.actor)
    return _done(incident, Act.START, doing, status=IncidentStatus.IN_PROGRESS, started_at=doing.now)


def assign(
    incident: Incident, doing: ActInProgress, agency: str | None, assignee: str | None, note: str = ""
) -> Incident:
    """Give it to an agency, a person, or both: '' takes it away, None leaves it. Another agency acknowledges anew."""
    check(incident, Act.ASSIGN, doing.actor)
    agency = incident.agency if agency is None else agency
    changes_hands = agency != incident.agency
    if changes_hands and not doing.actor.roles & EVERYWHERE:
        raise NotYours(doing.actor, Act.ASSIGN, "only operators give an incident to another agency")
    if assignee is None:
        assignee = "" if changes_hands else incident.assignee
    fields: dict[str, Any] = {"agency": agency, "assignee": assignee}
    if changes_hands:
        fields |= {"acknowledged_at": "", "acknowledged_by": ""}
        if incident.status is IncidentStatus.ACKNOWLEDGED:
            fields["status"] = IncidentStatus.NEW
    return _done(incident, Act.ASSIGN, doing, note, **fields)


def change_severity(incident: Incident, doing: ActInProgress, severity: Severity, note: str = "") -> Incident:
    """Say how grave it is."""
    check(incident, Act.SEVERITY, doing.actor)
    return _done(incident, Act.SEVERITY, doing, note, severity=severity)


def worsen(incident: Incident, doing: ActInProgress, severity: Severity) -> Incident:
    """Follow an alert that became graver; an incident that is graver already, or over, stays as it is."""
    if not incident.is_open or severity.rank <= incident.severity.rank:
        return incident
    return change_severity(incident, doing, severity)


def describe(incident: Incident, doing: ActInProgress, words: Mapping[str, Any]) -> Incident:
    """Word it anew: any of title, description, category, location and address."""
    check(incident, Act.DESCRIBE, doing.actor)
    if not str(words.get("title", incident.title)).strip():
        raise Invalid("an incident needs a title", field="title")
    # What a person words stands in that person's language alone.
    own: dict[str, Any] = {f"{name}s": {} for name in ("title", "description") if name in words}
    return _done(incident, Act.DESCRIBE, doing, **{**words, **own})


def comment(incident: Incident, doing: ActInProgress, text: str) -> Incident:
    """Say something about it."""
    check(incident, Act.COMMENT, doing.actor)
    if not text.strip():
        raise Invalid("a comment says something", field="text")
    if len(incident.comments) >= MOST_COMMENTS:
        raise IllegalAct(incident, Act.COMMENT, (), f"it has {MOST_COMMENTS} comments")
    said = Comment(doing.new_id, doing.now, doing.actor.id, doing.actor.name, text)
    return _done(incident, Act.COMMENT, doing, text, comments=(*incident.comments, said))


def add_task(incident: Incident, doing: ActInProgress, title: str, assignee: str = "") -> Incident:
    """Add something to be done."""
    check(incident, Act.ADD_TASK, doing.actor)
    if not title.strip():
        raise Invalid("a task needs a title", field="title")
    if len(incident.tasks) >= MOST_TASKS:
        raise IllegalAct(incident, Act.ADD_TASK, (), f"it has {MOST_TASKS} tasks")
    task = Task(doing.new_id, title, assignee=assignee, created_at=doing.now, created_by=doing.actor.id)
    return _done(incident, Act.ADD_TASK, doing, title, tasks=(*incident.tasks, task))


def change_task(
    incident: Incident,
    doing: ActInProgress,
    task_id: str,
    *,
    done: bool | None = None,
    title: str | None = None,
    assignee: str | None = None,
) -> Incident:
    """Tick a task off, or word or assign it anew; None leaves what it was. Raises NoSuchTask."""
    check(incident, Act.CHANGE_TASK, doing.actor)
    task = next((each for each in incident.tasks if each.id == task_id), None)
    if task is None:
        raise NoSuchTask(incident.id, task_id)
    if title is not None and not title.strip():
        raise Invalid("a task needs a title", field="title")
    changed = replace(
        task,
        title=task.title if title is None else title,
        assignee=task.assignee if assignee is None else assignee,
    )
    if done is not None and done != task.done:
        changed = replace(
            changed, done=done, done_at=doing.now if done else "", done_by=doing.actor.id if done else ""
        )
    tasks = tuple(changed if each.id == task_id else each for each in incident.tasks)
    return _done(incident, Act.CHANGE_TASK, doing, changed.title, tasks=tasks)


def resolve(incident: Incident, doing: ActInProgress, resolution: str = "") -> Incident:
    """Say that it is dealt with, and how."""
    check(incident, Act.RESOLVE, doing.actor)
    return _done(
        incident,
        Act.RESOLVE,
        doing,
        resolution,
        status=IncidentStatus.RESOLVED,
        resolved_at=doing.now,
        resolved_by=doing.actor.id,
        resolution=resolution,
    )


def close(
    incident: Incident, doing: ActInProgress, reason: ClosingReason, *, duplicate_of: str = "", note: str = ""
) -> Incident:
    """End it for a reason; only one that is resolved closes as resolved, and a duplicate names the other."""
    check(incident, Act.CLOSE, doing.actor)
    if reason is ClosingReason.RESOLVED and incident.status is not IncidentStatus.RESOLVED:
        allowed = allowed_acts(incident, doing.actor)
        raise IllegalAct(incident, Act.CLOSE, allowed, "it closes as resolved only after it was resolved")
    if (reason is ClosingReason.DUPLICATE) != bool(duplicate_of):
        raise Invalid("a duplicate, and only that, names the incident that it repeats", field="duplicate_of")
    if duplicate_of == incident.id:
        raise Invalid("an incident is no duplicate of itself", field="duplicate_of")
    return _done(
        incident,
        Act.CLOSE,
        doing,
        note,
        status=IncidentStatus.CLOSED,
        closing_reason=reason,
        duplicate_of=duplicate_of,
        closed_at=doing.now,
        closed_by=doing.actor.id,
    )


def reopen(incident: Incident, doing: ActInProgress, note: str = "") -> Incident:
    """It was not over: it begins as new, and somebody has to take it."""
    check(incident, Act.REOPEN, doing.actor)
    return _done(
        incident,
        Act.REOPEN,
        doing,
        note,
        status=IncidentStatus.NEW,
        closing_reason=None,
        duplicate_of="",
        resolution="",
        **dict.fromkeys(
            ("acknowledged_at", "acknowledged_by", "started_at", "resolved_at", "resolved_by"), ""
        ),
        **dict.fromkeys(("closed_at", "closed_by"), ""),
    )


def attach_alert(
    incident: Incident,
    doing: ActInProgress,
    alert_id: str,
    *,
    fingerprint: str = "",
    severity: Severity | None = None,
) -> Incident:
    """Add an alert; a graver one makes the incident graver. One that is attached already changes nothing."""
    if alert_id in incident.alerts:
        return incident
    check(incident, Act.ATTACH_ALERT, doing.actor)
    if len(incident.alerts) >= MOST_ALERTS:
        return incident
    graver = severity is not None and severity.rank > incident.severity.rank
    fingerprints = {*incident.fingerprints, fingerprint} - {""}
    return _done(
        incident,
        Act.ATTACH_ALERT,
        doing,
        alert_id,
        alerts=(*incident.alerts, alert_id),
        fingerprints=tuple(sorted(fingerprints)),
        severity=severity if graver else incident.severity,
        alerts_over_at="",
    )


def alerts_over(incident: Incident, doing: ActInProgress) -> Incident:
    """Note that all its alerts are over; where its rule says so, that resolves it. Noted already: nothing changes."""
    if incident.alerts_over_at or incident.status is IncidentStatus.CLOSED:
        return incident
    check(incident, Act.ALERTS_OVER, doing.actor)
    if incident.settles and incident.is_open:
        return _done(
            incident,
            Act.SETTLE,
            doing,
            status=IncidentStatus.RESOLVED,
            alerts_over_at=doing.now,
            resolved_at=doing.now,
            resolved_by=doing.actor.id,
        )
    return _done(incident, Act.ALERTS_OVER, doing, alerts_over_at=doing.now)


def _done(incident: Incident, act: Act, doing: ActInProgress, note: str = "", **fields: Any) -> Incident:
    actor = doing.actor
    record = IncidentRecord(act, actor.id, actor.name, actor.agency, note)
    return replace(incident, **fields, version=incident.version + 1, modified_at=doing.now, last=record)
