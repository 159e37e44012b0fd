"""The words of incidents: states, acts, reasons, and incident, task and comment as values that never change."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from rhinecloud.kernel.severity import Severity

NAMESPACE = "urn:rhinecloud:ns:"
INCIDENT = f"{NAMESPACE}Incident"
TASK = f"{NAMESPACE}Task"
COMMENT = "https://schema.org/Comment"
AGENCY = f"{NAMESPACE}Agency"
ALERT = "https://smartdatamodels.org/dataModel.Alert/Alert"


class IncidentStatus(StrEnum):
    """The state of an incident. `new`: nobody took it yet; `closed`: it is over and stays in the records."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class TaskStatus(StrEnum):
    """The state of a task. `cancelled`: its incident was closed before, or it is no longer needed."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether there is still something to be done."""
        return self in (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)


class ClosingReason(StrEnum):
    """Why an incident was closed."""

    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    TEST = "test"
    HANDED_OVER = "handed_over"
    NO_ACTION = "no_action"


class Act(StrEnum):
    """What can be done to an incident.

    Those from `attach_alert` on are done by the system alone. `settle` resolves an incident because all its alerts are
    over, `reopen_with_alert` reopens a resolved one for an alert, `note_follow_up` names the incident that follows.
    """

    OPEN = "open"
    ACKNOWLEDGE = "acknowledge"
    START = "start"
    ASSIGN = "assign"
    SEVERITY = "severity"
    DESCRIBE = "describe"
    COMMENT = "comment"
    ADD_TASK = "add_task"
    CHANGE_TASK = "change_task"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    ATTACH_ALERT = "attach_alert"
    ALERTS_OVER = "alerts_over"
    RESOLVE_WITH_ALERTS = "settle"
    REOPEN_WITH_ALERT = "reopen_with_alert"
    NOTE_FOLLOW_UP = "note_follow_up"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done for an incident, by an agency, a person or both; times are ISO 8601, '' for not yet."""

    id: str
    incident: str
    title: str
    status: TaskStatus = TaskStatus.OPEN
    description: str = ""
    agency: str = ""
    assignee: str = ""
    due_at: str = ""
    created_at: str = ""
    created_by: str = ""
    done_at: str = ""
    done_by: str = ""
    simulated: bool = False

    @property
    def done(self) -> bool:
        """Whether it is done."""
        return self.status is TaskStatus.DONE


class IncidentDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What is given when an incident is opened."""

    title: str
    severity: Severity = Severity.MEDIUM
    titles: dict[str, str] = {}
    description: str = ""
    descriptions: dict[str, str] = {}
    category: str = "other"
    location: dict[str, Any] | None = None
    address: str = ""
    agency: str = ""
    assignee: str = ""
    alerts: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    simulated: bool = False
    resolves_with_alerts: bool = False
    follows: str = ""


class TaskDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What is given when a task is added; `agency` is an id, `due_at` is ISO 8601 in UTC or ''."""

    title: str
    description: str = ""
    agency: str = ""
    assignee: str = ""
    due_at: str = ""
    key: str = ""
    """The caller's own name for this task: with the same one it is not added twice."""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said about an incident; `by` is the actor's id, `name` the actor's name at that time."""

    id: str
    incident: str
    at: str
    by: str
    name: str
    text: str
    simulated: bool = False


class TaskSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the record of an act says of the task that it was about."""

    id: str
    title: str
    done: bool = False
    status: str = ""


class ActRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last act: who did what, with which note. The history of this attribute is the incident's timeline."""

    act: Act
    by: str
    name: str
    agency: str = ""
    note: str = ""
    task: TaskSummary | None = None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident. `version` grows by one with each act; `alerts` are entity ids.

    The acknowledgement is the present agency's: it goes when another agency gets the incident. `tasks` and `comments`
    are entities of their own; only those are here that the caller asked for.
    """

    id: str
    title: str
    severity: Severity
    version: int = 1
    titles: dict[str, str] = {}
    """The title by language where it comes from a rule; none as soon as a person rewrote it."""
    description: str = ""
    descriptions: dict[str, str] = {}
    category: str = "other"
    status: IncidentStatus = IncidentStatus.NEW
    closing_reason: ClosingReason | None = None
    duplicate_of: str = ""
    resolution: str = ""
    location: dict[str, Any] | None = None
    address: str = ""
    agency: str = ""
    assignee: str = ""
    alerts: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    comments: tuple[Comment, ...] = ()
    simulated: bool = False
    resolves_with_alerts: bool = False
    """Whether it is resolved as soon as all its alerts are over."""
    follows: str = ""
    """The earlier incident of its alert, which was closed before the alert became more severe."""
    followed_by: str = ""
    opened_by: str = ""
    acknowledged_at: str = ""
    acknowledged_by: str = ""
    started_at: str = ""
    resolved_at: str = ""
    resolved_by: str = ""
    closed_at: str = ""
    closed_by: str = ""
    alerts_over_at: str = ""
    created_at: str = ""
    modified_at: str = ""
    last: ActRecord | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is neither resolved nor closed."""
        return self.status not in (IncidentStatus.RESOLVED, IncidentStatus.CLOSED)
