"""What happened to an incident, in order and in words: made of the changes of its entity and of its tasks.

An act of a person says itself what it was, in the attribute `act`. Whatever else changed an entity (another system over
NGSI-LD, say) is described by what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rhinecloud.incidents.codec import IncidentCodec
from rhinecloud.incidents.migrations import OldTask, old_tasks
from rhinecloud.incidents.model import INCIDENT, Act, Incident, Task, TaskSummary
from rhinecloud.incidents.task_codec import TaskCodec
from rhinecloud.kernel.language import choose
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity

SHOWN = (
    *("status", "severity", "agency", "assignee", "title", "description", "category", "location", "address"),
    *("closing_reason", "duplicate_of", "resolution", "follows", "followed_by"),
)
"""Fields of an incident whose change is shown as `{from, to}`."""
SHOWN_OF_TASKS = ("title", "description", "status", "agency", "assignee", "due_at")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, by whom (id and name), which act, what changed from what to what,
    in words."""

    at: str
    actor: str
    actor_name: str
    act: str
    note: str
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


LANGUAGES = ("de", "en")
SYSTEM_NAME = "Rhine Cloud"
"""The name of the actor when no person acts."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One change with the incident before and after it; `before` is None where it was created."""

    change: Change
    before: Incident | None
    after: Incident
    known_tasks: frozenset[OldTask] = frozenset()
    """The tasks that the incident held before, in changes of version 0."""


def describe_changes(
    changes: Iterable[Change],
    context: Context,
    agencies: Mapping[str, Mapping[str, str]],
    name_of: Callable[[str], str] = str,
) -> list[Event]:
    """Turn the changes of one incident and of its tasks, oldest first, into what people read.

    `agencies` map ids to names by language; `name_of` returns the name of an assignee.
    """
    ordered = list(changes)
    of_incident = [each for each in ordered if INCIDENT in each.entity.type]
    acts = {(each.at, each.actor) for each in of_incident}
    events = _incident_events(of_incident, context, agencies, name_of)
    codec = TaskCodec(context)
    others = [
        _with_texts(event, "")
        for change in ordered
        if INCIDENT not in change.entity.type and (change.at, change.actor) not in acts
        if (event := _task_event(change, codec)) is not None
    ]
    # Without its Z a time sorts rightly before the same one with a fraction of a second.
    return sorted([*events, *others], key=lambda event: event.at[:-1]) if others else events


def _incident_events(
    changes: Iterable[Change],
    context: Context,
    agencies: Mapping[str, Mapping[str, str]],
    name_of: Callable[[str], str],
) -> list[Event]:
    codec, act_iri = IncidentCodec(context), context.expand("act")
    events: list[Event] = []
    before: Incident | None = None
    known: frozenset[OldTask] = frozenset()
    for change in changes:
        after = codec.read(change.entity)
        if before is None and change.kind is ChangeKind.UPDATED:
            earlier = _as_it_was(change)
            before, known = codec.read(earlier), frozenset(old_tasks(earlier))
        event = _event(_Step(change, before, after, known), act_iri in change.changed)
        if event is not None:
            names = [
                choose(agencies.get(after.agency, {}), (language,), after.agency) for language in LANGUAGES
            ]
            owners = [", ".join(filter(None, (name, name_of(after.assignee)))) for name in names]
            events.append(_with_texts(event, *owners))
        before, known = after, frozenset(old_tasks(change.entity))
    return events


def _with_texts(event: Event, *owners: str) -> Event:
    """Return an event with its sentence by language; `owners` have the incident now, by language."""
    by_language = zip(LANGUAGES, owners if len(owners) > 1 else owners * len(LANGUAGES), strict=True)
    return replace(
        event, texts={language: sentence(event, language, owner) for language, owner in by_language}
    )


