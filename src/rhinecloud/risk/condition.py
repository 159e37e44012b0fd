"""A CEL expression of a rule: compiled once, with the names that it needs and the place of each flaw.

Readings are decimals in CEL, and CEL adds no decimal to a whole number; so a whole number beside a reading in
arithmetic is a flaw that is found here and not at night. Source: cel-spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import cel
from cel.stdlib import STDLIB_FUNCTIONS

RUN_TIME_ERRORS = (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError)
"""What the CEL engine raises while it evaluates."""

FACTS = frozenset(
    {"e", "previous", "observed", "age_s", "id", "type", "location", "window", "unit", "simulated"}
)
"""Variables that are not attributes; an attribute of the same name is written `e.<name>`."""

OWN_FUNCTIONS = frozenset({"distance_m", "hour", "weekday"})
_CORE_FUNCTIONS = frozenset(
    {
        *("all", "exists", "exists_one", "filter", "has", "map"),
        *("bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"),
        *("contains", "endsWith", "matches", "max", "min", "size", "startsWith"),
        *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear"),
        *("getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
    }
)
FUNCTIONS = OWN_FUNCTIONS | _CORE_FUNCTIONS | frozenset(STDLIB_FUNCTIONS)

_MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<raw>[rR](?:"[^"\n]*"|'[^'\n]*'))
    |(?P<text>[rRbB]{0,2}(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<decimal>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+)
    |(?P<whole>0[xX][0-9a-fA-F]+u?|\d+u?)
    |(?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
    |(?P<sign>&&|\|\||[<>=!]=|.)""",
    re.VERBOSE,
)
_PARSE_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_CONSTANTS = frozenset({"true", "false", "null", "in"})
_JUDGING = frozenset({"<", ">", "<=", ">=", "==", "!=", "!", "&&", "||", "?", "[", "in", "true", "false"})
_RECKONING = frozenset({"+", "-", "*", "/", "%"})


@dataclass(frozen=True, slots=True)
class ConditionFault:
    """What is wrong with an expression, at a line and column of its text, from 1."""

    reason: str
    line: int = 1
    column: int = 1


class InvalidCondition(Exception):
    """The expression cannot be used; `flaws` say why."""

    def __init__(self, flaws: list[ConditionFault]) -> None:
        super().__init__("; ".join(each.reason for each in flaws))
        self.flaws = flaws


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that an expression reads, such as `("previous", "waterLevel")`, and where it first stands."""

    path: tuple[str, ...]
    line: int
    column: int

    @property
    def attribute(self) -> str:
        """The attribute that is read, '' where it is another fact."""
        if self.path[0] in ("e", "previous", "unit"):
            return self.path[1] if len(self.path) > 1 else ""
        if self.path[0] == "location":
            return "location"
        return "" if self.path[0] in FACTS else self.path[0]


@dataclass(frozen=True)
class Condition:
    """A compiled expression; `needs` are the references without which it is not evaluated."""

    source: str
    program: cel.Program
    references: tuple[Reference, ...]
    needs: tuple[Reference, ...]

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attributes' compact names that the expression reads."""
        return frozenset(each.attribute for each in self.references) - {""}


def parse_condition(source: str) -> Condition:
    """Compile an expression; raises Flawed with the place of each flaw in its text."""
    try:
        program = cel.compile(source)
    except RUN_TIME_ERRORS as error:
        raise InvalidCondition(_parse_flaws(str(error))) from None
    tokens = list(_tokens(source))
    flaws = [*_unknown_functions(tokens), *_mixed_arithmetic(tokens)]
    if flaws:
        raise InvalidCondition(flaws)
    references, guarded = _references(tokens)
    needs = tuple(each for each in references if _plain(each.path) not in guarded)
    return Condition(source, program, references, needs)


def parse_truth(source: str) -> Condition:
    """Compile an expression that must be true or false; raises Flawed, also where it plainly never is."""
    condition = parse_condition(source)
    if _is_never_truth(list(_tokens(source))):
        raise InvalidCondition(
            [ConditionFault("this is never true or false: compare it with something, such as `> 5.0`")]
        )
    return condition


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text.split("."))


def _tokens(source: str) -> Iterator[_Token]:
    line, start = 1, 0
    for found in _TOKEN.finditer(source):
        kind = found.lastgroup or ""
        if kind != "space":
            yield _Token(kind, found[0], line, found.start() - start + 1)
        breaks = found[0].count("\n")
        if breaks:
            line += breaks
            start = found.start() + found[0].rindex("\n") + 1


