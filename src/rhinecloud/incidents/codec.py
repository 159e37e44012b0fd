"""The incident as an entity of the city, and back: in our own terms, and Smart Data Models' where they exist."""

from __future__ import annotations

from typing import Any

import msgspec

from rhinecloud.incidents.attributes import (
    AttributeReader,
    by_language,
    date_time,
    filled,
    member,
    relationship,
    text,
    write_attributes,
)
from rhinecloud.incidents.model import INCIDENT, ActRecord, ClosingReason, Incident, IncidentStatus
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Decision

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
TIMES = {
    "acknowledged_at": "acknowledgedAt",
    "started_at": "startedAt",
    "resolved_at": "resolvedAt",
    "closed_at": "closedAt",
    "alerts_over_at": "alertsResolvedAt",
}
TRANSLATIONS = {"titles": "titles", "descriptions": "descriptions"}
LINKS = {
    "agency": "assignedAgency",
    "duplicate_of": "duplicateOf",
    "follows": "follows",
    "followed_by": "followedBy",
}
FLAGS = {"simulated": "simulated", "resolves_with_alerts": "resolvesIncident"}
OTHERS = ("location", "alerts", "fingerprints", "act")


class IncidentCodec:
    """Reads and writes incidents in the terms of a context; tasks and comments are entities of their own."""

    def __init__(self, context: Context) -> None:
        self._iri = context.expand
        names = [*TEXTS.values(), *TIMES.values(), *TRANSLATIONS.values(), *LINKS.values(), *OTHERS]
        self._own = frozenset(map(self._iri, names))

    def read(self, entity: Entity) -> Incident:
        """Return the incident that an entity is; what another system left out or wrote oddly gets its default."""
        of = AttributeReader(entity, self._iri)
        texts = of.texts({**TEXTS, **TIMES, **LINKS})
        version, location = of.value("version"), of.value("location")
        known: dict[str, Any] = {
            **texts,
            **of.flags(FLAGS),
            "severity": member(Severity, texts["severity"], Severity.MEDIUM),
            "status": member(IncidentStatus, texts["status"], IncidentStatus.NEW),
            "closing_reason": member(ClosingReason, texts["closing_reason"]),
            "category": texts["category"] or "other",
        }
        return Incident(
            **known,
            id=entity.id,
            version=version if isinstance(version, int) else 0,
            location=location if isinstance(location, dict) else None,
            alerts=of.listed("alerts"),
            fingerprints=of.listed("fingerprints"),
            titles=of.converted("titles", dict[str, str], {}),
            descriptions=of.converted("descriptions", dict[str, str], {}),
            last=of.converted("act", ActRecord, None),
            created_at=entity.created_at,
            modified_at=entity.modified_at,
        )

    def entity(self, incident: Incident) -> Entity:
        """Return the entity that stands for an incident, without what other systems added to it."""
        return Entity(id=incident.id, type=[INCIDENT], attrs=self._attributes(incident))

    def write(self, incident: Incident, entity: Entity | None, now: str) -> Decision:
        """Decide what changes in the entity; attributes that are not the incident's own stay as they are."""
        return write_attributes(entity, self.entity(incident), self._own, now)

    def _attributes(self, incident: Incident) -> dict[str, list[Instance]]:
        attributes = {
            **filled(incident, TEXTS, text),
            **filled(incident, TIMES, date_time),
            **filled(incident, TRANSLATIONS, by_language),
            **filled(incident, LINKS, relationship),
            **filled(incident, {"alerts": "alerts"}, lambda ids: relationship(list(ids))),
            **filled(incident, {"fingerprints": "fingerprints"}, lambda texts: Instance(value=list(texts))),
            **{name: Instance(value=getattr(incident, field)) for field, name in FLAGS.items()},
            "version": Instance(value=incident.version),
        }
        if incident.location is not None:
            attributes["location"] = Instance(type="GeoProperty", value=incident.location)
        if incident.last is not None:
            attributes["act"] = Instance(type="JsonProperty", value=msgspec.to_builtins(incident.last))
        return {self._iri(name): [instance] for name, instance in attributes.items()}
