"""Regular expressions that strangers send, run so that none can bring the city to a halt.

Python's engine is quick but backtracks: `(a+)+` against an unlucky text outlives the city. So it is used only for
patterns and lengths of text where the worst case is small; the rest goes to the linear-time engine that comes with
CEL (Rust's `regex`), some thirty microseconds a text. Source: ETSI GS CIM 009 v1.9.1, clauses 4.9 (patternOp) and
5.2.23 (idPattern).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import cel

from rhinecloud.kernel.errors import Invalid

MAX_LENGTH = 512

_QUICK_LENGTHS = {0: 1_000_000, 1: 4096, 2: 400, 3: 120}
"""How long a text may be for Python's engine, by the number of repetitions in the pattern: about ten million steps
at worst.
"""

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
    """A compiled pattern; `quick_length` is the longest text that Python's engine may see, -1 where it may see none."""

    source: str
    quick: re.Pattern[str]
    quick_length: int

    def is_in(self, text: str) -> bool:
        """Tell whether the pattern is found anywhere in the text."""
        if len(text) <= self.quick_length:
            return self.quick.search(text) is not None
        return _is_found(self.source, text)


@lru_cache(1024)
def compile_pattern(source: str) -> Pattern:
    """Compile a pattern (POSIX extended, much as Python writes it); raises Invalid for look-arounds and back
    references.
    """
    if len(source) > MAX_LENGTH:
        raise Invalid(f"it is longer than {MAX_LENGTH} characters")
    repeats = _count_repeats(source)
    plain = source
    for name, members in _CLASSES.items():
        plain = plain.replace(name, members)
    try:
        quick = re.compile(plain)
        _is_found(source, "")
    except (re.error, OverflowError, RecursionError, ValueError, RuntimeError) as error:
        raise Invalid(str(error)) from None
    return Pattern(source, quick, _QUICK_LENGTHS.get(repeats, -1))


@lru_cache(1)
def _linear() -> cel.Program:
    return cel.compile("text.matches(pattern)")


def _is_found(source: str, text: str) -> bool:
    return bool(_linear().execute(cel.Context({"pattern": source, "text": text})))


def _count_repeats(source: str) -> int:
    """Count what repeats; -1 where a repeated group itself repeats or branches, which may take exponential time."""
    count = 0
    inside = [False]
    closed = nested = False
    for token in _TOKEN.finditer(source):
        kind, text = token.lastgroup, token[0]
        if (text == "(" and source.startswith("(?", token.start())) or (
            kind == "escape" and text[1].isdigit()
        ):
            raise Invalid("look-arounds, flags and back references are not allowed")
        if kind == "open":
            inside.append(False)
        elif kind == "repeat":
            nested = nested or closed
            inside[-1] = True
            count += 1
        elif text == "|":
            inside[-1] = True
        closed = kind == "close" and len(inside) > 1 and inside.pop()
        inside[-1] = inside[-1] or closed
    return -1 if nested else count
