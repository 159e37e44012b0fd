"""Lays one rule over one reading: does it hold, since when, long enough, on evidence enough?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rhinecloud.expressions import EvaluationFailed
from rhinecloud.ngsild.context import Context
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
    """Judges readings under rules and keeps their watches."""

    def __init__(
        self,
        context: Context,
        state: RiskState,
        timers: Timers,
        register: ActiveAlerts,
        counters: Mapping[str, RuleCounters],
    ) -> None:
        self._context = context
        self._state = state
        self._timers = timers
        self._register = register
        self._counters = counters
        self._evaluator = ConditionEvaluator()
        self._testimony = AlertContent(context, self._evaluator, self.complain)
        self.crossings = Crossings(state)

    def complain(self, rule: Rule, reason: str) -> None:
        """Count an error of a rule."""
        self._counters[rule.id].fail(reason, moment_text(self._state.now))

    def look(self, rule: Rule, facts: EntityFacts, watched: Iterable[str]) -> Iterator[RuleOutcome]:
        """Judge a reading in which `watched` (IRIs) changed; raise EvaluationFailed."""
        entity_id = facts.reading.entity.id
        if entity_id not in self._state.watches.get(rule.id, {}) and self._is_quiet(rule, facts):
            return
        watch = self._watch(rule, entity_id)
        try:
            if rule.where is not None and not self._evaluator.truth(rule.where, facts):
                watch.inside, watch.samples = False, None
                yield from self._let_go(rule, watch, entity_id, "no longer concerned")
            elif self._is_usable(rule, watch, facts, watched):
                self._counters[rule.id].evaluated += 1
                yield from (self._hear if rule.silence else self._weigh)(rule, watch, facts)
        finally:
            self._tidy(rule, entity_id, watch)

    def forget(self, rule: Rule, entity_id: str, reason: str) -> Iterator[RuleOutcome]:
        """Drop an entity from a rule, for instance because it was deleted."""
        watch = self._state.watches.get(rule.id, {}).pop(entity_id, None)
        if watch is not None and watch.alert:
            yield from self._told(rule, self._register.release(rule, watch.alert, entity_id, reason))

    def wake(self, rule: Rule, entity_id: str) -> Iterator[RuleOutcome]:
        """A watch's timer is due: it held long enough, was silent long enough, or has cooled."""
        watch = self._state.watches[rule.id][entity_id]
        reading, watch.due, watch.reading = watch.reading, None, None
        try:
            if reading is not None:
                reading.at = self._state.now
                extras = {"window": watch.samples.figures()} if watch.samples else {}
                onset = reading.observed if watch.since is None else watch.since
                yield from self._raise(
                    rule, watch, EntityFacts(reading, rule.context or self._context, extras), onset
                )
        finally:
            self._tidy(rule, entity_id, watch)

    def expire(self, rule: Rule, fingerprint: str) -> Iterator[RuleOutcome]:
        """An alert was not seen again for as long as its rule lets it live."""
        for entity_id in self._state.alerts[rule.id][fingerprint].holders:
            watch = self._watch(rule, entity_id)
            watch.alert, watch.since, watch.readings = "", None, 0
            self._tidy(rule, entity_id, watch)
        yield from self._told(rule, self._register.resolve(rule, fingerprint, "expired"))

    def withdraw(self, rule: Rule) -> Iterator[RuleOutcome]:
        """End every alert of a rule that is no longer in force."""
        for fingerprint in list(self._state.alerts.get(rule.id, {})):
            outcome = self._register.resolve(rule, fingerprint, "rule withdrawn")
            yield from [outcome] if outcome else []
        for memory in (self._state.watches, self._state.alerts, self._state.cooling):
            memory.pop(rule.id, None)

    def _watch(self, rule: Rule, entity_id: str) -> RuleWatch:
        return self._state.watches.setdefault(rule.id, {}).setdefault(entity_id, RuleWatch())

    def _tidy(self, rule: Rule, entity_id: str, watch: RuleWatch) -> None:
        if watch.is_idle():
            self._state.watches[rule.id].pop(entity_id, None)

    def _is_quiet(self, rule: Rule, facts: EntityFacts) -> bool:
        """Tell at small cost what nearly all readings are: nothing was up, and nothing comes up."""
        if rule.kind != "threshold" or rule.when is None:
            return False
        if rule.where is not None and not self._evaluator.truth(rule.where, facts):
            return True
        if self._evaluator.truth(rule.when, facts) or (rule.units and self._testimony.misfit(rule, facts)):
            return False
        self._counters[rule.id].evaluated += 1
        return True

    def _is_usable(self, rule: Rule, watch: RuleWatch, facts: EntityFacts, watched: Iterable[str]) -> bool:
        """Pass over what is late, was sent before, is bad, or comes in another unit; each is counted."""
        counters = self._counters[rule.id]
        news = facts.news(watched)
        if news is ReadingChange.LATE:
            counters.late += 1
            self._sample(rule, watch, facts)
        elif facts.quality(rule.attributes) == "bad":
            counters.weak += 1
        elif reason := self._testimony.misfit(rule, facts):
            self.complain(rule, reason)
        else:
            return news is ReadingChange.NEW
        return False

    def _hear(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> Iterator[RuleOutcome]:
        """A reading came: silence is over, and the wait for the next one begins."""
        if watch.alert:
            yield from self._let_go(rule, watch, facts.reading.entity.id, "readings came back")
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

    def _weigh(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> Iterator[RuleOutcome]:
        """Follow a condition through time: begun, held long enough, up, over."""
        holds = self._holds(rule, watch, facts)
        if holds is None:
            return
        if watch.alert:
            if holds:
                yield from self._told(rule, self._hold(rule, watch.alert, facts, facts.reading.observed))
            elif rule.clear is None or self._evaluator.truth(rule.clear, facts):
                yield from self._let_go(rule, watch, facts.reading.entity.id, "cleared")
        elif holds:
            yield from self._ripen(rule, watch, facts)
        else:
            watch.since, watch.readings, watch.due, watch.reading = None, 0, None, None

    def _ripen(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> Iterator[RuleOutcome]:
        """Raise the alert once the condition held for long enough, in readings enough, none too old."""
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
        crossed = self.crossings.holds(rule.zone, watch, facts) if rule.zone else True
        holds = self._evaluator.truth(rule.when, facts) if crossed and rule.when else crossed
        until = self._until(rule, facts) if holds else None
        return holds and (until is None or until > self._state.now)

    def _until(self, rule: Rule, facts: EntityFacts) -> float | None:
        """Return the moment after which the rule holds no longer; raise EvaluationFailed where it is none."""
        moment = self._evaluator.value(rule.until, facts) if rule.until else None
        if rule.until is None or moment is None:
            return None
        if not isinstance(moment, datetime):
            raise EvaluationFailed(rule.until, f"gives {moment!r}, not a moment")
        return moment.timestamp()

    def _sample(self, rule: Rule, watch: RuleWatch, facts: EntityFacts) -> None:
        if rule.window is None or facts.iri(rule.window.attribute) not in facts.reading.changed:
            return
        value = facts.value(rule.window.attribute)
        if isinstance(value, float):
            watch.samples = watch.samples or WindowSamples()
            watch.samples.add(facts.reading.observed, value, rule.window.over_s)

    def _remember(self, rule: Rule, watch: RuleWatch, facts: EntityFacts, due: float) -> None:
        watch.reading = facts.reading.keep(self._testimony.kept(rule))
        if watch.due != due:
            watch.due = due
            self._timers.set(Timer(due, False, rule.id, facts.reading.entity.id))

    def _raise(self, rule: Rule, watch: RuleWatch, facts: EntityFacts, onset: float) -> Iterator[RuleOutcome]:
        fingerprint = self._testimony.fingerprint(rule, facts)
        until = self._register.cools_until(rule, fingerprint)
        if until is not None:
            self._remember(rule, watch, facts, until)
            return
        watch.alert, watch.due, watch.reading = fingerprint, None, None
        watch.since, watch.readings = None, 0
        yield from self._told(rule, self._hold(rule, fingerprint, facts, onset))

    def _hold(self, rule: Rule, fingerprint: str, facts: EntityFacts, onset: float) -> RuleOutcome | None:
        seen = AlertOccurrence(
            facts.reading.entity.id,
            onset,
            facts.reading.observed,
            self._testimony.severity(rule, facts),
            self._until(rule, facts),
        )
        return self._register.hold(rule, fingerprint, seen, lambda: self._testimony.statement(rule, facts))

    def _let_go(self, rule: Rule, watch: RuleWatch, entity_id: str, reason: str) -> Iterator[RuleOutcome]:
        fingerprint, watch.alert = watch.alert, ""
        watch.since, watch.readings, watch.due, watch.reading = None, 0, None, None
        if fingerprint:
            yield from self._told(rule, self._register.release(rule, fingerprint, entity_id, reason))

    def _told(self, rule: Rule, outcome: RuleOutcome | None) -> Iterator[RuleOutcome]:
        if outcome is not None:
            self._counters[rule.id].tell(outcome)
            yield outcome
