"""An expression is evaluated over values that are asked for by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rhinecloud.expressions import EvaluationFailed, Evaluator, compile_expression
from rhinecloud.kernel.errors import Invalid

VALUES: dict[str, Any] = {"a": 5.0, "text": "x", "at": datetime(2026, 6, 30, 22, 30, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a * 2.0", 10.0),
        ("a > 4.0 && text == 'x'", True),
        ("hour(at, 'Europe/Berlin')", 0),
        ("weekday(at, 'Europe/Berlin')", 3),
        ("math.greatest(a, 7.0)", 7.0),
        ("text.upperAscii()", "X"),
    ],
)
def test_the_value_comes_of_the_values_of_its_names(source: str, value: Any) -> None:
    assert Evaluator().value(compile_expression(source), VALUES.__getitem__) == value


def test_only_the_names_that_are_read_are_asked_for() -> None:
    asked: list[str] = []
    Evaluator().value(
        compile_expression("a > 1.0 || text == 'x'"), lambda name: asked.append(name) or VALUES[name]
    )
    assert asked == ["a"]


def test_a_part_adds_functions_and_their_refusal_is_a_failure() -> None:
    def twice(number: float) -> float:
        if number > 5:
            raise Invalid("too much")
        return 2 * number

    evaluator = Evaluator({"twice": twice})
    assert evaluator.value(compile_expression("twice(a)", {"twice"}), VALUES.__getitem__) == 10.0
    with pytest.raises(EvaluationFailed, match=r"`twice\(a \+ 1.0\)`: .*too much"):
        evaluator.value(compile_expression("twice(a + 1.0)", {"twice"}), VALUES.__getitem__)


def test_what_cannot_be_computed_is_a_failure() -> None:
    with pytest.raises(EvaluationFailed, match="`a - text`"):
        Evaluator().value(compile_expression("a - text"), VALUES.__getitem__)
    with pytest.raises(EvaluationFailed, match="neither true nor false"):
        Evaluator().truth(compile_expression("a * 2.0"), VALUES.__getitem__)
    assert Evaluator().truth(compile_expression("a > 2.0"), VALUES.__getitem__) is True
