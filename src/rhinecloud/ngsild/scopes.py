"""Scope queries: `/Duisburg/#`, `/+/Harbour`, `(/a;/b)|/c`.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.18 and 4.19.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rhinecloud.kernel.errors import Invalid

_SCOPE = re.compile(r"/#|/?(?:[^\W\d_]\w*|\+)(?:/(?:[^\W\d_]\w*|\+))*(?:/#)?")
_TOKEN = re.compile(r"[;|,()]|[^;|,()]+")


@dataclass(frozen=True, slots=True)
class ScopePattern:
    """Levels, where `+` is any one; `below` includes all levels underneath."""

    levels: tuple[str, ...]
    below: bool = False

    def matches(self, scope: str) -> bool:
        """Return whether one scope matches."""
        levels = scope.strip("/").split("/")
        mine = self.levels
        if len(levels) < len(mine) or (len(levels) > len(mine) and not self.below):
            return False
        return all(pattern in ("+", level) for pattern, level in zip(mine, levels, strict=False))


@dataclass(frozen=True, slots=True)
class ScopeQuery:
    """A disjunction of conjunctions of patterns."""

    text: str
    branches: tuple[tuple[ScopePattern, ...], ...]

    def __str__(self) -> str:
        return self.text

    def matches(self, scopes: Sequence[str]) -> bool:
        """Return whether an entity with these scopes matches."""
        return any(
            all(any(pattern.matches(scope) for scope in scopes) for pattern in branch)
            for branch in self.branches
        )


def parse_scope_q(text: str) -> ScopeQuery:
    """Read a scope query. Raise Invalid(field='scopeQ')."""
    branches = read_branches(text, field="scopeQ")
    return ScopeQuery(text, tuple(tuple(_pattern(each) for each in branch) for branch in branches))


def _pattern(text: str) -> ScopePattern:
    if _SCOPE.fullmatch(text) is None:
        raise Invalid(f"must be a scope, not {text!r}", field="scopeQ")
    levels = tuple(text.strip("/").split("/"))
    if levels[-1] == "#":
        return ScopePattern(levels[:-1], below=True)
    return ScopePattern(levels)


def read_branches(text: str, *, field: str) -> list[list[str]]:
    """Read `a|(b;c),d` into [[a], [b, c], [d]]. Raise Invalid naming `field` (the form of clauses 4.17 and 4.19).

    A single conjunction may lack its parentheses, and alternatives may have some: clients send both.
    """
    branches: list[list[str]] = []
    tokens = _TOKEN.findall(text)
    if ";" in tokens and not {"(", "|", ","} & set(tokens):
        tokens = ["(", *tokens, ")"]
    position = 0
    while position < len(tokens):
        group, position = _read_group(tokens, position)
        if not group or any(_is_sign(each) for branch in group for each in branch):
            raise Invalid(f"must have a name instead of a group or operator: {text!r}", field=field)
        branches += [[each.strip() for each in branch] for branch in group]
        if position < len(tokens):
            if tokens[position] not in ("|", ",") or position + 1 == len(tokens):
                raise Invalid(f"must have | or , between two alternatives: {text!r}", field=field)
            position += 1
    if not branches:
        raise Invalid("must not be empty", field=field)
    return branches


def _read_group(tokens: list[str], position: int) -> tuple[list[list[str]], int]:
    """Read a name, `(a;b)` or `(a|b)` into branches, and where it ends; no branches where it is none of these."""
    if tokens[position] != "(":
        return [[tokens[position]]], position + 1
    try:
        end = tokens.index(")", position)
    except ValueError:
        return [], position
    names, signs = tokens[position + 1 : end : 2], set(tokens[position + 2 : end : 2])
    if len(tokens[position + 1 : end]) % 2 == 0:
        return [], position
    if signs <= {";"}:
        return [names], end + 1
    return ([[each] for each in names] if signs <= {"|", ","} else []), end + 1


def _is_sign(token: str) -> bool:
    return token in (";", "|", ",", "(", ")") or not token.strip()
