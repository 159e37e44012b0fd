"""Runs expressions: one CEL context for all of a part's, because building one costs more than ten evaluations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import cel
from cel.stdlib import add_stdlib_to_context

from rhinecloud.expressions.expression import Expression
from rhinecloud.kernel.errors import RhineCloudError

RUN_TIME_ERRORS = (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError)
"""What the CEL library raises while it compiles and evaluates."""

Resolve = Callable[[str], Any]
"""Returns the value of a variable."""


class EvaluationFailed(Exception):
    """An expression could not be evaluated over these values; its author must correct it."""

    def __init__(self, expression: Expression, reason: str) -> None:
        super().__init__(f"`{expression.source.strip()}`: {reason}")


class Evaluator:
    """Evaluates expressions. Not for several threads at once: values are in place only while one runs."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]] | None = None) -> None:
        """`functions` are a part's own, beside those of every expression."""
        self._scope = cel.Context()
        add_stdlib_to_context(self._scope, ["core", "strings", "math", "sets", "lists"])
        for name, function in {**OWN_FUNCTIONS, **(functions or {})}.items():
            self._scope.add_function(name, function)
        self._scope.set_variable_resolver(self._find)
        self._resolve: Resolve | None = None

    def value(self, expression: Expression, resolve: Resolve) -> Any:
        """Return the value of an expression; raise EvaluationFailed."""
        self._resolve = resolve
        try:
            return expression.program.execute(self._scope)
        except (*RUN_TIME_ERRORS, RhineCloudError) as error:
            raise EvaluationFailed(expression, str(error).split(" CEL does not coerce")[0]) from None
        finally:
            self._resolve = None

    def truth(self, expression: Expression, resolve: Resolve) -> bool:
        """Return true or false; raise EvaluationFailed where the value is neither."""
        found = self.value(expression, resolve)
        if not isinstance(found, bool):
            raise EvaluationFailed(expression, f"gives {found!r}, neither true nor false")
        return found

    def _find(self, name: str) -> Any:
        return self._resolve(name) if self._resolve else None


def _hour(moment: datetime, zone: str) -> int:
    """Return the hour of the day, 0 to 23, as clocks in a time zone show it."""
    return moment.astimezone(ZoneInfo(zone)).hour


def _weekday(moment: datetime, zone: str) -> int:
    """Return the day of the week in a time zone, Monday 1 to Sunday 7."""
    return moment.astimezone(ZoneInfo(zone)).isoweekday()


OWN_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"hour": _hour, "weekday": _weekday}
"""Functions that CEL lacks and that every expression may call."""
