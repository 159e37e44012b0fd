"""Query terms that follow a relationship: `sensor{Device:humidity}==40` is about the entities that `sensor` leads to.

One entity is not enough to evaluate them. The caller searches for the entities for which the inner term holds, and
replaces the term by the result. Source: ETSI GS CIM 009 v1.9.1, clause 4.9, examples 13 and 14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rhinecloud.kernel.errors import Unsupported
from rhinecloud.ngsild.entity import RELATIONSHIPS, Entity
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.terms import Equality, Exists, Matches, Order


@dataclass(frozen=True, slots=True)
class Linked:
    """The relationship at `path` leads to an entity, of one of `types` if any are given, for which `term` holds.

    `type_names` are the types as written, `types` their IRIs.
    """

    path: Path
    term: Exists | Equality | Order | Matches | Linked
    type_names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The part before the operator."""
        hint = f"{','.join(self.type_names)}:" if self.type_names else ""
        return f"{self.path}{{{hint}{self.term.subject}}}"

    @property
    def predicate(self) -> str:
        """The operator and what follows it."""
        return self.term.predicate

    @property
    def depth(self) -> int:
        """How many relationships are followed in a row."""
        return 1 + (self.term.depth if isinstance(self.term, Linked) else 0)

    def __str__(self) -> str:
        return self.subject + self.predicate

    def holds(self, entity: Entity) -> bool:
        """Raise Unsupported: this term must be resolved first."""
        raise Unsupported(f"q: {self} must be resolved first")


@dataclass(frozen=True, slots=True)
class Reaches:
    """The relationship at `path` leads to one of these entities: a resolved `Linked`."""

    path: Path
    ids: frozenset[str]

    def __str__(self) -> str:
        return f"{self.path}=={','.join(sorted(self.ids))}"

    def holds(self, entity: Entity) -> bool:
        """Return whether any instance leads to one of the entities."""
        ids = self.ids
        for kind, value in self.path.targets(entity):
            if kind in RELATIONSHIPS and any(
                each in ids for each in (value if isinstance(value, list) else (value,))
            ):
                return True
        return False


Found = Mapping[Linked, frozenset[str]]
"""The ids of the entities that each term's relationship may lead to."""
