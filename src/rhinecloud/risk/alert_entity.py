"""An outcome as an entity of the city: Smart Data Models' `Alert`, with terms of our own for evidence and state.

Every decision is a pure function of the present alert and is idempotent, because a stream may deliver twice.
Source: Smart Data Models, dataModel.Alert (CC BY 4.0).
"""

from __future__ import annotations

from typing import Any

from rhinecloud.kernel.errors import Conflict
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.risk.engine import ALERT
from rhinecloud.risk.model import OutcomeKind, RuleOutcome
from rhinecloud.store.port import Decide, Decision, Put

ACTIVE, RESOLVED = "active", "resolved"
MOVING = (
    *("severity", "occurrences", "lastSeen", "evidence", "message", "description"),
    *("location", "simulated", "callsForIncident"),
)
"""Attributes that may change while an alert is active."""


class AlertIdTaken(Conflict):
    """The id of an alert belongs to an entity of another type."""

    def __init__(self, entity: Entity) -> None:
        super().__init__(f"{entity.id} is an entity of type {', '.join(entity.type)}, not an alert")


class AlertWriter:
    """Turns outcomes into decisions about alerts; `language` is that of Smart Data Models' plain `description`."""

    def __init__(self, context: Context, language: str) -> None:
        self._context = context
        self._language = language

    def decision(self, outcome: RuleOutcome) -> Decide:
        """Return the decision that applies an outcome to an alert."""

        def decide(alert: Entity | None) -> Decision:
            if alert is not None and ALERT not in alert.type:
                raise AlertIdTaken(alert)
            if outcome.kind is OutcomeKind.RESOLVED:
                return self._resolve(alert, outcome)
            return self._update(alert, outcome)

        return decide

    def _update(self, alert: Entity | None, outcome: RuleOutcome) -> Decision:
        attributes = self._attributes(outcome)
        if alert is None:
            if outcome.kind is OutcomeKind.REPEATED:
                return None  # it was deleted on purpose
            patched = patch.create(Entity(id=outcome.alert_id, type=[ALERT], attrs=attributes), outcome.at)
            return Put(patched.entity, patched.changed, patched.previous)
        seen = alert.first(self._context.expand("occurrences"))
        if seen is not None and seen.value >= outcome.occurrences:
            return None
        iris = map(self._context.expand, MOVING)
        return self._put(alert, {iri: attributes[iri] for iri in iris if iri in attributes}, outcome)

    def _resolve(self, alert: Entity | None, outcome: RuleOutcome) -> Decision:
        status = alert.first(self._context.expand("status")) if alert else None
        if alert is None or (status is not None and status.value == RESOLVED):
            return None
        attributes = self._expanded(
            {
                "status": _property(RESOLVED),
                "resolvedAt": _moment(outcome.at),
                "validTo": _moment(outcome.at),
                "resolution": _property(outcome.reason),
                "occurrences": _property(outcome.occurrences),
                "lastSeen": _moment(outcome.last_seen),
            }
        )
        return self._put(alert, attributes, outcome)

    def _put(self, alert: Entity, attributes: dict[str, list[Instance]], outcome: RuleOutcome) -> Decision:
        patched = patch.append(alert, Entity(id=alert.id, type=[], attrs=attributes), outcome.at)
        return Put(patched.entity, patched.changed, patched.previous)

    def _attributes(self, outcome: RuleOutcome) -> dict[str, list[Instance]]:
        message = outcome.message
        attributes = {
            "status": _property(ACTIVE),
            "category": _property(outcome.category),
            "severity": _property(outcome.severity.value),
            "alertSource": Instance(type="Relationship", value=outcome.entity_id),
            "dateIssued": _moment(outcome.at),
            "validFrom": _moment(outcome.onset),
            "description": _property(message.get(self._language) or next(iter(message.values()), "")),
            "title": Instance(type="LanguageProperty", value=outcome.title),
            "message": Instance(type="LanguageProperty", value=message),
            "rule": _property(outcome.rule),
            "ruleVersion": _property(outcome.version),
            "ruleDigest": _property(outcome.digest),
            "fingerprint": _property(outcome.fingerprint),
            "occurrences": _property(outcome.occurrences),
            "lastSeen": _moment(outcome.last_seen),
            "evidence": Instance(type="JsonProperty", value=outcome.evidence),
            "callsForIncident": _property(outcome.calls_for_incident),
            "resolvesIncident": _property(outcome.resolves_incident),
            "simulated": _property(outcome.simulated),
        }
        if outcome.sub_category:
            attributes["subCategory"] = _property(outcome.sub_category)
        if outcome.location is not None:
            attributes["location"] = Instance(type="GeoProperty", value=outcome.location)
        return self._expanded(attributes)

    def _expanded(self, attributes: dict[str, Instance]) -> dict[str, list[Instance]]:
        return {self._context.expand(name): [instance] for name, instance in attributes.items()}


def _property(value: Any) -> Instance:
    return Instance(value=value)


def _moment(text: str) -> Instance:
    return Instance(value={"@type": "DateTime", "@value": text})
