"""Evaluates the expressions of rules over facts."""

from __future__ import annotations

from typing import Any

from rhinecloud.expressions import EvaluationFailed, Evaluator
from rhinecloud.risk.condition import FUNCTIONS, Condition
from rhinecloud.risk.facts import EntityFacts


class ConditionEvaluator:
    """Evaluates conditions over an entity's facts. It is not thread-safe."""

    def __init__(self) -> None:
        self._evaluator = Evaluator(FUNCTIONS)

    def value(self, condition: Condition, facts: EntityFacts) -> Any:
        """Return the expression's value, None where a fact that it needs is unknown; raise EvaluationFailed."""
        if not all(facts.has(need.path) for need in condition.needs):
            return None
        return self._evaluator.value(condition, lambda name: facts.fact(name, condition))

    def truth(self, condition: Condition, facts: EntityFacts) -> bool | None:
        """Return true, false, or None where a fact is unknown; raise EvaluationFailed for any other value."""
        found = self.value(condition, facts)
        if found is not None and not isinstance(found, bool):
            raise EvaluationFailed(condition, f"must be true or false, not {found!r}")
        return found
