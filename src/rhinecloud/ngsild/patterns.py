"""Regular expressions from clients, matched so that none can block the city.

Python's engine is fast but backtracks: `(a+)+` may take years for a short text. So it is used only for patterns and
texts whose worst case is small; others are matched by the linear-time engine of CEL (Rust's `regex`), in about thirty
microseconds a text. Its time is linear in the text times the pattern's states, of which `(a{0,300}){0,300}` has a
hundred thousand: so both are bounded. Source: ETSI GS CIM 009 v1.9.1, clauses 4.9
(patternOp) and 5.2.23 (idPattern).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from math import factorial

import cel

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid

MAX_LENGTH = 512

MAX_STATES = 1_000
"""Most states of a pattern with its counted repetitions written out, such as 6 for `(ab){3}`."""

STEPS = 1_000_000
"""States times characters that the linear engine may take for one text: about ten milliseconds at worst. A longer text
never matches: for a pattern of 20 states, one of more than 50,000 characters.
"""

QUICK_STEPS = 200_000
"""Steps that Python's engine may take for one text at worst."""

MOST_REPEATS = 3
"""Most repetitions in a row for Python's engine."""

_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\])|(?P<flags>^\(\?i\))|(?P<open>\((?:\?:|\?P<\w+>)?)"
    r"|(?P<close>\))|(?P<repeat>[*+]|\{\d+(?:,\d*)?\})|(?P<maybe>\?)|(?P<other>.)",
    re.DOTALL,
)
_CLASSES = {
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:alnum:]": "A-Za-z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `quick_length` is the longest text for Python's engine, -1 for none, `length` the longest
    text that is matched.
    """

    source: str
    quick: re.Pattern[str]
    quick_length: int
    length: int

    def is_in(self, text: str) -> bool:
        """Return whether the pattern is found anywhere in the text."""
        if len(text) <= self.quick_length:
            return self.quick.search(text) is not None
        return len(text) <= self.length and _is_found(self.source, text)


@dataclass(slots=True)
class _Cost:
    """The cost of a pattern: its states, repetitions and alternatives, and whether repetitions are nested."""

    states: int = 0
    repeats: int = 0
    choices: int = 0
    nested: bool = False

    @property
    def quick_length(self) -> int:
        """Return the longest text for which backtracking takes at most `QUICK_STEPS`: each repetition may end at any
        later character, each alternative doubles the steps.
        """
        if self.nested or self.repeats > MOST_REPEATS or self.choices > 16:
            return -1
        nested_loops = self.repeats + 1
        steps = QUICK_STEPS * factorial(nested_loops) / 2**self.choices
        return int(steps ** (1 / nested_loops))


def _compile(source: str) -> Pattern:
    if len(source) > MAX_LENGTH:
        raise Invalid(f"must have at most {MAX_LENGTH} characters")
    cost = _cost_of(source)
    if cost.states > MAX_STATES:
        raise Invalid(f"must have at most {MAX_STATES} states when its repetitions are written out")
    plain = source
    for name, members in _CLASSES.items():
        plain = plain.replace(name, members)
    try:
        quick = re.compile(plain)
        _is_found(source, "")
    except (re.error, OverflowError, RecursionError, ValueError, RuntimeError) as error:
        raise Invalid(str(error)) from None
    return Pattern(source, quick, cost.quick_length, STEPS // max(1, cost.states))


compile_pattern = BoundedCache(_compile, 1_024).__getitem__
"""Return a compiled pattern (POSIX extended, much as Python writes it). Raise Invalid for look-arounds and back
references.
"""


@cache
def _linear() -> cel.Program:
    return cel.compile("text.matches(pattern)")


def _is_found(source: str, text: str) -> bool:
    return bool(_linear().execute(cel.Context({"pattern": source, "text": text})))


def _cost_of(source: str) -> _Cost:
    """Return the cost of a pattern. A repeated group with repetitions or alternatives is nested: its time may grow
    exponentially with the text.
    """
    cost = _Cost()
    groups = [_Group()]
    atom = 0
    closed = False
    for token in _TOKEN.finditer(source):
        kind, text = token.lastgroup, token[0]
        if (text == "(" and source.startswith("(?", token.start())) or (
            kind == "escape" and text[1].isdigit()
        ):
            raise Invalid("must not have look-arounds, flags or back references")
        if kind == "open":
            groups.append(_Group())
        elif kind == "repeat":
            cost.nested = cost.nested or closed
            cost.repeats += 1
            groups[-1].loops = True
            groups[-1].states += atom * (_times(text) - 1)
        elif kind == "maybe" or text == "|":
            cost.choices += 1
            groups[-1].loops = True
        closed = False
        if kind == "close" and len(groups) > 1:
            inner = groups.pop()
            closed, atom = inner.loops, inner.states
            groups[-1].loops = groups[-1].loops or closed
            groups[-1].states += atom
        elif kind in ("escape", "set", "other") and text != "|":
            atom = WIDE if _is_wide(text) else 1
            groups[-1].states += atom
        if groups[-1].states > MAX_STATES:
            break
    cost.states = sum(group.states for group in groups)
    return cost


WIDE = 5
"""States of a class with most of Unicode: its characters have several bytes."""


@dataclass(slots=True)
class _Group:
    """The content of a pair of parentheses: whether it has repetitions or alternatives, and its states."""

    loops: bool = False
    states: int = 0


def _is_wide(text: str) -> bool:
    return text == "." or text[:2] in ("[^", "\\w", "\\W", "\\D", "\\S", "\\p", "\\P")


def _times(text: str) -> int:
    """Return how often a repetition writes out its atom: `{2,7}` seven times, `{2,}` and `{2}` twice, `*` once."""
    counts = [int(each) for each in re.findall(r"\d+", text)]
    return max(1, *counts) if counts else 1
