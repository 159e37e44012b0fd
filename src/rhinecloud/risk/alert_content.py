"""The content of an alert from a reading: unit, fingerprint, severity, texts and evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rhinecloud.expressions import EvaluationFailed
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.active_alerts import AlertStatement
from rhinecloud.risk.alert_title import ATTRIBUTES, alert_title, subject_of
from rhinecloud.risk.condition import Condition
from rhinecloud.risk.evaluation import ConditionEvaluator
from rhinecloud.risk.facts import SIMULATED, EntityFacts, first_of
from rhinecloud.risk.message import write_value
from rhinecloud.risk.model import Rule

ReportError = Callable[[Rule, str], None]
"""Records an error of a rule."""


class AlertContent:
    """Makes the content of alerts. An expression that fails here is recorded, and the alert is raised nevertheless."""

    def __init__(self, context: Context, evaluator: ConditionEvaluator, report_error: ReportError) -> None:
        self._context = context
        self._evaluator = evaluator
        self._report_error = report_error

    def wrong_unit(self, rule: Rule, facts: EntityFacts) -> str:
        """Return the reason where an attribute has another unit than the rule expects, else ''."""
        for name, unit in rule.units.items():
            instance = facts.instance(name)
            if instance is not None and instance.unit_code not in ("", unit):
                return (
                    f"{facts.reading.entity.id}: {name} is in {instance.unit_code}, the rule expects {unit}"
                )
        return ""

    def fingerprint(self, rule: Rule, facts: EntityFacts) -> str:
        """Return the name under which occurrences count as the same alert. Raise EvaluationFailed."""
        if rule.fingerprint is None:
            return facts.reading.entity.id
        found = self._evaluator.value(rule.fingerprint, facts)
        return "|".join(write_value(each) for each in (found if isinstance(found, list) else [found]))

    def severity(self, rule: Rule, facts: EntityFacts) -> Severity:
        """Return the severity: at most medium for uncertain evidence, medium where the expression fails."""
        severity = rule.severity
        if isinstance(severity, Condition):
            severity = self._evaluated(rule, severity, facts)
        if severity.rank > Severity.MEDIUM.rank and facts.quality(rule.attributes) == "uncertain":
            return Severity.MEDIUM
        return severity

    def statement(self, rule: Rule, facts: EntityFacts) -> AlertStatement:
        """Return the content of the alert for the present facts."""

        def evaluate(condition: Condition) -> Any:
            try:
                return self._evaluator.value(condition, facts)
            except EvaluationFailed as error:
                self._report_error(rule, f"message: {error}")
                return None

        place = facts.instance("location")
        return AlertStatement(
            title=alert_title(rule.title, subject_of(facts)),
            message={language: text.render(evaluate, language) for language, text in rule.message.items()},
            location=place.value if place else None,
            evidence=self._evidence(rule, facts),
            simulated=facts.is_simulated(rule.decisive),
            entity_types=[self._context.compact(each) for each in facts.reading.entity.type],
        )

    def attributes_to_keep(self, rule: Rule) -> frozenset[str]:
        """Return the attributes (IRIs) that a timer must keep: those of the rule and its texts, and the location."""
        names = {*ATTRIBUTES, *rule.decisive}
        names |= {
            name for text in rule.message.values() for each in text.conditions for name in each.attributes
        }
        if rule.silence and rule.silence.interval_from:
            names.add(rule.silence.interval_from)
        return frozenset(map((rule.context or self._context).expand, names)) | {SIMULATED}

    def _evaluated(self, rule: Rule, condition: Condition, facts: EntityFacts) -> Severity:
        try:
            found = self._evaluator.value(condition, facts)
        except EvaluationFailed as error:
            self._report_error(rule, f"severity: {error}; medium is used")
            return Severity.MEDIUM
        if found not in list(Severity):
            self._report_error(rule, f"severity: {condition.source!r} returns {found!r}; medium is used")
            return Severity.MEDIUM
        return Severity(found)

    def _evidence(self, rule: Rule, facts: EntityFacts) -> list[dict[str, Any]]:
        found = [each for name in sorted(rule.decisive) if (each := self._evidence_of(name, facts))]
        if rule.window:
            found.append(
                {"window": self._shown(facts, rule.window.attribute), **facts.extras.get("window", {})}
            )
        return found

    def _shown(self, facts: EntityFacts, name: str) -> str:
        """Return an attribute's name as the city writes it: the rule's pack may have another."""
        return self._context.compact(facts.iri(name))

    def _evidence_of(self, name: str, facts: EntityFacts) -> dict[str, Any] | None:
        instance = facts.instance(name)
        if instance is None or (instance.type == "GeoProperty" and instance.value.get("type") != "Point"):
            return None  # the area of a warning is not a reading
        item = {
            "entity": facts.reading.entity.id,
            "attribute": self._shown(facts, name),
            "value": instance.value,
        }
        if instance.unit_code:
            item["unitCode"] = instance.unit_code
        if instance.observed_at:
            item["observedAt"] = instance.observed_at
        quality = facts.quality(frozenset({name}))
        if quality != "good":
            item["quality"] = quality
        before = first_of(facts.reading.previous.get(facts.iri(name), []))
        if before is not None:
            item["previous"] = {"value": before.value, "observedAt": before.observed_at}
        return item
