"""How the stored incidents of older versions become those of this one.

Until version 1 an incident held its tasks and comments as JSON. What is named here is as it was then: never change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rhinecloud.kernel.ids import derived_urn
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.migration import EntityMigration, Migration

_OWN = "urn:rhinecloud:ns:"
_INCIDENT, _TASK, _COMMENT = f"{_OWN}Incident", f"{_OWN}Task", "https://schema.org/Comment"
_TASKS, _COMMENTS = f"{_OWN}tasks", f"{_OWN}comments"
_TITLE, _STATUS = "http://purl.org/dc/terms/title", "https://uri.etsi.org/ngsi-ld/status"
_TEXT, _AUTHOR = "https://schema.org/text", "https://schema.org/author"
_DATE_CREATED = "https://smartdatamodels.org/dateCreated"


class OldTask(msgspec.Struct, frozen=True):
    """A task as it was part of its incident."""

    id: str
    title: str
    done: bool = False
    assignee: str = ""
    created_at: str = ""
    created_by: str = ""
    done_at: str = ""
    done_by: str = ""


class OldComment(msgspec.Struct, frozen=True):
    """A comment as it was part of its incident."""

    id: str
    at: str = ""
    by: str = ""
    name: str = ""
    text: str = ""


def old_tasks(incident: Entity) -> tuple[OldTask, ...]:
    """Return the tasks that an incident of version 0 holds; none where they are not of that form."""
    found: tuple[OldTask, ...] = _held(incident, _TASKS, tuple[OldTask, ...])
    return found


def split_incident(incident: Entity) -> Mapping[str, Entity | None]:
    """Make an entity of each task and comment of an incident.

    The tasks of a closed incident that were not done are cancelled, as closing does now.
    """
    tasks, comments = old_tasks(incident), _held(incident, _COMMENTS, tuple[OldComment, ...])
    held = [name for name, found in ((_TASKS, tasks), (_COMMENTS, comments)) if found]
    if not held:
        return {}
    rest = {name: each for name, each in incident.attrs.items() if name not in held}
    after = msgspec.structs.replace(incident, attrs=rest)
    made = [*(_task(incident, each) for each in tasks), *(_comment(incident, each) for each in comments)]
    return {each.id: each for each in (after, *made)}


def _held(incident: Entity, name: str, kind: Any) -> Any:
    instance = incident.first(name)
    try:
        return msgspec.convert(instance.value, kind) if instance else ()
    except msgspec.ValidationError:
        return ()


def _task(incident: Entity, task: OldTask) -> Entity:
    status = incident.first(_STATUS)
    is_over = status is not None and status.value == "closed"
    attrs = {
        _TITLE: Instance(value=task.title),
        _STATUS: Instance(value="done" if task.done else "cancelled" if is_over else "open"),
        **_filled(
            {
                f"{_OWN}assignee": task.assignee,
                _AUTHOR: task.created_by,
                f"{_OWN}doneBy": task.done_by,
            }
        ),
        **_times({_DATE_CREATED: task.created_at, f"{_OWN}doneAt": task.done_at}),
        **_common(incident),
    }
    return _entity(derived_urn("Task", incident.id, task.id), _TASK, task.created_by, attrs)


def _comment(incident: Entity, comment: OldComment) -> Entity:
    attrs = {
        _TEXT: Instance(value=comment.text),
        **_filled({_AUTHOR: comment.by, f"{_OWN}authorName": comment.name}),
        **_times({_DATE_CREATED: comment.at}),
        **_common(incident),
    }
    return _entity(derived_urn("Comment", incident.id, comment.id), _COMMENT, comment.by, attrs)


def _common(incident: Entity) -> dict[str, Instance]:
    simulated = incident.first(f"{_OWN}simulated")
    return {
        f"{_OWN}incident": Instance(type="Relationship", value=incident.id),
        f"{_OWN}simulated": Instance(value=simulated is not None and simulated.value is True),
    }


def _filled(texts: Mapping[str, str]) -> dict[str, Instance]:
    return {name: Instance(value=each) for name, each in texts.items() if each}


def _times(times: Mapping[str, str]) -> dict[str, Instance]:
    return {
        name: Instance(value={"@type": "DateTime", "@value": each}) for name, each in times.items() if each
    }


def _entity(entity_id: str, kind: str, author: str, attrs: Mapping[str, Instance]) -> Entity:
    return Entity(
        id=entity_id,
        type=[kind],
        created_by="" if author.startswith("part:") else author,
        attrs={name: [each] for name, each in attrs.items()},
    )


MIGRATIONS: tuple[Migration, ...] = (
    EntityMigration(number=1, name="tasks and comments are entities", type=_INCIDENT, rewrite=split_incident),
)
