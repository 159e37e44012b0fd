"""The words of incidents: states, acts, reasons, and the incident as one value that never changes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from rhinecloud.kernel.severity import Severity

HOUSE = "urn:rhinecloud:ns:"
INCIDENT = f"{HOUSE}Incident"
AGENCY = f"{HOUSE}Agency"
ALERT = "https://smartdatamodels.org/dataModel.Alert/Alert"


class IncidentStatus(StrEnum):
    """Where an incident stands. `new`: nobody took it yet; `closed`: it is over and stays in the records."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class ClosingReason(StrEnum):
    """Why an incident was closed."""

    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    TEST = "test"
    HANDED_OVER = "handed_over"
    NO_ACTION = "no_action"


class Act(StrEnum):
    """What can be done to an incident; `open`, `attach_alert`, `alerts_over` and `settle` are the house's own too."""

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
    SETTLE = "settle"


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to be done; moments are ISO 8601, '' for not yet."""

    id: str
    title: str
    done: bool = False
    assignee: str = ""
    created_at: str = ""
    created_by: str = ""
    done_at: str = ""
    done_by: str = ""


class Comment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that was said; `by` is the actor's id, `name` the actor's name at that time."""

    id: str
    at: str
    by: str
    name: str
    text: str


class IncidentRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last act: who did what, and what was said with it. The history of this is the incident's timeline."""

    act: Act
    by: str
    name: str
    agency: str = ""
    note: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it stands. `version` grows by one with each act; `alerts` are entity ids.

    The acknowledgement is the present agency's: it goes when another agency gets the incident.
    """

    id: str
    title: str
    severity: Severity
    version: int = 1
    titles: dict[str, str] = {}
    """The title by language where a rule worded it; none as soon as a person did."""
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
    settles: bool = False
    """Whether it is resolved as soon as all its alerts are over."""
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
    last: IncidentRecord | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to deal with it."""
        return self.status not in (IncidentStatus.RESOLVED, IncidentStatus.CLOSED)
