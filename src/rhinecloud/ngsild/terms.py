"""The terms of a query expression that need only one entity: what each means, and how it is written again.

With several target values any one may match. Source: ETSI GS CIM 009 v1.9.1, clause 4.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from rhinecloud.ngsild.entity import RELATIONSHIPS, Entity
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.patterns import Pattern
from rhinecloud.ngsild.time_values import Moment, parse_moment


@dataclass(frozen=True, slots=True)
class Literal:
    """One value of a query: `text` as written, `value` a number, a boolean or a string.

    `moment` is set too if a quoted string is a date or time, because these are compared by time, not by letters.
    `expanded` is the IRI if the value is expanded before it is compared (`expandValues`).
    """

    text: str
    value: bool | int | float | str
    moment: Moment | None = None
    expanded: str = ""

    def equals(self, value: Any) -> bool:
        """Return whether a single target value equals this one; values of different types never do."""
        mine, kind = self.value, type(value)
        if kind is int or kind is float:
            return type(mine) in _NUMBERS and value == mine
        if kind is str:
            if value == mine or (self.expanded and value == self.expanded):
                return True
            return self.moment is not None and _same_moment(self.moment, parse_moment(value))
        if kind is dict and "@value" in value:
            return self.equals(value["@value"])
        return kind is bool and value is mine

    def compares(self, value: Any) -> int | None:
        """Return the sign of value minus this one; None if the two cannot be compared."""
        mine, kind = self.value, type(value)
        if kind is int or kind is float:
            return _sign(value, mine) if type(mine) in _NUMBERS else None
        if kind is dict and "@value" in value:
            return self.compares(value["@value"])
        if kind is not str:
            return None
        moment = parse_moment(value) if self.moment is not None else None
        if moment is not None:
            return _sign(moment, self.moment) if type(moment) is type(self.moment) else None
        return _sign(value, mine) if type(mine) is str else None


_NUMBERS = frozenset((int, float))


def _same_moment(one: Moment, other: Moment | None) -> bool:
    return type(one) is type(other) and one == other


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval."""

    low: Literal
    high: Literal

    def __str__(self) -> str:
        return f"{self.low.text}..{self.high.text}"

    def equals(self, value: Any) -> bool:
        """Return whether a single value is inside, both ends included."""
        low, high = self.low.compares(value), self.high.compares(value)
        return low is not None and high is not None and low >= 0 >= high


class ExpressionTerm:
    """A term about one path, written as the path (`subject`) and what follows it (`predicate`)."""

    __slots__ = ()

    path: Path

    @property
    def subject(self) -> str:
        """The part before the operator."""
        return str(self.path)

    @property
    def predicate(self) -> str:
        """The operator and what follows it; '' where there is none."""
        return ""

    def __str__(self) -> str:
        return self.subject + self.predicate


@dataclass(frozen=True, slots=True)
class Exists(ExpressionTerm):
    """The target exists, whatever its value."""

    path: Path

    def holds(self, entity: Entity) -> bool:
        """Return whether the entity has a target."""
        return bool(self.path.targets(entity))


@dataclass(frozen=True, slots=True)
class Missing:
    """No target exists: `!attr`, which many clients use and clause 4.9 lacks."""

    path: Path

    def __str__(self) -> str:
        return f"!{self.path}"

    def holds(self, entity: Entity) -> bool:
        """Return whether the entity has no target."""
        return not self.path.targets(entity)


@dataclass(frozen=True, slots=True)
class Equality(ExpressionTerm):
    """`==` or, when `negated`, `!=` to any of several values or ranges; an array equals what it includes."""

    path: Path
    wanted: tuple[Literal | Range, ...]
    negated: bool = False

    @property
    def predicate(self) -> str:
        """The operator and the values."""
        values = ",".join(each.text if isinstance(each, Literal) else str(each) for each in self.wanted)
        return f"{'!=' if self.negated else '=='}{values}"

    def holds(self, entity: Entity) -> bool:
        """Return whether any instance equals any value; when negated, whether any instance equals none of them."""
        wanted, negated = self.wanted, self.negated
        return any(_includes(value, wanted) is not negated for _, value in self.path.targets(entity))


def _includes(value: Any, wanted: tuple[Literal | Range, ...]) -> bool:
    values = value if isinstance(value, list) else (value,)
    return any(each.equals(one) for one in values for each in wanted)


_ORDERS = {">": (1,), ">=": (0, 1), "<": (-1,), "<=": (-1, 0)}


@dataclass(frozen=True, slots=True)
class Order(ExpressionTerm):
    """`>`, `>=`, `<` or `<=`: numbers, strings and times, each with values of the same type; never relationships."""

    path: Path
    operator: str
    limit: Literal

    @property
    def predicate(self) -> str:
        """The operator and the limit."""
        return f"{self.operator}{self.limit.text}"

    def holds(self, entity: Entity) -> bool:
        """Return whether any instance has this order to the limit."""
        signs, compares = _ORDERS[self.operator], self.limit.compares
        for kind, value in self.path.targets(entity):
            if kind in RELATIONSHIPS:
                continue
            values = value if kind == "LanguageProperty" and isinstance(value, list) else (value,)
            if any(compares(each) in signs for each in values):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Matches(ExpressionTerm):
    """`~=` or, when `negated`, `!~=`: a text in which the pattern is found, or is not."""

    path: Path
    pattern: Pattern
    negated: bool = False

    @property
    def predicate(self) -> str:
        """The operator and the pattern, quoted."""
        return f"{'!~=' if self.negated else '~='}{orjson.dumps(self.pattern.source).decode()}"

    def holds(self, entity: Entity) -> bool:
        """Return whether any instance's text, or one text of its array, matches; other values never do."""
        is_in = self.pattern.is_in
        for kind, value in self.path.targets(entity):
            if kind in RELATIONSHIPS:
                continue
            texts = [
                each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
            ]
            if texts and any(is_in(text) for text in texts) is not self.negated:
                return True
        return False
