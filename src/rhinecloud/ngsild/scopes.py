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
    """Levels of which `+` is any one; `below` takes in the whole hierarchy underneath."""

    levels: tuple[str, ...]
    below: bool = False

    def matches(self, scope: str) -> bool:
        """Return whether one scope fits."""
        levels = scope.strip("/").split("/")
        mine = self.levels
        if len(levels) < len(mine) or (len(levels) > len(mine) and not self.below):
            return False
        return all(wish in ("+", level) for wish, level in zip(mine, levels, strict=False))


@dataclass(frozen=True, slots=True)
class ScopeQuery:
    """A disjunction of conjunctions of patterns."""

    text: str
    branches: tuple[tuple[ScopePattern, ...], ...]

    def __str__(self) -> str:
        return self.text

    def matches(self, scopes: Sequence[str]) -> bool:
        """Return whether an entity with these scopes is meant."""
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
        raise Invalid(f"{text!r} is not a scope", field="scopeQ")
    levels = tuple(text.strip("/").split("/"))
    if levels[-1] == "#":
        return ScopePattern(levels[:-1], below=True)
    return ScopePattern(levels)


def read_branches(text: str, *, field: str) -> list[list[str]]:
    """Read `a|(b;c),d` into [[a], [b, c], [d]]. Raise Invalid naming `field` (the form of clauses 4.17 and 4.19).

    A lone conjunction may stand without its parentheses, and alternatives with some, as clients write them.
    """
    branches: list[list[str]] = []
    tokens = _TOKEN.findall(text)
    if ";" in tokens and not {"(", "|", ","} & set(tokens):
        tokens = ["(", *tokens, ")"]
    place = 0
    while place < len(tokens):
        group, place = _read_group(tokens, place)
        if not group or any(_is_sign(each) for branch in group for each in branch):
            raise Invalid(f"{text!r} has a group or operator where a name belongs", field=field)
        branches += [[each.strip() for each in branch] for branch in group]
        if place < len(tokens):
            if tokens[place] not in ("|", ",") or place + 1 == len(tokens):
                raise Invalid(f"{text!r} needs | or , between two alternatives", field=field)
            place += 1
    if not branches:
        raise Invalid("is empty", field=field)
    return branches


def _read_group(tokens: list[str], place: int) -> tuple[list[list[str]], int]:
    """Read a name, `(a;b)` or `(a|b)` into branches, and where it ends; no branches where it is none of these."""
    if tokens[place] != "(":
        return [[tokens[place]]], place + 1
    try:
        end = tokens.index(")", place)
    except ValueError:
        return [], place
    names, signs = tokens[place + 1 : end : 2], set(tokens[place + 2 : end : 2])
    if len(tokens[place + 1 : end]) % 2 == 0:
        return [], place
    if signs <= {";"}:
        return [names], end + 1
    return ([[each] for each in names] if signs <= {"|", ","} else []), end + 1


def _is_sign(token: str) -> bool:
    return token in (";", "|", ",", "(", ")") or not token.strip()
