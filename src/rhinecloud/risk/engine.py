"""The rules over the stream: a pure function of the changes, so that a backtest equals the live evaluation.

Time is that of the stream: each change moves it to the moment when the city recorded it, and timers that are due
before are handled first. `tick` moves it between changes. Where time jumps (the city was stopped, the clock was set),
deadlines are shifted by the jump instead of being due all together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from rhinecloud.expressions import EvaluationFailed
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.ids import DeriveId, derived_urn
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.region import ANYWHERE, CityArea
from rhinecloud.ngsild.stored import name_bytes
from rhinecloud.risk.active_alerts import ActiveAlerts, moment_text
from rhinecloud.risk.counters import RuleCounters
from rhinecloud.risk.facts import EntityFacts, ReadingFacts, seconds
from rhinecloud.risk.model import Rule, RuleOutcome
from rhinecloud.risk.rule_evaluation import RuleEvaluator
from rhinecloud.risk.state import RiskState, RuleWatch
from rhinecloud.risk.timers import Timers

ALERT = "https://smartdatamodels.org/dataModel.Alert/Alert"
ACTOR = "part:risk"
"""The actor that writes alerts; rules skip its changes, except those with `include_alerts`."""


class Engine:
    """Rules, their state and their counters. It is not thread-safe, and has no I/O and no clock."""

    def __init__(
        self,
        rules: Sequence[Rule],
        context: Context,
        state: RiskState | None = None,
        *,
        area: CityArea = ANYWHERE,
        max_gap_s: float = math.inf,
        repeat_every_s: float = 60.0,
        derive: DeriveId = derived_urn,
    ) -> None:
        """`area` is where the city is. Deadlines are shifted where time jumps by more than `max_gap_s`; a lasting alert
        is an outcome every `repeat_every_s`."""
        self.state = state or RiskState()
        self.rules = {rule.id: rule for rule in sorted(rules, key=lambda each: each.id)}
        self.counters = {rule_id: RuleCounters() for rule_id in self.rules}
        self._context = context
        self._max_gap_s = max_gap_s
        self._timers = Timers(self.state)
        self._alerts = ActiveAlerts(self.state, self._timers, repeat_every_s, derive)
        self._area = area
        self._evaluator = RuleEvaluator(context, self.state, self._timers, self._alerts, self.counters, area)
        self._watched = {rule_id: self._iris(rule) for rule_id, rule in self.rules.items()}
        self._by_type: dict[str, list[Rule]] = {}
        for rule in self.rules.values():
            for name in rule.types:
                self._by_type.setdefault(self._names(rule).expand(name), []).append(rule)
        self._zones = {rule.zone.entity for rule in self.rules.values() if rule.zone and rule.zone.entity}
        self.signs = tuple(sorted(name_bytes(name) for name in {*self._by_type, *self._zones}))
        """Byte strings of which the JSON of a change for a rule has one: the IRIs of types and the ids of areas."""

    def step(self, changes: Iterable[Change]) -> list[RuleOutcome]:
        """Evaluate changes in order, and return the outcomes; changes up to the cursor are skipped."""
        outcomes: list[RuleOutcome] = []
        for change in changes:
            if change.seq and change.seq <= self.state.cursor:
                continue
            outcomes += self._advance(seconds(change.at) or self.state.now)
            outcomes += self._evaluate_change(change, self._concerned(change))
            self.state.cursor = max(self.state.cursor, change.seq)
        return outcomes

    def tick(self, now: float) -> list[RuleOutcome]:
        """Move time to `now`, in seconds since 1970, without a change; no earlier change may follow."""
        return list(self._advance(now))

    def adopt(self, entities: Iterable[Entity], now: float) -> list[RuleOutcome]:
        """Evaluate fresh rules on the present entities, once."""
        self.state.now = self.state.now or now
        fresh = self.fresh_rules()
        outcomes: list[RuleOutcome] = []
        for rule in fresh:
            self.state.digests[rule.id] = rule.digest
        for entity in entities:
            self._place_area(entity)
            change = Change(
                kind=ChangeKind.CREATED,
                at=moment_text(self.state.now),
                entity=entity,
                changed=list(entity.attrs),
            )
            rules = [rule for rule in fresh if rule in self._rules_for(entity)]
            outcomes += self._evaluate_change(change, rules)
        return outcomes

    def fresh_rules(self) -> list[Rule]:
        """Return the rules that are new or changed, and were not evaluated on the present entities yet."""
        return [rule for rule in self.rules.values() if self.state.digests.get(rule.id) != rule.digest]

    def reconcile(self) -> list[RuleOutcome]:
        """Adapt the state to the rules: resolve alerts of removed rules, and reset the watches of changed ones."""
        for rule in self.fresh_rules():
            watches = self.state.watches.pop(rule.id, {})
            holding = {
                entity_id: RuleWatch(alert=each.alert) for entity_id, each in watches.items() if each.alert
            }
            self.state.watches[rule.id] = holding
        self._timers.rebuild()
        outcomes: list[RuleOutcome] = []
        for rule_id in sorted(
            {*self.state.digests, *self.state.alerts, *self.state.watches} - set(self.rules)
        ):
            digest = self.state.digests.pop(rule_id, "")
            gone = Rule(rule_id, 0, digest, {}, {}, (), Severity.MEDIUM, {})
            outcomes += self._evaluator.withdraw(gone)
        return outcomes

    def rename(self, old: str, new: str) -> None:
        """Change the id of an alert, because another entity has taken it."""
        self._alerts.rename(old, new)

    def _iris(self, rule: Rule) -> frozenset[str]:
        return frozenset(map(self._names(rule).expand, rule.attributes))

    def _names(self, rule: Rule) -> Context:
        return rule.context or self._context

    def _rules_for(self, entity: Entity) -> list[Rule]:
        if len(entity.type) == 1:
            return self._by_type.get(entity.type[0], [])
        return [rule for name in entity.type for rule in self._by_type.get(name, [])]

    def _concerned(self, change: Change) -> list[Rule]:
        """Return the rules for a change; changes by the rules themselves are for those with `include_alerts`."""
        rules = self._rules_for(change.entity)
        if rules and change.actor == ACTOR:
            return [rule for rule in rules if rule.includes_alerts and not self._is_of_including_rule(change)]
        return rules

    def _is_of_including_rule(self, change: Change) -> bool:
        """Return whether a rule with `include_alerts` raised this alert: such rules must not trigger each other."""
        instance = change.entity.first("urn:rhinecloud:ns:rule")
        rule = self.rules.get(str(instance.value)) if instance else None
        return rule is None or rule.includes_alerts

    def _evaluate_change(self, change: Change, rules: Sequence[Rule]) -> Iterator[RuleOutcome]:
        self._place_area(change.entity)
        if not rules:
            return
        if change.kind is ChangeKind.DELETED:
            for rule in rules:
                yield from self._evaluator.forget(rule, change.entity.id, "entity deleted")
            return
        changed = set(change.changed)
        reading = ReadingFacts(change.entity, change.changed, change.previous, self.state.now)
        by_context: dict[str, EntityFacts] = {}
        for rule in rules:
            watched = self._watched[rule.id] & changed if self._watched[rule.id] else changed
            if watched:
                reading.observed = self._observed(change, watched)
                names = self._names(rule)
                facts = by_context.get(names.key) or by_context.setdefault(
                    names.key, EntityFacts(reading, names, area=self._area)
                )
                yield from self._isolated(rule, self._evaluator.evaluate(rule, facts, watched))

    def _isolated(self, rule: Rule, outcomes: Iterator[RuleOutcome]) -> Iterator[RuleOutcome]:
        """Yield the outcomes of one rule; record its error, so that the others are evaluated."""
        try:
            yield from outcomes
        except (EvaluationFailed, RhineCloudError) as error:
            self._evaluator.report_error(rule, str(error))

    def _observed(self, change: Change, iris: Iterable[str]) -> float:
        """Return the newest `observedAt` of the attributes, else when the city received them; at most now.

        It depends on the change alone, so that an alert has the same onset, and id, where a crash makes the change be
        evaluated again at another time.
        """
        times = [seconds(instance.observed_at) for iri in iris if (instance := change.entity.first(iri))]
        known = [each for each in times if each is not None] or [seconds(change.at) or self.state.now]
        return min(max(known), self.state.now)

    def _place_area(self, entity: Entity) -> None:
        if entity.id in self._zones:
            place = entity.first(self._context.expand("location"))
            if place is not None:
                try:
                    self._evaluator.crossings.place(entity.id, place.value)
                except RhineCloudError as error:
                    for rule in self.rules.values():
                        if rule.zone and rule.zone.entity == entity.id:
                            self._evaluator.report_error(rule, f"area {entity.id}: {error}")

    def _advance(self, now: float) -> Iterator[RuleOutcome]:
        gap = now - self.state.now
        if self.state.now and abs(gap) > self._max_gap_s:
            self._shift_deadlines(gap)
        while (timer := self._timers.pop_due(now)) is not None:
            self.state.now = max(self.state.now, timer.due)
            rule = self.rules.get(timer.rule)
            if rule is not None:
                wake = self._evaluator.expire if timer.expiry else self._evaluator.wake
                yield from self._isolated(rule, wake(rule, timer.key))
        self.state.now = max(self.state.now, now)

    def _shift_deadlines(self, gap: float) -> None:
        """Shift every deadline by a jump of time."""
        state = self.state
        state.now += gap
        for watches in state.watches.values():
            for watch in watches.values():
                watch.since_clock += gap
                watch.due = None if watch.due is None else watch.due + gap
        for alerts in state.alerts.values():
            for alert in alerts.values():
                alert.reported_at += gap
                alert.due = None if alert.due is None else alert.due + gap
        for cooling in state.cooling.values():
            for fingerprint in cooling:
                cooling[fingerprint] += gap
        self._timers.rebuild()
