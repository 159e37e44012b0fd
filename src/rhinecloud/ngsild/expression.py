"""A query expression (`q`): terms joined by `;` and `|`, what it means for an entity, and how it is written again.

Source: ETSI GS CIM 009 v1.9.1, clause 4.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.linked import Found, Linked, Reaches
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.terms import Equality, Exists, Matches, Missing, Order


@dataclass(frozen=True, slots=True)
class Every:
    """All terms hold (`;`)."""

    terms: tuple[Expression, ...]

    def __str__(self) -> str:
        return ";".join(_grouped(each) for each in self.terms)

    def holds(self, entity: Entity) -> bool:
        """Return whether all terms hold."""
        return all(each.holds(entity) for each in self.terms)


@dataclass(frozen=True, slots=True)
class Some:
    """At least one term holds (`|`)."""

    terms: tuple[Expression, ...]

    def __str__(self) -> str:
        return "|".join(f"({each})" if isinstance(each, Some) else str(each) for each in self.terms)

    def holds(self, entity: Entity) -> bool:
        """Return whether a term holds."""
        return any(each.holds(entity) for each in self.terms)


Expression = Exists | Missing | Equality | Order | Matches | Linked | Reaches | Every | Some
"""Every expression has `holds(entity)`, and `str(expression)` can be parsed again."""


def _grouped(term: Expression) -> str:
    return f"({term})" if isinstance(term, Every | Some) else str(term)


def paths(expression: Expression) -> Iterator[Path]:
    """Yield the paths of an expression, in order: what an index may hold."""
    if isinstance(expression, Every | Some):
        for each in expression.terms:
            yield from paths(each)
    else:
        yield expression.path


class Cost(NamedTuple):
    """The size of an expression: its terms, those that match a pattern, and the relationships followed in a row."""

    terms: int = 0
    patterns: int = 0
    links: int = 0


def cost_of(expression: Expression) -> Cost:
    """Return the size of an expression."""
    if isinstance(expression, Every | Some):
        costs = [cost_of(each) for each in expression.terms]
        return Cost(
            sum(each.terms for each in costs),
            sum(each.patterns for each in costs),
            max(each.links for each in costs),
        )
    if isinstance(expression, Linked):
        inner = cost_of(expression.term)
        return Cost(inner.terms, inner.patterns, expression.depth)
    if isinstance(expression, Equality):
        return Cost(len(expression.wanted))
    return Cost(1, isinstance(expression, Matches))


def links(expression: Expression) -> list[Linked]:
    """Return the terms of an expression that follow relationships."""
    if isinstance(expression, Every | Some):
        return [linked for each in expression.terms for linked in links(each)]
    return [expression] if isinstance(expression, Linked) else []


def resolve(expression: Expression, found: Found) -> Expression:
    """Return the expression with the terms that follow relationships replaced by what was found."""
    if isinstance(expression, Every | Some):
        return type(expression)(tuple(resolve(each, found) for each in expression.terms))
    return Reaches(expression.path, found[expression]) if isinstance(expression, Linked) else expression
