"""Compiles expressions and names every fault in them with its place.

Readings are decimals in CEL, and CEL adds no decimal to a whole number; so a whole number beside a reading in
arithmetic is a fault that is found here and not at night.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import cel
from cel.stdlib import STDLIB_FUNCTIONS

from rhinecloud.expressions.evaluator import OWN_FUNCTIONS, RUN_TIME_ERRORS
from rhinecloud.expressions.expression import Expression
from rhinecloud.expressions.names import ExpressionText
from rhinecloud.kernel.declarative import TextFault
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import Faults, unknown

CORE_FUNCTIONS = frozenset(
    {
        *("bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"),
        *("contains", "endsWith", "matches", "max", "min", "size", "startsWith"),
        *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear"),
        *("getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
    }
)
FUNCTIONS = CORE_FUNCTIONS | frozenset(OWN_FUNCTIONS) | frozenset(STDLIB_FUNCTIONS)
"""Functions that every expression may call; a part adds its own."""

_NAMESPACES = frozenset(name.partition(".")[0] for name in FUNCTIONS if "." in name)
_ARITHMETIC = frozenset({"_+_", "_-_", "_*_", "_/_", "_%_", "-_"})
_PARSE_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


class InvalidExpression(Faults):
    """The expression cannot be used; `faults` are TextFaults."""

    def __str__(self) -> str:
        return "; ".join(each.reason for each in self.faults)


def compile_expression(source: str, functions: Collection[str] = ()) -> Expression:
    """Return a compiled expression, which may call `functions` too; raise InvalidExpression."""
    return _compile(source, frozenset(functions))[0]


def compile_condition(source: str, functions: Collection[str] = ()) -> Expression:
    """Return an expression that is true or false; raise InvalidExpression, also where it never can be."""
    expression, text = _compile(source, frozenset(functions))
    if _is_never_truth(expression, text):
        reason = "this is never true or false: compare it with something, such as `> 5.0`"
        raise InvalidExpression([TextFault(reason)])
    return expression


def _compile(source: str, functions: frozenset[str]) -> tuple[Expression, ExpressionText]:
    try:
        program = cel.compile(source)
    except RUN_TIME_ERRORS as error:
        raise InvalidExpression(_parse_faults(str(error))) from None
    named = program.references()
    text = ExpressionText(source, named["variables"])
    faults: list[Invalid] = [
        *_unknown_functions(text, frozenset(named["functions"]), FUNCTIONS | functions),
        *_mixed_arithmetic(text),
    ]
    if faults:
        raise InvalidExpression(faults)
    return Expression(source, program, tuple(text.references(_NAMESPACES)), text.guards()), text


def _parse_faults(message: str) -> list[Invalid]:
    for line, column, reason in _PARSE_ERROR.findall(message):
        # A fault of a macro has no place in the message: 0, 0.
        return [TextFault(_plainly(reason), line=max(1, int(line)), column=max(1, int(column)))]
    return [TextFault(message.splitlines()[0])]


def _plainly(reason: str) -> str:
    """Leave out the list of all tokens that could have come."""
    reason = re.sub(r",? expecting .*", "", reason)
    return reason.replace("mismatched input '<EOF>'", "the expression ends too early")


def _unknown_functions(
    text: ExpressionText, called: frozenset[str], known: frozenset[str]
) -> Iterator[TextFault]:
    """Find calls of what is no function; macros (`has`, `exists`) are no longer calls once they are parsed."""
    for call in text.calls():
        last = call.text.rpartition(".")[2]
        if last in called and call.text not in known and last not in known:
            hint = unknown("function", last, known)
            near = hint.partition("; ")[2] if "did you mean" in hint else ""
            yield TextFault(
                f"there is no function `{call.text}`{near and f'; {near}'}",
                line=call.line,
                column=call.column,
            )


def _mixed_arithmetic(text: ExpressionText) -> Iterator[TextFault]:
    for number in text.whole_numbers_beside_names():
        reason = f"readings are decimals and {number.text} is a whole number: write {number.text}.0"
        yield TextFault(reason, line=number.line, column=number.column)


def _is_never_truth(expression: Expression, text: ExpressionText) -> bool:
    """Return whether it is a sum or a constant: no comparison, call or choice that could give true or false."""
    functions = frozenset(expression.program.references()["functions"])
    if functions:
        return functions <= _ARITHMETIC
    return not expression.references and re.search(r"\b(true|false)\b", text.text) is None
