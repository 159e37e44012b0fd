"""An outcome as an entity of the city: Smart Data Models' `Alert`, with the house's own terms for evidence and state.

Every decision is a pure function of the alert as it is, and doing it twice changes nothing: a stream may deliver again.
Source: Smart Data Models, dataModel.Alert (CC BY 4.0).
"""

from __future__ import annotations

from typing import Any

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
"""What may differ while an alert is up."""


class AlertWriter:
    """Writes outcomes into alerts; `language` is the one of Smart Data Models' plain `description`."""

    def __init__(self, context: Context, language: str) -> None:
        self._context = context
        self._language = language

    def decision(self, outcome: RuleOutcome) -> Decide:
        """Return the decision that brings an alert up to date with an outcome."""

        def decide(alert: Entity | None) -> Decision:
            if outcome.kind is OutcomeKind.RESOLVED:
                return self._resolve(alert, outcome)
            return self._tell(alert, outcome)

        return decide

    def _tell(self, alert: Entity | None, outcome: RuleOutcome) -> Decision:
        said = self._attributes(outcome)
        if alert is None:
            if outcome.kind is OutcomeKind.REPEATED:
                return None  # somebody deleted it, and meant it
            patched = patch.create(Entity(id=outcome.alert_id, type=[ALERT], attrs=said), outcome.at)
            return Put(patched.entity, patched.changed, patched.previous)
        seen = alert.first(self._context.expand("occurrences"))
        if seen is not None and seen.value >= outcome.occurrences:
            return None
        iris = map(self._context.expand, MOVING)
        return self._put(alert, {iri: said[iri] for iri in iris if iri in said}, outcome)

    def _resolve(self, alert: Entity | None, outcome: RuleOutcome) -> Decision:
        status = alert.first(self._context.expand("status")) if alert else None
        if alert is None or (status is not None and status.value == RESOLVED):
            return None
        said = self._expanded(
            {
                "status": _property(RESOLVED),
                "resolvedAt": _moment(outcome.at),
                "validTo": _moment(outcome.at),
                "resolution": _property(outcome.reason),
                "occurrences": _property(outcome.occurrences),
                "lastSeen": _moment(outcome.last_seen),
            }
        )
        return self._put(alert, said, outcome)

    def _put(self, alert: Entity, said: dict[str, list[Instance]], outcome: RuleOutcome) -> Decision:
        patched = patch.append(alert, Entity(id=alert.id, type=[], attrs=said), outcome.at)
        return Put(patched.entity, patched.changed, patched.previous)

    def _attributes(self, outcome: RuleOutcome) -> dict[str, list[Instance]]:
        message = outcome.message
        said = {
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
            said["subCategory"] = _property(outcome.sub_category)
        if outcome.location is not None:
            said["location"] = Instance(type="GeoProperty", value=outcome.location)
        return self._expanded(said)

    def _expanded(self, said: dict[str, Instance]) -> dict[str, list[Instance]]:
        return {self._context.expand(name): [instance] for name, instance in said.items()}


def _property(value: Any) -> Instance:
    return Instance(value=value)


def _moment(text: str) -> Instance:
    return Instance(value={"@type": "DateTime", "@value": text})