def _parse_flaws(message: str) -> list[ConditionFault]:
    flaws = [
        ConditionFault(_plainly(reason), int(line), int(column))
        for line, column, reason in _PARSE_ERROR.findall(message)
    ]
    return flaws[:1] or [ConditionFault(message.splitlines()[0])]


def _plainly(reason: str) -> str:
    """Leave out the list of all tokens that could have come."""
    reason = re.sub(r",? expecting .*", "", reason)
    return reason.replace("mismatched input '<EOF>'", "the expression ends too early")


def _references(tokens: list[_Token]) -> tuple[tuple[Reference, ...], set[tuple[str, ...]]]:
    bound = _bound_names(tokens)
    found: dict[tuple[str, ...], Reference] = {}
    guarded: set[tuple[str, ...]] = set()
    for index, token in enumerate(tokens):
        if token.kind != "name" or _sign(tokens, index - 1) == ".":
            continue
        path = token.path
        if _sign(tokens, index + 1) == "(":
            path = path[:-1]
        if not path or path[0] in _CONSTANTS or path[0] in bound:
            continue
        if path[0] == "math" and ".".join(token.path) in FUNCTIONS:
            continue
        if index >= 2 and tokens[index - 2].text == "has" and _sign(tokens, index - 1) == "(":
            guarded.add(_plain(path))
        found.setdefault(path, Reference(path, token.line, token.column))
    return tuple(found.values()), guarded


def _plain(path: tuple[str, ...]) -> tuple[str, ...]:
    """`e.x` and `x` are one attribute; below an attribute, and above `previous`, the path is cut at the attribute."""
    if path[0] == "e":
        path = path[1:] or path
    if path[0] in ("previous", "window", "unit"):
        return path[:2]
    return path[:1]


def _bound_names(tokens: list[_Token]) -> set[str]:
    """Names that macros bind: the `t` of `tags.exists(t, t == "x")`."""
    bound = set()
    for index, token in enumerate(tokens[:-3]):
        is_macro = token.kind == "name" and len(token.path) > 1 and token.path[-1] in _MACROS
        if is_macro and _sign(tokens, index + 1) == "(":
            bound.add(tokens[index + 2].text)
        if token.text == "." and tokens[index + 1].text in _MACROS and _sign(tokens, index + 2) == "(":
            bound.add(tokens[index + 3].text)
    return bound


def _unknown_functions(tokens: list[_Token]) -> Iterator[ConditionFault]:
    for index, token in enumerate(tokens):
        if token.kind == "name" and _sign(tokens, index + 1) == "(":
            whole = ".".join(token.path)
            if whole not in FUNCTIONS and token.path[-1] not in FUNCTIONS:
                yield ConditionFault(f"there is no function `{whole}`", token.line, token.column)


def _mixed_arithmetic(tokens: list[_Token]) -> Iterator[ConditionFault]:
    """Find a whole number added to, taken from, multiplied or divided with a reading: CEL refuses that at run time."""
    for (first, left), (second, right) in pairwise(
        (index, token) for index, token in enumerate(tokens) if token.text not in ("+", "-", "*", "/", "%")
    ):
        if second - first != 2:
            continue
        names = {
            "name": left if left.kind == "name" else right,
            "whole": left if left.kind == "whole" else right,
        }
        if {left.kind, right.kind} != {"name", "whole"} or names["whole"].text.endswith("u"):
            continue
        if _sign(tokens, second + 1) in ("(", ".", "[") or names["name"].text in _CONSTANTS:
            continue
        number = names["whole"]
        yield ConditionFault(
            f"readings are decimals and {number.text} is a whole number: write {number.text}.0",
            number.line,
            number.column,
        )


def _is_never_truth(tokens: list[_Token]) -> bool:
    """Tell a sum or a constant, with nothing in it that could give true or false: no comparison, call or choice."""
    if any(token.text in _JUDGING for token in tokens if token.kind in ("sign", "name")):
        return False
    if any(token.kind == "name" and _sign(tokens, index + 1) == "(" for index, token in enumerate(tokens)):
        return False
    return any(
        token.kind in ("decimal", "whole", "text", "raw") or token.text in _RECKONING for token in tokens
    )


def _sign(tokens: list[_Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) and tokens[index].kind == "sign" else ""
