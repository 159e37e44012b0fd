"""What goes in and out at the incidents' door: the typed contract of the people's API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from rhinecloud.incidents.model import Act, ClosingReason, Incident, IncidentStatus
from rhinecloud.incidents.timeline import Event
from rhinecloud.kernel.language import choose
from rhinecloud.kernel.severity import Severity

Text = Annotated[str, Field(max_length=10_000)]
Title = Annotated[str, Field(min_length=1, max_length=300)]
GeoJson = dict[str, Any]
NameOf = Callable[[str], str]
"""Gives the name of an account by the id of its actor; any other text is a name already."""


class TaskView(BaseModel):
    """Something to be done."""

    id: str
    title: str
    done: bool
    assignee: str
    created_at: str
    created_by: str
    done_at: str | None
    done_by: str | None


class CommentView(BaseModel):
    """Something that was said."""

    id: str
    at: str
    by: str
    name: str
    text: str


class IncidentView(BaseModel):
    """An incident as it stands, and what the asking person may do to it now."""

    id: str
    version: int = Field(
        description="To be sent back with each act; an act on an older version is refused (409)"
    )
    title: str = Field(description="In the asker's language where it is there, see `lang`")
    titles: dict[str, str] | None = Field(
        default=None, description="By language; null where a person worded it, in one"
    )
    description: str
    descriptions: dict[str, str] | None = None
    category: str
    severity: Severity
    status: IncidentStatus
    closing_reason: ClosingReason | None
    duplicate_of: str | None
    resolution: str | None
    location: GeoJson | None
    address: str | None
    agency: str | None
    assignee: str | None = Field(description="A name, or the id of an account")
    assignee_name: str | None = Field(default=None, description="The assignee as people read it")
    alerts: list[str]
    tasks: list[TaskView]
    comments: list[CommentView]
    simulated: bool
    opened_by: str | None
    created_at: str
    modified_at: str
    acknowledged_at: str | None = Field(
        description="Null also after another agency got it, until that acknowledges"
    )
    acknowledged_by: str | None
    started_at: str | None
    resolved_at: str | None
    resolved_by: str | None
    closed_at: str | None
    closed_by: str | None
    alerts_over_at: str | None = Field(description="Since when none of its alerts is up any longer")
    allowed: list[Act] = Field(description="What the asking person may do now")


class IncidentPage(BaseModel):
    """Incidents, the newest first."""

    items: list[IncidentView]
    total: int
    more: bool


class EventView(BaseModel):
    """One thing that happened to an incident."""

    at: str
    actor: str
    actor_name: str
    act: str
    note: str
    details: dict[str, dict[str, Any]] = Field(description="What changed: `{field: {from, to}}`")
    texts: dict[str, str] = Field(description="The event in one sentence, by language")


class NewIncident(BaseModel):
    """An incident to be opened by hand."""

    title: Title
    severity: Severity = Severity.MEDIUM
    description: Text = ""
    category: str = "other"
    location: GeoJson | None = None
    address: str = ""
    agency: str = ""
    assignee: str = ""


class ActBody(BaseModel):
    """What each act carries: the version that the person saw."""

    version: int = Field(ge=1)


class Assignment(ActBody):
    """Who gets it; '' takes it away, null or absent leaves it."""

    agency: str | None = None
    assignee: str | None = None
    note: Text = ""


class Resolution(ActBody):
    """How it was dealt with."""

    resolution: Text = ""


class Closing(ActBody):
    """Why it is closed; a duplicate names the incident that it repeats."""

    reason: ClosingReason
    duplicate_of: str = ""
    note: Text = ""


class Reopening(ActBody):
    """Why it is not over."""

    note: Text = ""


class NewComment(ActBody):
    """Something to say."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class SeverityChange(ActBody):
    """How grave it is."""

    severity: Severity
    note: Text = ""


class NewTask(ActBody):
    """Something to be done."""

    title: Title
    assignee: str = ""


class TaskChange(ActBody):
    """What changes in a task; absent members stay."""

    done: bool | None = None
    title: Title | None = None
    assignee: str | None = None


class Wording(ActBody):
    """What changes in the words and the place of an incident; absent members stay, `location` null clears it."""

    title: Title | None = None
    description: Text | None = None
    category: str | None = None
    location: GeoJson | None = None
    address: str | None = None


def view(
    incident: Incident, allowed: list[Act], languages: Sequence[str] = (), name_of: NameOf = str
) -> IncidentView:
    """Show an incident in the first of `languages` that its texts are in; `name_of` names an account."""
    plain = {name: getattr(incident, name) for name in IncidentView.model_fields if hasattr(incident, name)}
    empty = {
        name: None
        for name, value in plain.items()
        if value in ("", {}) and name not in ("description", "modified_at")
    }
    return IncidentView(
        **{
            **plain,
            **empty,
            "title": choose(incident.titles, languages, incident.title),
            "description": choose(incident.descriptions, languages, incident.description),
            "assignee_name": name_of(incident.assignee) or None,
            "alerts": list(incident.alerts),
            "tasks": [
                TaskView(
                    id=task.id,
                    title=task.title,
                    done=task.done,
                    assignee=task.assignee,
                    created_at=task.created_at,
                    created_by=task.created_by,
                    done_at=task.done_at or None,
                    done_by=task.done_by or None,
                )
                for task in incident.tasks
            ],
            "comments": [
                CommentView(id=each.id, at=each.at, by=each.by, name=each.name, text=each.text)
                for each in incident.comments
            ],
            "created_at": incident.created_at,
            "modified_at": incident.modified_at or incident.created_at,
            "allowed": allowed,
        }
    )


def view_event(event: Event) -> EventView:
    """Show an event."""
    return EventView(
        at=event.at,
        actor=event.actor,
        actor_name=event.actor_name,
        act=event.act,
        note=event.note,
        details=event.details,
        texts=event.texts,
    )
