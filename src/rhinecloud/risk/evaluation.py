"""Runs expressions over facts: one CEL context for all, because building one costs more than ten rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import cel
from cel.stdlib import add_stdlib_to_context

from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.risk.area import distance_m
from rhinecloud.risk.condition import RUN_TIME_ERRORS, Condition
from rhinecloud.risk.facts import EntityFacts


class EvaluationFailed(Exception):
    """An expression could not be evaluated over these facts; the rule is at fault, not the city."""

    def __init__(self, condition: Condition, reason: str) -> None:
        super().__init__(f"`{condition.source.strip()}`: {reason}")


class Evaluator:
    """Evaluates conditions. Not for several threads at once: facts are in place only while an expression runs."""

    def __init__(self) -> None:
        self._scope = cel.Context()
        add_stdlib_to_context(self._scope, ["core", "strings", "math", "sets", "lists"])
        self._scope.add_function("distance_m", distance_m)
        self._scope.add_function("hour", _hour)
        self._scope.add_function("weekday", _weekday)
        self._scope.set_variable_resolver(self._resolve)
        self._facts: EntityFacts | None = None
        self._condition: Condition | None = None

    def value(self, condition: Condition, facts: EntityFacts) -> Any:
        """Give the expression's value, None where something that it needs is not known; raises EvaluationFailed."""
        if not all(facts.has(need.path) for need in condition.needs):
            return None
        self._facts, self._condition = facts, condition
        try:
            return condition.program.execute(self._scope)
        except (*RUN_TIME_ERRORS, RhineCloudError) as error:
            raise EvaluationFailed(condition, str(error).split(" CEL does not coerce")[0]) from None
        finally:
            self._facts = self._condition = None

    def truth(self, condition: Condition, facts: EntityFacts) -> bool | None:
        """Give true, false, or None where something is not known; raises EvaluationFailed where it is neither."""
        found = self.value(condition, facts)
        if found is not None and not isinstance(found, bool):
            raise EvaluationFailed(condition, f"gives {found!r}, neither true nor false")
        return found

    def _resolve(self, name: str) -> Any:
        if self._facts is None or self._condition is None:
            return None
        return self._facts.fact(name, self._condition)


def _hour(moment: datetime, zone: str) -> int:
    """Give the hour of the day, 0 to 23, as clocks in a time zone show it."""
    return moment.astimezone(ZoneInfo(zone)).hour


def _weekday(moment: datetime, zone: str) -> int:
    """Give the day of the week in a time zone, Monday 1 to Sunday 7."""
    return moment.astimezone(ZoneInfo(zone)).isoweekday()
