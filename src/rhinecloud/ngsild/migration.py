"""How stored data gets from one version to the next: numbered, pure functions over the entities or records of a part.

A part lists its migrations in its `Part` value; `store.migrations` runs those that a city's store lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rhinecloud.ngsild.entity import Entity

Rewrite = Callable[[Entity], Mapping[str, Entity | None]]
"""Returns every entity that is to be put, by id, and None for one to be deleted; nothing where all stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityMigration:
    """Rewrites each entity of a type (IRI), in every tenant.

    `number` counts a part's migrations from 1 without gaps; a released migration is never changed. `rewrite` writes
    IRIs as they were at that number, not as the city's @context expands terms today.
    """

    number: int
    name: str
    type: str
    rewrite: Rewrite


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMigration:
    """Rewrites the body of each record of a kind, in every tenant."""

    number: int
    name: str
    kind: str
    rewrite: Callable[[bytes], bytes]


Migration: TypeAlias = EntityMigration | RecordMigration


def check_numbers(part: str, migrations: Sequence[Migration]) -> None:
    """Raise ValueError unless a part's migrations are numbered 1, 2, 3 and so on."""
    numbers = [each.number for each in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"the migrations of {part} must be numbered from 1 without gaps, not {numbers}")
