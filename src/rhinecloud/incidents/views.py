"""What the routes show of incidents, tasks and events to one person: with that person's rights, in one language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rhinecloud.incidents.contract import (
    CommentView,
    EventView,
    IncidentTaskView,
    IncidentView,
    NameOf,
    TaskView,
)
from rhinecloud.incidents.model import Act, Comment, Incident, Task
from rhinecloud.incidents.rights import IncidentRights
from rhinecloud.incidents.timeline import Event
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.language import choose

ALWAYS_TEXTS = ("description", "modified_at")
"""Members that are shown as a text even where they are empty; other empty texts are null."""


@dataclass(frozen=True, slots=True)
class Views:
    """Shows things to `actor` in the first of `languages` that they are in; `name_of` names accounts."""

    actor: Actor
    rights: IncidentRights
    languages: tuple[str, ...] = ()
    name_of: NameOf = str

    def incident(self, incident: Incident) -> IncidentView:
        """Return the view of an incident with its tasks and comments."""
        members = {
            name: getattr(incident, name) for name in IncidentView.model_fields if hasattr(incident, name)
        }
        empty = [name for name, value in members.items() if value in ("", {}) and name not in ALWAYS_TEXTS]
        shown: dict[str, Any] = {
            **members,
            **dict.fromkeys(empty),
            "title": choose(incident.titles, self.languages, incident.title),
            "description": choose(incident.descriptions, self.languages, incident.description),
            "assignee_name": self.name_of(incident.assignee) or None,
            "alerts": list(incident.alerts),
            "tasks": [self.task(task, incident) for task in incident.tasks],
            "comments": [_comment(comment) for comment in incident.comments],
            "created_at": incident.created_at,
            "modified_at": incident.modified_at or incident.created_at,
            "allowed": self.rights.allowed_acts(incident, self.actor),
        }
        return IncidentView(**shown)

    def task(self, task: Task, incident: Incident | None) -> TaskView:
        """Return the view of a task; `incident` is None where it is gone."""
        return TaskView(**self._members(task, incident))

    def task_of_any(self, task: Task, incident: Incident | None) -> IncidentTaskView:
        """Return the view of a task that is shown without its incident."""
        title = choose(incident.titles, self.languages, incident.title) if incident else None
        return IncidentTaskView(
            **self._members(task, incident),
            incident_title=title,
            incident_version=incident.version if incident else None,
        )

    def _members(self, task: Task, incident: Incident | None) -> dict[str, Any]:
        can_change = incident is not None and self.rights.may_change(incident, task, self.actor)
        return {
            "id": task.id,
            "incident": task.incident,
            "title": task.title,
            "description": task.description,
            "status": task.status,
            "done": task.done,
            "agency": task.agency or None,
            "assignee": task.assignee,
            "assignee_name": self.name_of(task.assignee) or None,
            "due_at": task.due_at or None,
            "created_at": task.created_at,
            "created_by": task.created_by,
            "done_at": task.done_at or None,
            "done_by": task.done_by or None,
            "simulated": task.simulated,
            "allowed": [Act.CHANGE_TASK] if can_change else [],
        }


def event_view(event: Event) -> EventView:
    """Return the view of an event."""
    return EventView(
        at=event.at,
        actor=event.actor,
        actor_name=event.actor_name,
        act=event.act,
        note=event.note,
        details=event.details,
        texts=event.texts,
    )


def _comment(comment: Comment) -> CommentView:
    return CommentView(id=comment.id, at=comment.at, by=comment.by, name=comment.name, text=comment.text)
