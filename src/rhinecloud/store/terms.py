"""The conditions of a query on single attributes, as ranges of keys: each entity that matches has a key in one of them.

A range may include more than what matches, never less; if it includes just that, the term is `exact`. Conditions that
no range can express (patterns, negations, paths into values or to attributes of attributes) have no term.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import inf, nextafter
from typing import Any

from rhinecloud.ngsild.expression import Every, Expression, Some
from rhinecloud.ngsild.linked import Reaches
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.scopes import ScopePattern
from rhinecloud.ngsild.terms import Equality, Exists, Literal, Order, Range
from rhinecloud.store.keys import EXACT_BELOW, SCOPE, SEVERAL, TEXT_LENGTH, Key, key_of, key_of_number

LEAST, MOST = -inf, b"\xff"
LEAST_TEXT, AFTER_TEXT = "", b""
LAST_CHARACTER = "\U0010ffff"
MOST_SPANS = 100
TIMES = frozenset(f"https://uri.etsi.org/ngsi-ld/{name}" for name in ("createdAt", "modifiedAt", "expiresAt"))
"""Paths that mean the entity's own times if it has no such attribute."""

Has = Callable[[str], bool]
"""Returns whether there is an index for the attribute with this IRI."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The keys of an attribute from `low` to `high`, both included."""

    attribute: str
    low: Key
    high: Key


@dataclass(frozen=True, slots=True)
class IndexTerm:
    """An entity that matches has a key in one of the spans; `exact`: each that has one matches `q`; `sure`: each that
    has one in the first span and none in the others does.
    """

    spans: tuple[KeyRange, ...]
    exact: bool = False
    sure: bool = False

    @property
    def attributes(self) -> set[str]:
        """The attributes of the spans."""
        return {span.attribute for span in self.spans}


def terms_of(query: EntityQuery, has: Has) -> list[IndexTerm]:
    """Return every term of a query for which there are indexes."""
    terms = list(_of_expression(query.q, has)) if query.q is not None else []
    if query.attrs and all(map(has, query.attrs)):
        terms.append(IndexTerm(tuple(KeyRange(name, LEAST, MOST) for name in query.attrs)))
    if query.scope is not None and has(SCOPE):
        narrowest = (min(map(_span_of_scope, branch), key=_width) for branch in query.scope.branches)
        terms.append(IndexTerm(tuple(narrowest)))
    return [term for term in terms if len(term.spans) <= MOST_SPANS]


def _of_expression(expression: Expression, has: Has) -> Iterator[IndexTerm]:
    if isinstance(expression, Every):
        terms = [list(_of_expression(each, has)) for each in expression.terms]
        yield from _with_joint_spans(
            [term for found in terms for term in found], is_all=all(map(_is_number, expression.terms))
        )
    elif isinstance(expression, Some):
        branches = [next(_of_expression(each, has), None) for each in expression.terms]
        known = [term for term in branches if term is not None]
        if len(known) == len(branches):
            spans = tuple(span for term in known for span in term.spans)
            yield IndexTerm(spans, all(term.exact for term in known))
    elif isinstance(expression, Equality | Order | Exists | Reaches):
        name = _name(expression.path)
        leaf = _of_leaf(expression, name) if name and has(name) else None
        if leaf is not None:
            yield leaf


def _is_number(expression: Expression) -> bool:
    """Return whether a term is a bound that says whether a number matches."""
    return (
        isinstance(expression, Order)
        and not isinstance(expression.limit.value, str)
        and _is_exact(expression.limit)
    )


def _with_joint_spans(terms: list[IndexTerm], *, is_all: bool) -> Iterator[IndexTerm]:
    """Yield terms that all hold, those with one span of one attribute each as one: what their spans have in common.

    An entity with several keys may have one in each span and none in all, so it is found by that. `is_all`: they are
    all there is to check.
    """
    spans: dict[str, list[KeyRange]] = {}
    for term in terms:
        if len(term.spans) == 1:
            spans.setdefault(term.spans[0].attribute, []).append(term.spans[0])
        else:
            yield IndexTerm(term.spans)
    for name, each in spans.items():
        if len(each) == 1:
            yield IndexTerm((each[0],))
            continue
        low = max((span.low for span in each), key=_rank)
        high = min((span.high for span in each), key=_rank)
        several = KeyRange(name, SEVERAL, SEVERAL)
        joint = (KeyRange(name, low, high), several) if _rank(low) <= _rank(high) else (several,)
        yield IndexTerm(joint, sure=is_all and len(spans) == 1 and len(joint) > 1)


def _rank(key: Key) -> tuple[int, Any]:
    """Return what sorts keys as the engines do: numbers, texts, others."""
    return (0 if isinstance(key, float | int) else 1 if isinstance(key, str) else 2, key)


def _name(path: Path) -> str:
    """Return the attribute that a path is about, '' if it goes further than an index does."""
    name = path.iris[0]
    return "" if len(path.iris) > 1 or path.trail or name in TIMES or name == SCOPE else name


