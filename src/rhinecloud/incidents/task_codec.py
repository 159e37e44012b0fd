"""Tasks and comments as entities of the city, and back; each names its incident by the Relationship `incident`."""

from __future__ import annotations

from typing import Any

from rhinecloud.incidents.attributes import (
    AttributeReader,
    date_time,
    filled,
    member,
    relationship,
    text,
    write_attributes,
)
from rhinecloud.incidents.model import COMMENT, TASK, Comment, Task, TaskStatus
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Decision

TASK_TEXTS = {
    "title": "title",
    "description": "description",
    "status": "status",
    "assignee": "assignee",
    "created_by": "author",
    "done_by": "doneBy",
}
TASK_TIMES = {"due_at": "dueAt", "created_at": "dateCreated", "done_at": "doneAt"}
TASK_LINKS = {"incident": "incident", "agency": "assignedAgency"}

COMMENT_TEXTS = {"text": "text", "by": "author", "name": "authorName"}
COMMENT_TIMES = {"at": "dateCreated"}
COMMENT_LINKS = {"incident": "incident"}


class TaskCodec:
    """Reads and writes tasks in the terms of a context."""

    def __init__(self, context: Context) -> None:
        self._iri = context.expand
        names = [*TASK_TEXTS.values(), *TASK_TIMES.values(), *TASK_LINKS.values()]
        self._own = frozenset(map(self._iri, names))

    def read(self, entity: Entity) -> Task:
        """Return the task that an entity is; what another system left out gets its default."""
        of = AttributeReader(entity, self._iri)
        known: dict[str, Any] = of.texts({**TASK_TEXTS, **TASK_TIMES, **TASK_LINKS})
        known["status"] = member(TaskStatus, known["status"], TaskStatus.OPEN)
        known["created_at"] = known["created_at"] or entity.created_at
        return Task(**known, id=entity.id, simulated=of.value("simulated") is True)

    def write(self, task: Task, entity: Entity | None, now: str) -> Decision:
        """Decide what changes in the entity; attributes that are not the task's own stay as they are."""
        return write_attributes(entity, self.entity(task), self._own, now)

    def entity(self, task: Task) -> Entity:
        """Return the entity that stands for a task, without what other systems added to it."""
        attributes = {
            **filled(task, TASK_TEXTS, text),
            **filled(task, TASK_TIMES, date_time),
            **filled(task, TASK_LINKS, relationship),
            "simulated": Instance(value=task.simulated),
        }
        return _entity(task.id, TASK, {self._iri(name): [each] for name, each in attributes.items()})


class CommentCodec:
    """Reads and writes comments in the terms of a context."""

    def __init__(self, context: Context) -> None:
        self._iri = context.expand

    def read(self, entity: Entity) -> Comment:
        """Return the comment that an entity is."""
        of = AttributeReader(entity, self._iri)
        known: dict[str, Any] = of.texts({**COMMENT_TEXTS, **COMMENT_TIMES, **COMMENT_LINKS})
        known["at"] = known["at"] or entity.created_at
        return Comment(**known, id=entity.id, simulated=of.value("simulated") is True)

    def write(self, comment: Comment, now: str) -> Decision:
        """Decide to create the entity of a new comment."""
        attributes = {
            **filled(comment, COMMENT_TEXTS, text),
            **filled(comment, COMMENT_TIMES, date_time),
            **filled(comment, COMMENT_LINKS, relationship),
            "simulated": Instance(value=comment.simulated),
        }
        wanted = _entity(comment.id, COMMENT, {self._iri(name): [each] for name, each in attributes.items()})
        return write_attributes(None, wanted, (), now)


def _entity(entity_id: str, kind: str, attrs: dict[str, list[Instance]]) -> Entity:
    return Entity(id=entity_id, type=[kind], attrs=attrs)
