"""What happened to an incident, in order and in words: made of the changes of its entity, nothing else is kept.

An act that came through the incidents' door says itself what it was. Whatever else changed the entity (another system
over NGSI-LD, say) is told by what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rhinecloud.incidents.codec import IncidentCodec
from rhinecloud.incidents.model import Act, Incident, Task
from rhinecloud.kernel.language import choose
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity

TOLD = (
    *("status", "severity", "agency", "assignee", "title", "description", "category", "location", "address"),
    *("closing_reason", "duplicate_of", "resolution"),
)
"""Fields whose change is told as `{from, to}`."""


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
HOUSE_NAME = "Rhine Cloud"
"""Who acts when no person does."""


def tell(
    changes: Iterable[Change],
    context: Context,
    agencies: Mapping[str, Mapping[str, str]],
    name_of: Callable[[str], str] = str,
) -> list[Event]:
    """Turn the changes of one incident, oldest first, into what people read.

    `agencies` map ids to names by language, `name_of` names an assignee.
    """
    form = IncidentCodec(context)
    events: list[Event] = []
    before: Incident | None = None
    for change in changes:
        after = form.read(change.entity)
        if before is None and change.kind is ChangeKind.UPDATED:
            before = form.read(_as_it_was(change))
        event = _event(change, before, after, context.expand("act") in change.changed)
        if event is not None:
            assignee = name_of(after.assignee)
            said = {}
            for language in LANGUAGES:
                agency = choose(agencies.get(after.agency, {}), (language,), after.agency)
                said[language] = words(event, language, ", ".join(filter(None, (agency, assignee))))
            events.append(replace(event, texts=said))
        before = after
    return events


def _event(change: Change, before: Incident | None, after: Incident, spoke: bool) -> Event | None:
    """Name what a change was; None where nothing that people are told differs."""
    details = _differences(before, after) if before else {}
    if change.kind is ChangeKind.DELETED:
        act, name, note = "delete", change.actor, ""
    elif spoke and after.last is not None and after.last.by == change.actor:
        act, name, note = after.last.act.value, after.last.name, after.last.note
    elif before is None:
        act, name, note = Act.OPEN.value, change.actor, ""
    elif details:
        act, name, note = "change", change.actor, ""
    else:
        return None
    task = _touched_task(before, after) if act in (Act.ADD_TASK, Act.CHANGE_TASK) else None
    if task is not None:
        details["task"] = {"from": None, "to": {"id": task.id, "title": task.title, "done": task.done}}
    name = HOUSE_NAME if change.actor.startswith("part:") else name
    return Event(change.at, change.actor, name, act, note, details)


def _differences(before: Incident, after: Incident) -> dict[str, dict[str, Any]]:
    return {
        name: {"from": getattr(before, name) or None, "to": getattr(after, name) or None}
        for name in TOLD
        if getattr(before, name) != getattr(after, name)
    }


def _touched_task(before: Incident | None, after: Incident) -> Task | None:
    known = set(before.tasks) if before else set()
    return next((task for task in after.tasks if task not in known), None)


def _as_it_was(change: Change) -> Entity:
    """Rebuild the entity before a change: the history may no longer hold what came earlier."""
    attrs = {iri: each for iri, each in change.entity.attrs.items() if iri not in change.changed}
    return Entity(id=change.entity.id, type=change.entity.type, attrs={**attrs, **change.previous})


STATUS_WORDS = {
    "new": ("neu", "new"),
    "acknowledged": ("angenommen", "acknowledged"),
    "in_progress": ("in Arbeit", "in progress"),
    "resolved": ("gelöst", "resolved"),
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
    "resolved": ("gelöst", "resolved"),
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
    "resolve": ("{name} hat den Vorfall gelöst", "{name} resolved the incident"),
    "close": ("{name} hat den Vorfall abgeschlossen: {reason}", "{name} closed the incident: {reason}"),
    "reopen": ("{name} hat den Vorfall wieder geöffnet", "{name} reopened the incident"),
    "attach_alert": ("Ein weiterer Alarm gehört dazu", "One more alert belongs to it"),
    "alerts_over": ("Alle Alarme dieses Vorfalls sind vorbei", "All alerts of this incident are over"),
    "settle": (
        "Alle Alarme sind vorbei; damit ist der Vorfall gelöst",
        "All alerts are over, which resolves the incident",
    ),
    "change": ("{name} hat den Vorfall geändert", "{name} changed the incident"),
    "delete": ("{name} hat den Vorfall gelöscht", "{name} deleted the incident"),
}


def words(event: Event, language: str, owner: str = "") -> str:
    """Say an event in one sentence; `owner` has the incident now."""
    column = 0 if language == "de" else 1
    act = event.act
    task = (event.details.get("task") or {}).get("to") or {}
    if act == Act.CHANGE_TASK and task.get("done"):
        act = "task_done"
    severity = (event.details.get("severity") or {}).get("to") or ""
    reason = (event.details.get("closing_reason") or {}).get("to") or ""
    return SENTENCES[act][column].format(
        name=event.actor_name,
        note=event.note,
        owner=owner or ("niemand", "nobody")[column],
        severity=SEVERITY_WORDS.get(severity, ("", ""))[column],
        reason=REASON_WORDS.get(reason, ("", ""))[column],
    )