def _of_leaf(leaf: Equality | Order | Exists | Reaches, name: str) -> IndexTerm | None:
    if isinstance(leaf, Equality):
        if leaf.negated:
            return None
        parts = [_of_wanted(each, name) for each in leaf.wanted]
        return IndexTerm(
            tuple(span for each in parts for span in each.spans), all(each.exact for each in parts)
        )
    if isinstance(leaf, Order):
        return IndexTerm((_of_order(leaf, name),))
    if isinstance(leaf, Reaches):
        return IndexTerm(
            tuple(KeyRange(name, each[:TEXT_LENGTH], each[:TEXT_LENGTH]) for each in sorted(leaf.ids))
        )
    return IndexTerm((KeyRange(name, LEAST, MOST),), exact=True)


def _of_wanted(wanted: Literal | Range, name: str) -> IndexTerm:
    if isinstance(wanted, Range):
        low, high = wanted.low, wanted.high
        return IndexTerm((KeyRange(name, _lowest(low), _highest(high)),), _is_exact(low) and _is_exact(high))
    spans = [KeyRange(name, _lowest(wanted), _highest(wanted))]
    if wanted.expanded:
        spans.append(KeyRange(name, wanted.expanded[:TEXT_LENGTH], wanted.expanded[:TEXT_LENGTH]))
    return IndexTerm(tuple(spans), _is_exact(wanted))


def _of_order(order: Order, name: str) -> KeyRange:
    limit, is_text = order.limit, isinstance(order.limit.value, str)
    low, high = _lowest(limit), _highest(limit)
    if isinstance(low, float) and len(order.operator) == 1 and _is_exact(limit):
        low, high = nextafter(low, inf), nextafter(low, -inf)  # the limit itself does not match
    if order.operator in (">", ">="):
        return KeyRange(name, low, AFTER_TEXT if is_text else inf)
    return KeyRange(name, LEAST_TEXT if is_text else LEAST, high)


def _lowest(literal: Literal) -> Key:
    """Return the least key that a value equal to the literal, or greater, may have."""
    value = literal.value
    if isinstance(literal.moment, datetime):
        return _day(literal.moment, -1)
    if isinstance(value, str):
        return value[: _meaning(literal)]
    key = key_of(value)
    assert key is not None
    return key


def _highest(literal: Literal) -> Key:
    """Return the greatest key that a value equal to the literal, or less, may have."""
    if isinstance(literal.moment, datetime):
        return _day(literal.moment, 1) + LAST_CHARACTER
    key = _lowest(literal)
    return key + LAST_CHARACTER if literal.moment is not None and isinstance(key, str) else key


def _day(moment: datetime, days: int) -> str:
    """Return the date in UTC some days from a DateTime: the same DateTime may be written with any offset from UTC."""
    try:
        return (moment.astimezone(UTC) + timedelta(days)).date().isoformat()
    except OverflowError:
        return LEAST_TEXT if days < 0 else LAST_CHARACTER


def _meaning(literal: Literal) -> int:
    """Return how many characters are compared: a fraction of a second may be written in several ways."""
    return 8 if isinstance(literal.moment, time) else TEXT_LENGTH


def _is_exact(literal: Literal) -> bool:
    value = literal.value
    if isinstance(value, bool):
        return True
    if isinstance(value, str):
        texts = (value, literal.expanded)
        return literal.moment is None and all(len(text) < TEXT_LENGTH for text in texts)
    return abs(key_of_number(value)) < EXACT_BELOW


def _span_of_scope(pattern: ScopePattern) -> KeyRange:
    plain = pattern.levels[: pattern.levels.index("+")] if "+" in pattern.levels else pattern.levels
    start = ("/" + "/".join(plain))[:TEXT_LENGTH]
    if len(plain) == len(pattern.levels) and not pattern.below:
        return KeyRange(SCOPE, start, start)
    return KeyRange(SCOPE, start, start + LAST_CHARACTER)


def _width(span: KeyRange) -> tuple[bool, int]:
    return span.low != span.high, -len(str(span.low))


_PLAIN = frozenset(string.ascii_letters + string.digits + ":_-/%#@&=~!;, '\"<>")


def literal_prefix(pattern: str) -> str:
    """Return the text with which everything begins that a pattern such as `^urn:ngsi-ld:Gauge:1.*` finds, ''
    for none.
    """
    if not pattern.startswith("^") or "|" in pattern:
        return ""
    prefix, place = "", 1
    while place < len(pattern):
        sign, width = pattern[place], 1
        if sign == "\\" and pattern[place + 1 : place + 2] in (".", "+", "*", "?", "(", ")", "[", "]", "$"):
            sign, width = pattern[place + 1], 2
        elif sign not in _PLAIN:
            break
        if pattern[place + width : place + width + 1] in ("*", "?", "{"):
            break
        prefix += sign
        place += width
    return prefix
