"""An outcome as an entity of the city: Smart Data Models' `Alert`, with terms of our own for evidence and state.

Every decision is a pure function of the present alert and is idempotent, because a stream may deliver twice.
Source: Smart Data Models, dataModel.Alert (CC BY 4.0).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rhinecloud.kernel.errors import Conflict
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.time import format_time
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
ENDING = ("resolvedAt", "validTo", "resolution", "resolvedBy", "resolutionNote")
ACKNOWLEDGEMENT = ("acknowledgedAt", "acknowledgedBy", "acknowledgementNote")


class AlertEdit:
    """Collects what changes in an alert, by terms, and makes one decision of it."""

    def __init__(self, alert: Entity, context: Context) -> None:
        self._alert = alert
        self._context = context
        self._set: dict[str, list[Instance]] = {}
        self._dropped: set[str] = set()

    def value(self, name: str) -> Any:
        """Return the present value of an attribute, None where there is none; a DateTime is its text."""
        instance = self._alert.first(self._context.expand(name))
        found = instance.value if instance else None
        return found["@value"] if isinstance(found, dict) and "@value" in found else found

    def has(self, name: str) -> bool:
        """Return whether the alert has an attribute."""
        return self.value(name) is not None

    def put(self, name: str, instance: Instance) -> None:
        """Set an attribute."""
        self._set[self._context.expand(name)] = [instance]

    def set_texts(self, **texts: str) -> None:
        """Set Properties; an empty text removes its attribute."""
        for name, text in texts.items():
            self.put(name, _property(text)) if text else self.drop(name)

    def set_time(self, name: str, moment: datetime) -> None:
        """Set a DateTime."""
        self.put(name, _moment(format_time(moment)))

    def drop(self, *names: str) -> None:
        """Remove attributes, where they are."""
        self._dropped |= {iri for name in names if (iri := self._context.expand(name)) in self._alert.attrs}

    def decision(self, now: str) -> Decision:
        """Return the decision that writes what was collected at `now` (ISO 8601), None where nothing was."""
        if not self._set and not self._dropped:
            return None
        patched = patch.append(self._alert, Entity(id=self._alert.id, type=[], attrs=self._set), now)
        changed, previous = list(patched.changed), dict(patched.previous)
        for iri in sorted(self._dropped):
            patched = patch.delete_attribute(patched.entity, iri, now, delete_all=True)
            changed += patched.changed
            previous |= patched.previous
        return Put(patched.entity, changed, previous)


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
        edit = AlertEdit(alert, self._context)
        if (edit.value("occurrences") or 0) >= outcome.occurrences:
            return None
        is_worse = outcome.severity.rank > _rank(edit.value("severity"))
        if edit.value("status") == RESOLVED:
            if not is_worse:
                return None  # a person cleared it: it comes back by a new onset only
            edit.put("status", _property(ACTIVE))
            edit.drop(*ENDING)
        for name in MOVING:
            if iri_instances := attributes.get(self._context.expand(name)):
                edit.put(name, iri_instances[0])
        if is_worse:
            edit.drop(*ACKNOWLEDGEMENT)
        return edit.decision(outcome.at)

    def _resolve(self, alert: Entity | None, outcome: RuleOutcome) -> Decision:
        status = alert.first(self._context.expand("status")) if alert else None
        if alert is None or (status is not None and status.value == RESOLVED):
            return None
        edit = AlertEdit(alert, self._context)
        edit.set_texts(status=RESOLVED, resolution=outcome.reason)
        edit.put("occurrences", _property(outcome.occurrences))
        for name, at in (
            *(("resolvedAt", outcome.at), ("validTo", outcome.at)),
            ("lastSeen", outcome.last_seen),
        ):
            edit.put(name, _moment(at))
        edit.drop("shelvedAt", "shelvedUntil", "shelvedBy", "shelvingReason")
        return edit.decision(outcome.at)

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
        if outcome.entity_types:
            attributes["alertSourceType"] = _property(outcome.entity_types)
        if outcome.suppressed_by:
            attributes["suppressedBy"] = Instance(type="Relationship", value=outcome.suppressed_by)
        if outcome.location is not None:
            attributes["location"] = Instance(type="GeoProperty", value=outcome.location)
        return self._expanded(attributes)

    def _expanded(self, attributes: dict[str, Instance]) -> dict[str, list[Instance]]:
        return {self._context.expand(name): [instance] for name, instance in attributes.items()}


def _rank(severity: Any) -> int:
    return Severity(severity).rank if severity in list(Severity) else -1


def _property(value: Any) -> Instance:
    return Instance(value=value)


def _moment(text: str) -> Instance:
    return Instance(value={"@type": "DateTime", "@value": text})
