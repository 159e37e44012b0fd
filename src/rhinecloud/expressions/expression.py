"""A compiled expression, with what it reads."""

from __future__ import annotations

from dataclasses import dataclass

import cel

NamePath = tuple[str, ...]
"""A name with its members: `("previous", "waterLevel")`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that an expression reads, and where it first stands; line and column count from 1."""

    path: NamePath
    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Expression:
    """A compiled expression; `guarded` are the paths that it asks for with `has(…)` before it reads them."""

    source: str
    program: cel.Program
    references: tuple[Reference, ...]
    guarded: frozenset[NamePath] = frozenset()
