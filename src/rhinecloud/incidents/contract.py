"""The bodies and answers of the incidents' routes: the typed contract of the API for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from rhinecloud.incidents.model import Act, ClosingReason, IncidentStatus, TaskStatus
from rhinecloud.kernel.severity import Severity

Text = Annotated[str, Field(max_length=10_000)]
Title = Annotated[str, Field(min_length=1, max_length=300)]
GeoJson = dict[str, Any]
NameOf = Callable[[str], str]
"""Returns the name of an account by the id of its actor; any other text is a name already."""


class TaskView(BaseModel):
    """Something to be done for an incident."""

    id: str
    incident: str
    title: str
    description: str
    status: TaskStatus
    done: bool = Field(description="Whether `status` is `done`")
    agency: str | None = Field(description="The agency that shall do it, by id")
    assignee: str = Field(description="A name, the id of an account, or empty")
    assignee_name: str | None = Field(description="The assignee as people read it")
    due_at: str | None
    created_at: str
    created_by: str
    done_at: str | None
    done_by: str | None
    simulated: bool
    allowed: list[Act] = Field(
        description="What the asking person may do to it now: `change_task` or nothing"
    )


class IncidentTaskView(TaskView):
    """A task beside the incident that it belongs to."""

    incident_title: str | None = Field(description="Null where the incident is gone")
    incident_version: int | None = Field(description="To be sent back with a change of the task")


class TaskPage(BaseModel):
    """Tasks of any incident, the newest first."""

    items: list[IncidentTaskView]
    total: int
    more: bool


class CommentView(BaseModel):
    """What somebody said about an incident."""

    id: str
    at: str
    by: str
    name: str
    text: str


class IncidentView(BaseModel):
    """An incident with its tasks and comments, and what the asking person may do to it now."""

    id: str
    version: int = Field(
        description="To be sent back with each act; an act on an older version is refused with 409"
    )
    title: str = Field(description="In the language that was asked for where there is one, see `lang`")
    titles: dict[str, str] | None = Field(
        default=None, description="By language; null where a person wrote it, in one language"
    )
    description: str
    descriptions: dict[str, str] | None = None
    category: str
    severity: Severity
    status: IncidentStatus
    closing_reason: ClosingReason | None
    duplicate_of: str | None
    follows: str | None = Field(
        default=None, description="The closed incident of the same alert, which became more severe afterwards"
    )
    followed_by: str | None = None
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
        description="Null also when another agency got it and has not acknowledged yet"
    )
    acknowledged_by: str | None
    started_at: str | None
    resolved_at: str | None
    resolved_by: str | None
    closed_at: str | None
    closed_by: str | None
    alerts_over_at: str | None = Field(description="Since when none of its alerts is active")
    allowed: list[Act] = Field(description="What the asking person may do to it now")


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
    """An incident to be opened."""

    title: Title
    severity: Severity = Severity.MEDIUM
    description: Text = ""
    category: str = "other"
    location: GeoJson | None = None
    address: str = ""
    agency: str = ""
    assignee: str = ""


class TaskQuery(BaseModel):
    """Which tasks to list; what is absent does not matter."""

    agency: str = Field(default="", description="The agency that shall do it, by id")
    assignee: str = Field(default="", description="A name, or the id of an account")
    incident: str = Field(default="", description="The incident, by id")
    status: str = Field(
        default="",
        description="`pending` (open or in progress), one state, or several with commas; empty: all",
    )
    due_before: AwareDatetime | None = Field(default=None, description="Due before this time")
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class ActBody(BaseModel):
    """What each act contains: the version that the person saw."""

    version: int = Field(ge=1)


class Assignment(ActBody):
    """Who gets it; an empty text removes agency or person, null or absent leaves it."""

    agency: str | None = None
    assignee: str | None = None
    note: Text = ""


class Resolution(ActBody):
    """How the incident was dealt with."""

    resolution: Text = ""


class Closing(ActBody):
    """Why it is closed; a duplicate names the other incident."""

    reason: ClosingReason
    duplicate_of: str = ""
    note: Text = ""


class Reopening(ActBody):
    """Why it is opened again."""

    note: Text = ""


class IdempotentBody(BaseModel):
    """What creates something: with the same key it is created once, however often it is sent."""

    idempotency_key: str = Field(
        default="", max_length=200, description="A text of your own, unique in the incident; empty: none"
    )


class NewComment(ActBody, IdempotentBody):
    """A comment to be added."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class SeverityChange(ActBody):
    """The new severity."""

    severity: Severity
    note: Text = ""


class NewTask(ActBody, IdempotentBody):
    """A task to be added."""

    title: Title
    description: Text = ""
    agency: str = Field(default="", description="The agency that shall do it, by id")
    assignee: str = Field(default="", description="A name, or the id of an account")
    due_at: AwareDatetime | None = None


class TaskChange(ActBody):
    """What changes in a task; absent members stay, `due_at` null removes the due time."""

    done: bool | None = Field(default=None, description="True for the status `done`, false for `open`")
    status: TaskStatus | None = None
    title: Title | None = None
    description: Text | None = None
    agency: str | None = Field(default=None, description="An empty text takes it from the agency")
    assignee: str | None = None
    due_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one_status(self) -> Self:
        if self.done is not None and self.status is not None:
            raise ValueError("done must not be combined with status")
        return self


class Description(ActBody):
    """What changes in the texts and the place of an incident; absent members stay, `location` null removes it."""

    title: Title | None = None
    description: Text | None = None
    category: str | None = None
    location: GeoJson | None = None
    address: str | None = None
