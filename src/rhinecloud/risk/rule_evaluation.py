"""Evaluates one rule on one reading: whether it holds, since when, for long enough and with enough evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rhinecloud.expressions import EvaluationFailed
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.region import CityArea
from rhinecloud.risk.active_alerts import ActiveAlerts, AlertOccurrence, moment_text
from rhinecloud.risk.alert_content import AlertContent
from rhinecloud.risk.counters import RuleCounters
from rhinecloud.risk.crossing import Crossings
from rhinecloud.risk.evaluation import ConditionEvaluator
from rhinecloud.risk.facts import EntityFacts, ReadingChange, plain_value
from rhinecloud.risk.model import Rule, RuleOutcome
from rhinecloud.risk.state import RiskState, RuleWatch
from rhinecloud.risk.timers import Timer, Timers
from rhinecloud.risk.window import WindowSamples

INTERVAL_UNITS = {"SEC": 1.0, "": 1.0, "MIN": 60.0, "HUR": 3600.0}
"""UN/CEFACT codes in which an entity may state its reporting interval."""


class RuleEvaluator:
    """Evaluates rules on readings, and keeps the watch of each rule and entity."""

    def __init__(
        self,
        context: Context,
        state: RiskState,
        timers: Timers,
        alerts: ActiveAlerts,
        counters: Mapping[str, RuleCounters],
        area: CityArea,
    ) -> None:
        self._context = context
        self._area = area
        self._state = state
        self._timers = timers
        self._alerts = alerts
        self._counters = counters
        self._evaluator = ConditionEvaluator()
        self._content = AlertContent(context, self._evaluator, self.report_error)
        self.crossings = Crossings(state)

    def report_error(self, rule: Rule, reason: str) -> None:
        """Count an error of a rule."""
        self._counters[rule.id].fail(reason, moment_text(self._state.now))

    def evaluate(self, rule: Rule, facts: EntityFacts, watched: Iterable[str]) -> Iterator[RuleOutcome]:
        """Yield the outcomes of a reading in which `watched` (IRIs) changed. Raise EvaluationFailed."""
        entity_id = facts.reading.entity.id
        if entity_id not in self._state.watches.get(rule.id, {}) and self._is_quiet(rule, facts):
            return
        watch = self._watch(rule, entity_id)
        try:
            if rule.where is not None and not self._evaluator.truth(rule.where, facts):
                watch.inside, watch.samples = False, None
                yield from self._release(rule, watch, entity_id, "no longer concerned")
            elif self._is_usable(rule, watch, facts, watched):
                self._counters[rule.id].evaluated += 1
                yield from (self._restart_silence if rule.silence else self._evaluate_condition)(
                    rule, watch, facts
                )
        finally:
            self._drop_if_idle(rule, entity_id, watch)

    def forget(self, rule: Rule, entity_id: str, reason: str) -> Iterator[RuleOutcome]:
        """Remove an entity from a rule, for example because it was deleted."""
        watch = self._state.watches.get(rule.id, {}).pop(entity_id, None)
        if watch is not None and watch.alert:
            yield from self._counted(rule, self._alerts.release(rule, watch.alert, entity_id, reason))

    def wake(self, rule: Rule, entity_id: str) -> Iterator[RuleOutcome]:
        """Handle a watch's due timer: the condition or the silence lasted long enough, or the cooldown ended."""
        watch = self._state.watches[rule.id][entity_id]
        reading, watch.due, watch.reading = watch.reading, None, None
        try:
            if reading is not None:
                reading.at = self._state.now
                extras = {"window": watch.samples.figures()} if watch.samples else {}
                onset = reading.observed if watch.since is None else watch.since
                facts = EntityFacts(reading, rule.context or self._context, extras, self._area)
                yield from self._raise(rule, watch, facts, onset)
        finally:
            self._drop_if_idle(rule, entity_id, watch)

    def expire(self, rule: Rule, fingerprint: str) -> Iterator[RuleOutcome]:
        """Resolve an alert whose time has expired."""
        for entity_id in self._state.alerts[rule.id][fingerprint].holders:
            watch = self._watch(rule, entity_id)
            watch.alert, watch.since, watch.readings = "", None, 0
            self._drop_if_idle(rule, entity_id, watch)
        yield from self._counted(rule, self._alerts.resolve(rule, fingerprint, "expired"))

    def withdraw(self, rule: Rule) -> Iterator[RuleOutcome]:
        """Resolve every alert of a rule that is no longer in force."""
        for fingerprint in list(self._state.alerts.get(rule.id, {})):
            outcome = self._alerts.resolve(rule, fingerprint, "rule withdrawn")
            yield from [outcome] if outcome else []
        for memory in (self._state.watches, self._state.alerts, self._state.cooling):
            memory.pop(rule.id, None)

    def _watch(self, rule: Rule, entity_id: str) -> RuleWatch:
        return self._state.watches.setdefault(rule.id, {}).setdefault(entity_id, RuleWatch())

    def _drop_if_idle(self, rule: Rule, entity_id: str, watch: RuleWatch) -> None:
        if watch.is_idle():
            self._state.watches[rule.id].pop(entity_id, None)

    def _is_quiet(self, rule: Rule, facts: EntityFacts) -> bool:
        """Return at little cost whether nothing happens, as for nearly all readings: no alert, and no condition."""
        if rule.kind != "threshold" or rule.when is None:
            return False
        if rule.where is not None and not self._evaluator.truth(rule.where, facts):
            return True
        if self._evaluator.truth(rule.when, facts) or (rule.units and self._content.wrong_unit(rule, facts)):
            return False
        self._counters[rule.id].evaluated += 1
        return True

    def _is_usable(self, rule: Rule, watch: RuleWatch, facts: EntityFacts, watched: Iterable[str]) -> bool:
        """Return whether a reading is evaluated. One that is late, repeated, bad or in another unit is only counted."""
        counters = self._counters[rule.id]
        change = facts.compare(watched)
        if change is ReadingChange.LATE:
            counters.late += 1
            self._sample(rule, watch, facts)
        elif facts.quality(rule.attributes) == "bad":
            counters.weak += 1
        elif reason := self._content.wrong_unit(rule, facts):
            self.report_error(rule, reason)
        else:
            return change is ReadingChange.NEW
        return False

    def _restart_silence(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> Iterator[RuleOutcome]:
        """End the silence with a reading, and start to wait for the next one."""
        if watch.alert:
            yield from self._release(rule, watch, facts.reading.entity.id, "readings came back")
        wait_s = self._wait_s(rule, facts)
        if wait_s:
            self._remember(rule, watch, facts, facts.reading.at + wait_s)
        else:
            watch.due, watch.reading = None, None

    def _wait_s(self, rule: Rule, facts: EntityFacts) -> float:
        silence = rule.silence
        if silence is None:
            return 0.0
        instance = facts.instance(silence.interval_from) if silence.interval_from else None
        stated = plain_value(instance)
        if instance is None or not isinstance(stated, float) or stated <= 0:
            return silence.intervals * silence.interval_s
        return silence.intervals * stated * INTERVAL_UNITS.get(instance.unit_code, 1.0)

    def _evaluate_condition(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> Iterator[RuleOutcome]:
        """Evaluate a condition over time: started, held long enough, raised, cleared."""
        holds = self._holds(rule, watch, facts)
        if holds is None:
            return
        if watch.alert:
            if holds:
                yield from self._counted(rule, self._record(rule, watch.alert, facts, facts.reading.observed))
            elif rule.clear is None or self._evaluator.truth(rule.clear, facts):
                yield from self._release(rule, watch, facts.reading.entity.id, "cleared")
        elif holds:
            yield from self._raise_when_held(rule, watch, facts)
        else:
            watch.since, watch.readings, watch.due, watch.reading = None, 0, None, None

    def _raise_when_held(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> Iterator[RuleOutcome]:
        """Raise the alert once the condition held for long enough, in enough readings, none too old."""
        reading, evidence = facts.reading, rule.evidence
        if evidence.max_age_s and reading.at - reading.observed > evidence.max_age_s:
            self._counters[rule.id].weak += 1
            return
        if watch.since is None:
            watch.since, watch.since_clock = reading.observed, reading.at
        watch.readings += 1
        if watch.readings < evidence.readings:
            return
        if max(reading.observed - watch.since, reading.at - watch.since_clock) >= rule.hold_s:
            yield from self._raise(rule, watch, facts, watch.since)
        else:
            self._remember(rule, watch, facts, watch.since_clock + rule.hold_s)

    def _holds(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> bool | None:
        if rule.window:
            self._sample(rule, watch, facts)
            facts.extras = {"window": watch.samples.figures() if watch.samples else {}}
        crossed = self.crossings.evaluate(rule.zone, watch, facts) if rule.zone else True
        holds = self._evaluator.truth(rule.when, facts) if crossed and rule.when else crossed
        until = self._until(rule, facts) if holds else None
        return holds and (until is None or until > self._state.now)

    def _until(self, rule: Rule, facts: EntityFacts) -> float | None:
        """Return the moment after which the rule no longer holds; raise EvaluationFailed for any other value."""
        moment = self._evaluator.value(rule.until, facts) if rule.until else None
        if rule.until is None or moment is None:
            return None
        if not isinstance(moment, datetime):
            raise EvaluationFailed(rule.until, f"must be a moment, not {moment!r}")
        return moment.timestamp()

    def _sample(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> None:
        if rule.window is None or facts.iri(rule.window.attribute) not in facts.reading.changed:
            return
        value = facts.value(rule.window.attribute)
        if isinstance(value, float):
            watch.samples = watch.samples or WindowSamples()
            watch.samples.add(facts.reading.observed, value, rule.window.over_s)

    def _remember(self, rule: Rule, watch: RuleWatch, facts: EntityFacts, due: float) -> None:
        watch.reading = facts.reading.keep(self._content.attributes_to_keep(rule))
        if watch.due != due:
            watch.due = due
            self._timers.set(Timer(due, False, rule.id, facts.reading.entity.id))

    def _raise(self, rule: Rule, watch: RuleWatch, facts: EntityFacts, onset: float) -> Iterator[RuleOutcome]:
        fingerprint = self._content.fingerprint(rule, facts)
        until = self._alerts.cooldown_end(rule, fingerprint)
        if until is not None:
            self._remember(rule, watch, facts, until)
            return
        watch.alert, watch.due, watch.reading = fingerprint, None, None
        watch.since, watch.readings = None, 0
        yield from self._counted(rule, self._record(rule, fingerprint, facts, onset))

    def _record(self, rule: Rule, fingerprint: str, facts: EntityFacts, onset: float) -> RuleOutcome | None:
        seen = AlertOccurrence(
            facts.reading.entity.id,
            onset,
            facts.reading.observed,
            self._content.severity(rule, facts),
            self._until(rule, facts),
        )
        return self._alerts.record(rule, fingerprint, seen, lambda: self._content.statement(rule, facts))

    def _release(self, rule: Rule, watch: RuleWatch, entity_id: str, reason: str) -> Iterator[RuleOutcome]:
        fingerprint, watch.alert = watch.alert, ""
        watch.since, watch.readings, watch.due, watch.reading = None, 0, None, None
        if fingerprint:
            yield from self._counted(rule, self._alerts.release(rule, fingerprint, entity_id, reason))

    def _counted(self, rule: Rule, outcome: RuleOutcome | None) -> Iterator[RuleOutcome]:
        if outcome is not None:
            self._counters[rule.id].count(outcome)
            yield outcome
