"""Expressions of rules: which of their names are attributes, and what must be known before one is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rhinecloud.expressions import Expression, Reference, compile_condition, compile_expression
from rhinecloud.risk.area import distance_m

PLACES = frozenset({"in_city", "in_surroundings"})
"""Variables that say where the entity is; they are read from its `location`."""

FACTS = PLACES | {
    "e",
    "previous",
    "observed",
    "age_s",
    "id",
    "type",
    "location",
    "window",
    "unit",
    "simulated",
}
"""Variables that are not attributes; an attribute of the same name is written `e.<name>`."""

FUNCTIONS = {"distance_m": distance_m}
"""Functions of rules, beside those of every expression."""

_GROUPS = frozenset({"previous", "window", "unit"})


@dataclass(frozen=True)
class Condition(Expression):
    """A compiled expression of a rule."""

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Return the compact names of the attributes that the expression reads."""
        return frozenset(attribute_of(each) for each in self.references) - {""}

    @cached_property
    def needs(self) -> tuple[Reference, ...]:
        """Return the references without which it is not evaluated: those that are not guarded by `has(…)`."""
        guarded = {_plain(path) for path in self.guarded}
        return tuple(each for each in self.references if _plain(each.path) not in guarded)


def parse_condition(source: str) -> Condition:
    """Compile an expression; raise InvalidExpression with the place of each fault in its text."""
    return _condition(compile_expression(source, FUNCTIONS))


def parse_truth(source: str) -> Condition:
    """Compile an expression that must be true or false; raise InvalidExpression, also where it never is."""
    return _condition(compile_condition(source, FUNCTIONS))


def attribute_of(reference: Reference) -> str:
    """Return the attribute that a reference reads, '' where it reads another fact."""
    head, *members = reference.path
    if head in ("e", "previous", "unit"):
        return members[0] if members else ""
    if head == "location" or head in PLACES:
        return "location"
    return "" if head in FACTS else head


def _condition(expression: Expression) -> Condition:
    return Condition(expression.source, expression.program, expression.references, expression.guarded)


def _plain(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return `e.x` and `x` as one; below an attribute, and above `previous`, the path is cut at the attribute."""
    if path[0] == "e":
        path = path[1:] or path
    return path[:2] if path[0] in _GROUPS else path[:1]
