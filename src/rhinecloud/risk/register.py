"""The register of active alerts: one a rule and fingerprint, held up by the entities for which the rule holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from rhinecloud.kernel.ids import derived_urn
from rhinecloud.kernel.time import format_time
from rhinecloud.risk.model import Outcome, OutcomeKind, Rule, Severity
from rhinecloud.risk.state import Active, State
from rhinecloud.risk.timers import Timer, Timers


class Statement(msgspec.Struct):
    """What an alert says at one moment: texts, place, the readings behind it."""

    title: dict[str, str]
    message: dict[str, str]
    location: Any
    evidence: list[dict[str, Any]]
    simulated: bool


class Register:
    """Keeps the state's alerts and words their outcomes. All times are seconds since 1970."""

    def __init__(self, state: State, timers: Timers, repeat_every_s: float) -> None:
        self._state = state
        self._timers = timers
        self._repeat_every_s = repeat_every_s

    def cools_until(self, rule: Rule, fingerprint: str) -> float | None:
        """Give the moment until which no new alert may rise under the fingerprint, None when one may."""
        until = self._state.cooling.get(rule.id, {}).get(fingerprint)
        if until is None or fingerprint in self._state.alerts.get(rule.id, {}):
            return None
        if until <= self._state.now:
            del self._state.cooling[rule.id][fingerprint]
            return None
        return until

    def hold(
        self,
        rule: Rule,
        fingerprint: str,
        entity_id: str,
        *,
        onset: float,
        seen: float,
        severity: Severity,
        state_it: Callable[[], Statement],
    ) -> Outcome | None:
        """Raise the alert, or count one occurrence more; None when that need not be told now."""
        alerts = self._state.alerts.setdefault(rule.id, {})
        active = alerts.get(fingerprint)
        now = self._state.now
        if active is None:
            kind, onset_text = OutcomeKind.RAISED, moment_text(onset)
            active = Active(
                derived_urn("Alert", rule.id, fingerprint, onset_text),
                onset_text,
                severity,
                1,
                seen,
                now,
                [entity_id],
                entity_id,
            )
            alerts[fingerprint] = active
        else:
            kind = OutcomeKind.REPEATED
            graver = severity.rank > active.severity.rank
            active.occurrences += 1
            active.last_seen = max(active.last_seen, seen)
            if entity_id not in active.holders:
                active.holders.append(entity_id)
            if not graver and now - active.told_at < self._repeat_every_s:
                self._postpone(rule, fingerprint, active)
                return None
            active.severity = severity if graver else active.severity
            active.told_at = now
        self._postpone(rule, fingerprint, active)
        outcome = self._outcome(kind, rule, fingerprint, active)
        statement = state_it()
        active.simulated = active.simulated or statement.simulated
        outcome.title, outcome.message = statement.title, statement.message
        outcome.location, outcome.evidence = statement.location, statement.evidence
        outcome.simulated = active.simulated
        return outcome

    def release(self, rule: Rule, fingerprint: str, entity_id: str, reason: str) -> Outcome | None:
        """Let an entity go; when none holds the alert up any longer it is resolved."""
        active = self._state.alerts.get(rule.id, {}).get(fingerprint)
        if active is None:
            return None
        if entity_id in active.holders:
            active.holders.remove(entity_id)
        return None if active.holders else self.resolve(rule, fingerprint, reason)

    def resolve(self, rule: Rule, fingerprint: str, reason: str) -> Outcome | None:
        """End an alert whoever holds it up, and begin its cooling."""
        active = self._state.alerts.get(rule.id, {}).pop(fingerprint, None)
        if active is None:
            return None
        if rule.cooldown_s:
            self._state.cooling.setdefault(rule.id, {})[fingerprint] = self._state.now + rule.cooldown_s
        outcome = self._outcome(OutcomeKind.RESOLVED, rule, fingerprint, active)
        outcome.reason = reason
        return outcome

    def _postpone(self, rule: Rule, fingerprint: str, active: Active) -> None:
        if rule.expires_s:
            active.due = self._state.now + rule.expires_s
            self._timers.set(Timer(active.due, True, rule.id, fingerprint))

    def _outcome(self, kind: OutcomeKind, rule: Rule, fingerprint: str, active: Active) -> Outcome:
        least = rule.incident.at_least
        return Outcome(
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
    """Print seconds since 1970 as ISO 8601 in UTC."""
    return format_time(datetime.fromtimestamp(round(moment, 6), UTC))