def _event(step: _Step, is_act: bool) -> Event | None:
    """Return what a change was; None where nothing that people are shown differs."""
    change, after = step.change, step.after
    details = _differences(step.before, after, SHOWN) if step.before else {}
    if change.kind is ChangeKind.DELETED:
        act, name, note = "delete", change.actor, ""
    elif is_act and after.last is not None and after.last.by == change.actor:
        act, name, note = after.last.act.value, after.last.name, after.last.note
        if step.before is None and after.follows:
            details["follows"] = {"from": None, "to": after.follows}
        if task := after.last.task or _old_summary(step):
            details["task"] = {"from": None, "to": _shown(task)}
    elif step.before is None:
        act, name, note = Act.OPEN.value, change.actor, ""
    elif details:
        act, name, note = "change", change.actor, ""
    else:
        return None
    return Event(change.at, change.actor, _name(change, name), act, note, details)


def _task_event(change: Change, codec: TaskCodec) -> Event | None:
    """Return what another system did to a task; None for a migration, and where nothing shown differs."""
    if change.actor == "part:migration":
        return None
    after = codec.read(change.entity)
    details: dict[str, dict[str, Any]] = {}
    act = Act.CHANGE_TASK.value
    if change.kind is ChangeKind.CREATED:
        act = Act.ADD_TASK.value
    elif change.kind is ChangeKind.DELETED:
        act = "delete_task"
    else:
        details = _differences(codec.read(_as_it_was(change)), after, SHOWN_OF_TASKS)
        if not details:
            return None
    details["task"] = {"from": None, "to": _shown(_summary(after))}
    return Event(change.at, change.actor, _name(change, change.actor), act, after.title, details)


def _name(change: Change, name: str) -> str:
    return SYSTEM_NAME if change.actor.startswith("part:") else name


