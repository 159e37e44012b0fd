"""The active alerts: one for each rule and fingerprint, active while the rule holds for at least one entity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from rhinecloud.kernel.ids import DeriveId, derived_urn
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.time import format_time
from rhinecloud.risk.model import OutcomeKind, Rule, RuleOutcome
from rhinecloud.risk.state import ActiveAlert, RiskState
from rhinecloud.risk.timers import Timer, Timers


class AlertStatement(msgspec.Struct):
    """The content of an alert at one moment: texts, location, and the readings as evidence."""

    title: dict[str, str]
    message: dict[str, str]
    location: Any
    evidence: list[dict[str, Any]]
    simulated: bool
    entity_types: list[str] = []


@dataclass(frozen=True, slots=True)
class AlertOccurrence:
    """One reading for which a rule held: since when, when it was observed, and until when it can hold at most."""

    entity_id: str
    onset: float
    seen: float
    severity: Severity
    until: float | None = None


class ActiveAlerts:
    """Changes the state's alerts and returns the outcomes. All times are seconds since 1970."""

    def __init__(self, state: RiskState, timers: Timers, repeat_every_s: float, derive: DeriveId) -> None:
        self._state = state
        self._derive = derive
        self._timers = timers
        self._repeat_every_s = repeat_every_s

    def cooldown_end(self, rule: Rule, fingerprint: str) -> float | None:
        """Return the end of the fingerprint's cooldown, None where a new alert may be raised."""
        until = self._state.cooling.get(rule.id, {}).get(fingerprint)
        if until is None or fingerprint in self._state.alerts.get(rule.id, {}):
            return None
        if until <= self._state.now:
            del self._state.cooling[rule.id][fingerprint]
            return None
        return until

    def record(
        self,
        rule: Rule,
        fingerprint: str,
        seen: AlertOccurrence,
        make_statement: Callable[[], AlertStatement],
    ) -> RuleOutcome | None:
        """Raise the alert, or count one more occurrence; return None where it need not be written now."""
        active = self._state.alerts.get(rule.id, {}).get(fingerprint)
        if active is None:
            active = self._raise(rule, fingerprint, seen)
            is_reported, kind = True, OutcomeKind.RAISED
        else:
            is_reported, kind = self._repeat(active, seen), OutcomeKind.REPEATED
        self._extend(rule, fingerprint, active, seen.until)
        if not is_reported:
            return None
        outcome, statement = self._outcome(kind, rule, fingerprint, active), make_statement()
        outcome.title, outcome.message = statement.title, statement.message
        outcome.location, outcome.evidence = statement.location, statement.evidence
        outcome.entity_types = statement.entity_types
        outcome.simulated = active.simulated = active.simulated or statement.simulated
        return outcome

    def _raise(self, rule: Rule, fingerprint: str, seen: AlertOccurrence) -> ActiveAlert:
        onset = moment_text(seen.onset)
        active = ActiveAlert(
            id=self._id(rule.id, fingerprint, onset),
            onset=onset,
            severity=seen.severity,
            occurrences=1,
            last_seen=seen.seen,
            reported_at=self._state.now,
            holders=[seen.entity_id],
            entity_id=seen.entity_id,
        )
        self._state.alerts.setdefault(rule.id, {})[fingerprint] = active
        return active

    def _id(self, *parts: str) -> str:
        is_of_before = self._state.now < self._state.unkeyed_until
        return (derived_urn if is_of_before else self._derive)("Alert", *parts)

    def rename(self, old: str, new: str) -> None:
        """Change the id of an active alert, if there is one with it."""
        for alerts in self._state.alerts.values():
            for active in alerts.values():
                if active.id == old:
                    active.id = new

    def _repeat(self, active: ActiveAlert, seen: AlertOccurrence) -> bool:
        """Count an occurrence; return whether to write it: it is more severe, or the last write was long ago."""
        is_more_severe = seen.severity.rank > active.severity.rank
        active.occurrences += 1
        active.last_seen = max(active.last_seen, seen.seen)
        if seen.entity_id not in active.holders:
            active.holders.append(seen.entity_id)
        if not is_more_severe and self._state.now - active.reported_at < self._repeat_every_s:
            return False
        active.severity = seen.severity if is_more_severe else active.severity
        active.reported_at = self._state.now
        return True

    def release(self, rule: Rule, fingerprint: str, entity_id: str, reason: str) -> RuleOutcome | None:
        """Remove an entity from the alert's holders; resolve the alert where it was the last one."""
        active = self._state.alerts.get(rule.id, {}).get(fingerprint)
        if active is None:
            return None
        if entity_id in active.holders:
            active.holders.remove(entity_id)
        return None if active.holders else self.resolve(rule, fingerprint, reason)

    def resolve(self, rule: Rule, fingerprint: str, reason: str) -> RuleOutcome | None:
        """Resolve an alert, whatever its holders, and start its cooldown."""
        active = self._state.alerts.get(rule.id, {}).pop(fingerprint, None)
        if active is None:
            return None
        if rule.cooldown_s:
            self._cool(rule, fingerprint)
        outcome = self._outcome(OutcomeKind.RESOLVED, rule, fingerprint, active)
        outcome.reason = reason
        return outcome

    def _cool(self, rule: Rule, fingerprint: str) -> None:
        """Start the cooldown of a fingerprint, and drop those that have ended: they may never be asked for again."""
        cooling = self._state.cooling.setdefault(rule.id, {})
        cooling.pop(fingerprint, None)
        while cooling and cooling[first := next(iter(cooling))] <= self._state.now:
            del cooling[first]
        cooling[fingerprint] = self._state.now + rule.cooldown_s

    def _extend(self, rule: Rule, fingerprint: str, active: ActiveAlert, until: float | None) -> None:
        """Set the alert's end to its rule's `expires` or `until`, whichever comes first."""
        ends = [until] if until is not None else []
        if rule.expires_s:
            ends.append(self._state.now + rule.expires_s)
        if ends and active.due != min(ends):
            active.due = min(ends)
            self._timers.set(Timer(active.due, True, rule.id, fingerprint))

    def _outcome(self, kind: OutcomeKind, rule: Rule, fingerprint: str, active: ActiveAlert) -> RuleOutcome:
        least = rule.incident.at_least
        return RuleOutcome(
            kind=kind,
            rule=rule.id,
            version=rule.version,
            digest=rule.digest,
            alert_id=active.id,
            fingerprint=fingerprint,
            entity_id=active.entity_id,
            onset=active.onset,
            at=moment_text(self._state.now),
            last_seen=moment_text(active.last_seen),
            severity=active.severity,
            occurrences=active.occurrences,
            category=rule.category,
            sub_category=rule.sub_category,
            simulated=active.simulated,
            calls_for_incident=least is not None and active.severity.rank >= least.rank,
            resolves_incident=rule.incident.resolve_with_alert,
        )


def moment_text(moment: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC."""
    return format_time(datetime.fromtimestamp(round(moment, 6), UTC))
