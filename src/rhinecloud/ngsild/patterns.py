"""Regular expressions that strangers send: compiled only where they cannot bring the city to a halt.

Python's engine backtracks: a repetition inside a repetition may take longer than the age of the city. Such patterns, back
references and look-arounds are refused. Source: ETSI GS CIM 009 v1.9.1, clauses 4.9 (patternOp) and 5.2.23 (idPattern).
"""

from __future__ import annotations

import re
from functools import lru_cache

from rhinecloud.kernel.errors import Invalid

MAX_LENGTH = 512
MAX_UNBOUNDED = 6

_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\])|(?P<open>\((?:\?:|\?P<\w+>)?)|(?P<special>\(\?)"
    r"|(?P<close>\))|(?P<repeat>[*+]|\{\d*,\})|(?P<bounded>\?|\{\d+(?:,\d+)?\})|(?P<other>.)",
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


@lru_cache(1024)
def compile_pattern(source: str) -> tuple[re.Pattern[str], bool]:
    """Compile a pattern; tell also whether it repeats without bound more than once. Raises Invalid."""
    if len(source) > MAX_LENGTH:
        raise Invalid(f"it is longer than {MAX_LENGTH} characters")
    unbounded = _count_unbounded(source)
    if unbounded > MAX_UNBOUNDED:
        raise Invalid(f"it repeats without bound more than {MAX_UNBOUNDED} times")
    for name, members in _CLASSES.items():
        source = source.replace(name, members)
    try:
        return re.compile(source), unbounded > 1
    except (re.error, OverflowError, RecursionError) as error:
        raise Invalid(str(error)) from None


def _count_unbounded(source: str) -> int:
    """Count `*`, `+` and `{n,}`; raises Invalid where one repeats a group that itself repeats or branches."""
    count = 0
    risky = [False]
    closed = False
    for token in _TOKEN.finditer(source):
        kind = token.lastgroup
        if kind == "special" or (kind == "escape" and token[0][1].isdigit()):
            raise Invalid("look-arounds, flags and back references are not allowed")
        if kind == "open":
            risky.append(False)
        elif kind == "close" and len(risky) > 1:
            closed = risky.pop()
            risky[-1] = risky[-1] or closed
            continue
        elif kind in ("repeat", "bounded"):
            if closed:
                raise Invalid("it repeats what already repeats or branches")
            if kind == "repeat" or token[0] != "?":
                risky[-1] = True
            count += kind == "repeat"
        elif token[0] == "|":
            risky[-1] = True
        closed = False
    return count