def _differences(before: Any, after: Any, fields: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {
        name: {"from": getattr(before, name) or None, "to": getattr(after, name) or None}
        for name in fields
        if getattr(before, name) != getattr(after, name)
    }


def _summary(task: Task) -> TaskSummary:
    return TaskSummary(task.id, task.title, task.done, task.status.value)


def _shown(task: TaskSummary) -> dict[str, Any]:
    return {"id": task.id, "title": task.title, "done": task.done, "status": task.status or None}


def _old_summary(step: _Step) -> TaskSummary | None:
    """Return the task that an act of version 0 touched: the one that differs in the incident itself."""
    if step.after.last is None or step.after.last.act not in (Act.ADD_TASK, Act.CHANGE_TASK):
        return None
    for task in old_tasks(step.change.entity):
        if task not in step.known_tasks:
            return TaskSummary(task.id, task.title, task.done)
    return None


def _as_it_was(change: Change) -> Entity:
    """Rebuild the entity before a change: the history may no longer hold what came earlier."""
    attrs = {iri: each for iri, each in change.entity.attrs.items() if iri not in change.changed}
    return Entity(id=change.entity.id, type=change.entity.type, attrs={**attrs, **change.previous})


STATUS_WORDS = {
    "new": ("neu", "new"),
    "acknowledged": ("angenommen", "acknowledged"),
    "in_progress": ("in Arbeit", "in progress"),
    "resolved": ("behoben", "resolved"),
    "closed": ("abgeschlossen", "closed"),
}
SEVERITY_WORDS = {
    "informational": ("Hinweis", "informational"),
    "low": ("gering", "low"),
    "medium": ("mittel", "medium"),
    "high": ("hoch", "high"),
    "critical": ("kritisch", "critical"),
}
REASON_WORDS = {
    "resolved": ("behoben", "resolved"),
    "false_alarm": ("Fehlalarm", "false alarm"),
    "duplicate": ("doppelt", "duplicate"),
    "test": ("Übung oder Test", "drill or test"),
    "handed_over": ("abgegeben", "handed over"),
    "no_action": ("nichts zu tun", "no action needed"),
}
SENTENCES = {
    "open": ("{name} hat den Vorfall eröffnet", "{name} opened the incident"),
    "acknowledge": ("{name} hat den Vorfall angenommen", "{name} acknowledged the incident"),
    "start": ("{name} hat mit der Arbeit begonnen", "{name} began the work"),
    "assign": ("{name} hat den Vorfall zugewiesen: {owner}", "{name} assigned the incident: {owner}"),
    "severity": (
        "{name} hat die Schwere auf „{severity}“ gesetzt",
        "{name} set the severity to “{severity}”",
    ),
    "describe": ("{name} hat die Angaben geändert", "{name} changed the description"),
    "comment": ("{name}: {note}", "{name}: {note}"),
    "add_task": ("{name} hat die Aufgabe „{note}“ angelegt", "{name} added the task “{note}”"),
    "change_task": ("{name} hat die Aufgabe „{note}“ geändert", "{name} changed the task “{note}”"),
    "task_done": ("{name} hat die Aufgabe „{note}“ erledigt", "{name} finished the task “{note}”"),
    "resolve": ("{name} hat den Vorfall als behoben gemeldet", "{name} resolved the incident"),
    "close": ("{name} hat den Vorfall abgeschlossen: {reason}", "{name} closed the incident: {reason}"),
    "reopen": ("{name} hat den Vorfall wieder geöffnet", "{name} reopened the incident"),
    "attach_alert": (
        "Ein weiterer Alarm gehört zu diesem Vorfall",
        "Another alert was added to the incident",
    ),
    "alerts_over": ("Alle Alarme dieses Vorfalls sind vorbei", "All alerts of this incident are over"),
    "settle": (
        "Alle Alarme sind vorbei. Der Vorfall wurde damit behoben",
        "All alerts are over. The incident was resolved with them",
    ),
    "reopen_with_alert": (
        "Ein Alarm ist erneut aufgetreten. Der Vorfall ist wieder offen",
        "An alert occurred again. The incident is open again",
    ),
    "reopen_worse": (
        "Ein Alarm ist schwerer geworden: „{severity}“. Der Vorfall ist wieder offen",
        "An alert became more severe: “{severity}”. The incident is open again",
    ),
    "note_follow_up": (
        "Ein Alarm dieses Vorfalls ist schwerer geworden. Dazu wurde ein neuer Vorfall eröffnet",
        "An alert of this incident became more severe. A new incident was opened for it",
    ),
    "open_following": (
        "Ein Alarm ist schwerer geworden, nachdem sein Vorfall abgeschlossen war. {name} hat diesen Vorfall eröffnet",
        "An alert became more severe after its incident was closed. {name} opened this incident",
    ),
    "change": ("{name} hat den Vorfall geändert", "{name} changed the incident"),
    "delete": ("{name} hat den Vorfall gelöscht", "{name} deleted the incident"),
    "delete_task": ("{name} hat die Aufgabe „{note}“ gelöscht", "{name} deleted the task “{note}”"),
}


def sentence(event: Event, language: str, owner: str = "") -> str:
    """Return an event in one sentence; `owner` has the incident now."""
    column = 0 if language == "de" else 1
    act = event.act
    task = (event.details.get("task") or {}).get("to") or {}
    if act == Act.CHANGE_TASK and task.get("done"):
        act = "task_done"
    elif act == Act.REOPEN_WITH_ALERT and "severity" in event.details:
        act = "reopen_worse"
    elif act == Act.OPEN and "follows" in event.details:
        act = "open_following"
    severity = (event.details.get("severity") or {}).get("to") or ""
    reason = (event.details.get("closing_reason") or {}).get("to") or ""
    return SENTENCES[act][column].format(
        name=event.actor_name,
        note=event.note,
        owner=owner or ("niemand", "nobody")[column],
        severity=SEVERITY_WORDS.get(severity, ("", ""))[column],
        reason=REASON_WORDS.get(reason, ("", ""))[column],
    )
