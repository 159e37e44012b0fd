"""Reads `pick` and `omit`: members of an entity and of the entities that it links to.

Source: ETSI GS CIM 009 v1.9.1, clause 4.21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context

MAX_DEPTH = 16

_TOKEN = re.compile(r"[{},|]|[^{},|]+")


@dataclass(frozen=True, slots=True)
class Projection:
    """Members by IRI (`id` is `@id`, `type` is `@type`); `inside` maps a relationship to the members of linked
    entities.

    A relationship in `inside` is in `names` only if it is also given without braces.
    """

    names: frozenset[str] = frozenset()
    inside: Mapping[str, Projection] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How many relationships are followed."""
        return 1 + max(each.depth for each in self.inside.values()) if self.inside else 0

    @property
    def picked(self) -> frozenset[str]:
        """The members that a `pick` shows, with the relationships that are followed."""
        return self.names.union(self.inside)


def parse_projection(text: str, context: Context, *, field: str) -> Projection:
    """Read `a,b{c|d{e}}`. Raise Invalid naming the parameter."""
    reader = _PathReader(text, context, field)
    projection = reader.members(0)
    if reader.position < len(reader.tokens):
        raise reader.wrong("must not close a brace that was not opened")
    return projection


class _PathReader:
    def __init__(self, text: str, context: Context, field_name: str) -> None:
        self.tokens: list[str] = _TOKEN.findall(text)
        self.position = 0
        self._context = context
        self._field = field_name

    def wrong(self, reason: str) -> Invalid:
        return Invalid(reason, field=self._field)

    def members(self, depth: int) -> Projection:
        if depth > MAX_DEPTH:
            raise self.wrong(f"must follow at most {MAX_DEPTH} relationships")
        names: set[str] = set()
        inside: dict[str, Projection] = {}
        while True:
            name = self._name()
            if self._take("{"):
                if name in inside:
                    raise self.wrong(f"must name {name} only once")
                inside[name] = self.members(depth + 1)
                if not self._take("}"):
                    raise self.wrong("must close each brace")
            else:
                names.add(name)
            if not (self._take(",") or self._take("|")):
                return Projection(frozenset(names), inside)

    def _take(self, sign: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] == sign:
            self.position += 1
            return True
        return False

    def _name(self) -> str:
        token = self.tokens[self.position] if self.position < len(self.tokens) else ""
        if not token or token in "{},|":
            raise self.wrong("must name a member between two signs")
        self.position += 1
        if token in ("id", "type"):
            return f"@{token}"
        try:
            return self._context.name(token)
        except Invalid as error:
            raise self.wrong(error.reason) from None
