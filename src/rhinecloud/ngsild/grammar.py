"""Reads a query expression (`q`) into an `Expression`: the grammar of clause 4.9 by recursive descent.

Beyond the grammar: parentheses may nest (example 6 of the clause does so), `!attr` asks for absence, a name may be
prefixed or an IRI, a bare word is a string, and spaces may surround operators and signs, as in the standard's examples
(clauses 4.9 and C.5.13.2). Source: ETSI GS CIM 009 v1.9.1, clause 4.9.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import orjson

from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.expression import Every, Expression, Some
from rhinecloud.ngsild.linked import Linked
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.patterns import compile_pattern
from rhinecloud.ngsild.terms import Equality, Exists, Literal, Matches, Missing, Order, Range
from rhinecloud.ngsild.time_values import extended_form, parse_moment
from rhinecloud.ngsild.values import is_uri

MAX_LENGTH = 8192
MAX_DEPTH = 32
MAX_TERMS = 256

_PATH = re.compile(r"[^\s=!<>~;|()\[\]{},\"]+")
_HOP = re.compile(
    r"(?P<names>[^\W\d_]\w*(?:\.[^\W\d_]\w*)*)\{(?:(?P<types>[^\W\d_]\w*(?:,[^\W\d_]\w*)*):(?=[^\W\d_]))?"
)
_TRAIL = re.compile(r"\[([^\[\]]+)\]")
_OPERATOR = re.compile(r"\s*(!~=|~=|==|!=|>=|<=|>|<)\s*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![^\s;|),.]|\.[^.])")
_BARE = re.compile(r"(?![=!<>~])(?:(?!\.\.)[^\s;|(),\"])+")
_NOT_IN_A_WORD = re.compile(r"[&=!<>~]")
"""Signs that a URI may contain; in a bare word they are likely a mistake."""

_DOTTED = re.compile(r"[^\W\d_]\w*(?::[^\W\d_]\w*)?(?:\.[^\W\d_]\w*(?::[^\W\d_]\w*)?)*")


def parse_q(
    text: str, context: Context, *, expand_values: Collection[str] = (), links: bool = False
) -> Expression:
    """Read a query; `expand_values` names the attributes (as written in `text`) whose values are expanded first.

    Raise Invalid(field='q') where it is malformed. Raise Unsupported if it follows relationships,
    unless the caller allows `links` and resolves them before the expression is evaluated.
    """
    if len(text) > MAX_LENGTH:
        raise Invalid(f"is longer than {MAX_LENGTH} characters", field="q")
    reader = _TokenReader(text, context, expand_values, links)
    expression = reader.some(0)
    if reader.position < len(text):
        raise reader.wrong("is not expected here")
    return expression


class _TokenReader:
    def __init__(self, text: str, context: Context, expand_values: Collection[str], links: bool) -> None:
        self.text = text
        self.position = 0
        self._context = context
        self._expand_values = expand_values
        self._links = links
        self._terms = 0

    def wrong(self, reason: str) -> Invalid:
        rest = self.text[self.position : self.position + 24]
        return Invalid(
            f"at character {self.position + 1}: {rest!r} {reason}" if rest else f"the end {reason}", field="q"
        )

    def _take(self, sign: str) -> bool:
        """Skip a sign and the spaces around it if it comes next; return whether it did."""
        start = self._skip_spaces(self.position)
        if not self.text.startswith(sign, start):
            return False
        self.position = self._skip_spaces(start + len(sign))
        return True

    def _skip_spaces(self, place: int) -> int:
        while self.text[place : place + 1].isspace():
            place += 1
        return place

    def some(self, depth: int) -> Expression:
        terms = [self._every(depth)]
        while self._take("|"):
            terms.append(self._every(depth))
        return terms[0] if len(terms) == 1 else Some(tuple(terms))

    def _every(self, depth: int) -> Expression:
        terms = [self._term(depth)]
        while self._take(";"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else Every(tuple(terms))

    def _term(self, depth: int) -> Expression:
        if self._take("("):
            if depth >= MAX_DEPTH:
                raise self.wrong(f"is nested more than {MAX_DEPTH} deep")
            inner = self.some(depth + 1)
            if not self._take(")"):
                raise self.wrong("must have a closing parenthesis")
            return inner
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self.wrong(f"is one of more than {MAX_TERMS} terms")
        if self._take("!"):
            return Missing(self._path())
        hops, path = self._hops(), self._path()
        term: Exists | Equality | Order | Matches | Linked = self._predicate(path, len(hops))
        for hop, type_names in reversed(hops):
            term = Linked(hop, term, type_names, tuple(self._name(each) for each in type_names))
        return term

    def _predicate(self, path: Path, closing: int) -> Exists | Equality | Order | Matches:
        """Read the operator and values that follow a path, after the braces of the relationships that lead to it."""
        if not self._take("}" * closing):
            raise self.wrong("must have a closing brace")
        match = _OPERATOR.match(self.text, self.position)
        if match is None:
            return Exists(path)
        self.position = match.end()
        operator = match[1]
        if operator in ("~=", "!~="):
            return self._pattern(path, negated=operator == "!~=")
        expand = str(path) in self._expand_values or path.names[0] in self._expand_values
        if operator in ("==", "!="):
            return Equality(path, self._values(expand), negated=operator == "!=")
        limit = self._literal(expand)
        if isinstance(limit.value, bool) or self.text.startswith(("..", ","), self.position):
            raise self.wrong(f"must not follow {operator}, which takes one number, string or time")
        return Order(path, operator, limit)

    def _hops(self) -> list[tuple[Path, tuple[str, ...]]]:
        """Read the relationships that are followed: each a path, a brace and perhaps types with a colon."""
        hops: list[tuple[Path, tuple[str, ...]]] = []
        while (match := _HOP.match(self.text, self.position)) is not None:
            if not self._links:
                raise Unsupported("q: queries that follow relationships to linked entities")
            if len(hops) >= MAX_DEPTH:
                raise self.wrong(f"follows more than {MAX_DEPTH} relationships")
            names = match["names"].split(".")
            path = Path(tuple(names), tuple(self._name(name) for name in names))
            hops.append((path, tuple(match["types"].split(",")) if match["types"] else ()))
            self.position = match.end()
        return hops

    def _name(self, name: str) -> str:
        try:
            return self._context.name(name)
        except Invalid as error:
            raise Invalid(error.reason, field="q") from None

    def _path(self) -> Path:
        match = _PATH.match(self.text, self.position)
        if match is None:
            raise self.wrong("is not the name of an attribute")
        written = match[0]
        names = tuple(written.split(".")) if _DOTTED.fullmatch(written) else (written,)
        iris = tuple(self._name(name) for name in names)
        self.position = match.end()
        trail: tuple[str, ...] = ()
        inside = _TRAIL.match(self.text, self.position)
        if inside is not None:
            trail = tuple(inside[1].split("."))
            if not all(trail):
                raise self.wrong("is not a path into a value")
            self.position = inside.end()
        return Path(names, iris, trail)

    def _values(self, expand: bool) -> tuple[Literal | Range, ...]:
        values = [self._value(expand)]
        while self._take(","):
            values.append(self._value(expand))
        if len(values) > MAX_TERMS:
            raise self.wrong(f"ends a list of more than {MAX_TERMS} values")
        return tuple(values)

    def _value(self, expand: bool) -> Literal | Range:
        low = self._literal(expand)
        if not self._take(".."):
            return low
        high = self._literal(expand)
        if isinstance(low.value, bool) or _family(low) is not _family(high):
            raise self.wrong("ends a range of values of different types")
        return Range(low, high)

    def _literal(self, expand: bool) -> Literal:
        match = _STRING.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            return self._text(match[0], self._unquoted(match[0]), expand)
        match = _NUMBER.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            return Literal(match[0], self._number(match[0]))
        match = _BARE.match(self.text, self.position)
        if match is None:
            raise self.wrong("is not a value")
        bare = match[0]
        if not is_uri(bare) and _NOT_IN_A_WORD.search(bare):
            raise self.wrong("must be a word, a URI, or a string in quotes; ; means and, | means or")
        self.position = match.end()
        if bare in ("true", "false"):
            return Literal(bare, bare == "true")
        return self._text(bare, bare, expand)

    def _text(self, written: str, text: str, expand: bool) -> Literal:
        expanded = self._context.expand(text) if expand and text else ""
        text = extended_form(text)
        return Literal(written, text, parse_moment(text), expanded)

    def _unquoted(self, quoted: str) -> str:
        try:
            text: Any = orjson.loads(quoted)
        except orjson.JSONDecodeError:
            raise self.wrong("follows a string that is not valid JSON") from None
        return str(text)

    def _number(self, text: str) -> int | float:
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise self.wrong("follows a number that is too large")
        return int(text) if text.lstrip("-").isdecimal() and len(text) < 19 else number

    def _pattern(self, path: Path, *, negated: bool) -> Matches:
        match = _STRING.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            source = self._unquoted(match[0])
        else:
            source = self._bare_pattern()
        try:
            pattern = compile_pattern(source)
        except Invalid as error:
            raise Invalid(f"the pattern {source!r} cannot be used: {error.reason}", field="q") from None
        return Matches(path, pattern, negated)

    def _bare_pattern(self) -> str:
        """Read a pattern without quotes: up to the first `;`, `|` or `)` that is not inside its own brackets."""
        start, depth = self.position, 0
        while self.position < len(self.text):
            sign = self.text[self.position]
            if sign == "\\":
                self.position += 1
            elif sign in "([":
                depth += 1
            elif depth == 0 and sign in ";|)":
                break
            elif sign in ")]":
                depth -= 1
            self.position += 1
        if self.position == start:
            raise self.wrong("is not a pattern")
        return self.text[start : self.position]


def _family(literal: Literal) -> type:
    if literal.moment is not None:
        return type(literal.moment)
    return str if isinstance(literal.value, str) else float
