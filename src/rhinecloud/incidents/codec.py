"""The incident as an entity of the city, and back: in the house's terms, and Smart Data Models' where they exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rhinecloud.incidents.model import (
    INCIDENT,
    ClosingReason,
    Comment,
    Incident,
    IncidentRecord,
    IncidentStatus,
    Task,
)
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Decision, Put

TEXTS = {
    "title": "title",
    "description": "description",
    "category": "category",
    "severity": "severity",
    "status": "status",
    "closing_reason": "closingReason",
    "resolution": "resolution",
    "address": "address",
    "assignee": "assignee",
    "opened_by": "openedBy",
    "acknowledged_by": "acknowledgedBy",
    "resolved_by": "resolvedBy",
    "closed_by": "closedBy",
}
MOMENTS = {
    "acknowledged_at": "acknowledgedAt",
    "started_at": "startedAt",
    "resolved_at": "resolvedAt",
    "closed_at": "closedAt",
    "alerts_over_at": "alertsResolvedAt",
}
WORDINGS = {"titles": "titles", "descriptions": "descriptions"}
LINKS = {"agency": "assignedAgency", "duplicate_of": "duplicateOf"}
FLAGS = {"simulated": "simulated", "settles": "resolvesIncident"}


class IncidentCodec:
    """Reads and writes incidents in the terms of a context."""

    def __init__(self, context: Context) -> None:
        self._iri = context.expand

    def read(self, entity: Entity) -> Incident:
        """Read an incident; what a stranger left out or wrote oddly gets its default."""

        def value(name: str) -> Any:
            instance = entity.first(self._iri(name))
            found = instance.value if instance else None
            return found["@value"] if isinstance(found, dict) and "@value" in found else found

        fields: dict[str, Any] = {
            field: str(value(name) or "") for field, name in {**TEXTS, **MOMENTS, **LINKS}.items()
        }
        fields |= {field: value(name) is True for field, name in FLAGS.items()}
        version = value("version")
        return Incident(
            **{
                **fields,
                "severity": _word(Severity, fields["severity"]) or Severity.MEDIUM,
                "status": _word(IncidentStatus, fields["status"]) or IncidentStatus.NEW,
                "closing_reason": _word(ClosingReason, fields["closing_reason"]),
                "category": fields["category"] or "other",
            },
            id=entity.id,
            version=version if isinstance(version, int) else 0,
            location=value("location") if isinstance(value("location"), dict) else None,
            alerts=_listed(value("alerts")),
            fingerprints=_listed(value("fingerprints")),
            titles=_converted(value("titles"), dict[str, str], {}),
            descriptions=_converted(value("descriptions"), dict[str, str], {}),
            tasks=_converted(value("tasks"), tuple[Task, ...], ()),
            comments=_converted(value("comments"), tuple[Comment, ...], ()),
            last=_converted(value("act"), IncidentRecord, None),
            created_at=entity.created_at,
            modified_at=entity.modified_at,
        )

    def write(self, incident: Incident, entity: Entity | None, now: str) -> Decision:
        """Decide what changes in the entity; attributes that are not the incident's own stay as they are."""
        attrs = self._attributes(incident)
        if entity is None:
            patched = patch.create(Entity(id=incident.id, type=[INCIDENT], attrs=attrs), now)
            return Put(patched.entity, patched.changed, patched.previous)
        moved = {iri: each for iri, each in attrs.items() if not _same(entity.first(iri), each[0])}
        patched = patch.append(entity, Entity(id=entity.id, type=[], attrs=moved), now)
        changed, previous, after = list(patched.changed), dict(patched.previous), patched.entity
        for iri in self._own() - set(attrs):
            if iri in after.attrs:
                patched = patch.delete_attribute(after, iri, now, delete_all=True)
                after = patched.entity
                changed += patched.changed
                previous |= patched.previous
        return Put(after, changed, previous) if changed else None

    def _attributes(self, incident: Incident) -> dict[str, list[Instance]]:
        said = _plain(incident)
        for field, name in FLAGS.items():
            said[name] = Instance(value=getattr(incident, field))
        said["version"] = Instance(value=incident.version)
        if incident.location is not None:
            said["location"] = Instance(type="GeoProperty", value=incident.location)
        if incident.alerts:
            said["alerts"] = Instance(type="Relationship", value=list(incident.alerts))
        if incident.fingerprints:
            said["fingerprints"] = Instance(value=list(incident.fingerprints))
        for name, listed in (("tasks", incident.tasks), ("comments", incident.comments)):
            if listed:
                said[name] = Instance(type="JsonProperty", value=msgspec.to_builtins(list(listed)))
        if incident.last is not None:
            said["act"] = Instance(type="JsonProperty", value=msgspec.to_builtins(incident.last))
        return {self._iri(name): [instance] for name, instance in said.items()}

    def _own(self) -> set[str]:
        names = [*TEXTS.values(), *MOMENTS.values(), *WORDINGS.values(), *LINKS.values()]
        names += ["location", "alerts", "fingerprints", "tasks", "comments", "act"]
        return set(map(self._iri, names))


def _plain(incident: Incident) -> dict[str, Instance]:
    """Give what has one value each, by name; what is empty is left out."""

    def filled(names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        return ((name, value) for field, name in names.items() if (value := getattr(incident, field)))

    said = {name: Instance(value=str(text)) for name, text in filled(TEXTS)}
    for name, moment in filled(MOMENTS):
        said[name] = Instance(value={"@type": "DateTime", "@value": moment})
    for name, texts in filled(WORDINGS):
        said[name] = Instance(type="LanguageProperty", value=dict(texts))
    for name, link in filled(LINKS):
        said[name] = Instance(type="Relationship", value=link)
    return said


def _same(present: Instance | None, wanted: Instance) -> bool:
    return present is not None and (present.type, present.value) == (wanted.type, wanted.value)


def _word(words: Any, text: str) -> Any:
    return words(text) if text in list(words) else None


def _listed(value: Any) -> tuple[str, ...]:
    """Read one or several texts; NGSI-LD knows no difference between one and a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _converted(value: Any, kind: Any, otherwise: Any) -> Any:
    if value is None:
        return otherwise
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return otherwise
