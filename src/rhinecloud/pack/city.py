"""What a pack sees of a city: its entities, their changes and their past, the actions of others, clock and settings.

Routes, actions and workers of a pack get a `City`. It acts as the pack's own actor, `pack:<name>`, under the city's
policy; names of types and attributes are those of the pack's own @context.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rhinecloud.kernel.actor import Actor
from rhinecloud.pack.mapping import EntityFragment

ACTOR = "rhinecloud.actor"
"""The key of an HTTP request's ASGI scope under which the city puts who calls."""


def caller_of(scope: MutableMapping[str, Any]) -> Actor:
    """Return who calls a route: the actor behind the request's credentials, from its ASGI scope."""
    actor: Actor = scope[ACTOR]
    return actor


@dataclass(frozen=True, slots=True)
class EntityChange:
    """A change of one entity: the entity afterwards, in its last state where it was deleted.

    `kind` is `created`, `updated` or `deleted`; `changed` names the attributes that were written. `at` is the moment
    when the city learnt it, `position` its number in the order of all changes.
    """

    kind: str
    entity: EntityFragment
    changed: tuple[str, ...]
    at: datetime
    position: int

    @property
    def id(self) -> str:
        """Return the entity's id."""
        found: str = self.entity["id"]
        return found


@dataclass(frozen=True, slots=True)
class PastValue:
    """A past value of an attribute: when it was true, when the city learnt it; None where it was deleted."""

    observed_at: datetime
    recorded_at: datetime
    value: Any
    unit_code: str = ""
    dataset_id: str = ""


class City(Protocol):
    """The city as one pack sees it.

    Entities are NGSI-LD in concise form with the pack's names (ETSI GS CIM 009 v1.9.1, clause 4.5.17). Every method
    that reads or writes raises Forbidden where the policy does not permit it to the actor, and Unavailable while an
    engine is away.
    """

    @property
    def settings(self) -> Any:
        """Return `[packs.<name>]` as the dataclass that the pack declares, None where it declares none."""
        ...

    @property
    def log(self) -> logging.Logger:
        """Return the pack's own logger."""
        ...

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC: of the city's clock, which tests set."""
        ...

    def acting_for(self, actor: Actor) -> City:
        """Return the same city with the rights of a caller instead of the pack's.

        Writes stay within the types that the pack's manifest names.
        """
        ...

    async def get(self, entity_id: str) -> EntityFragment:
        """Return an entity; raises NotFound."""
        ...

    async def find(self, entity_id: str) -> EntityFragment | None:
        """Return an entity, None where there is none that the actor may read."""
        ...

    async def query(
        self, entity_type: str, *, q: str = "", limit: int = 1_000, offset: int = 0
    ) -> list[EntityFragment]:
        """Return entities of a type, by id; `q` is an expression such as `speed>5;status=="open"` (clause 4.9).

        Raises Invalid for a `q` that is none.
        """
        ...

    async def create(self, entity: EntityFragment) -> None:
        """Create an entity; raises Conflict where it exists, Invalid where it is malformed."""
        ...

    async def merge(self, *fragments: EntityFragment) -> None:
        """Merge fragments into their entities, in one write; one with a type creates its entity where there is none.

        Raises Invalid or Conflict, Faults for several: the sound fragments are written all the same.
        """
        ...

    async def delete(self, entity_id: str) -> None:
        """Delete an entity; raises NotFound."""
        ...

    def follow(
        self, name: str, types: Sequence[str], *, from_start: bool = False
    ) -> AsyncIterator[EntityChange]:
        """Yield every change of entities of some types, in order, for ever.

        The position is kept under `name`: after a restart the iteration goes on where it was. A change is done when
        the next one is asked for, so the last changes may come again; what is done with them must be idempotent. The
        first time it begins after the newest change; with `from_start`, with the oldest that the stream holds.
        """
        ...

    def every(self, interval_s: float) -> AsyncIterator[datetime]:
        """Yield the present moment at once and then after each interval, measured from the end of the work."""
        ...

    async def series(
        self,
        entity_id: str,
        attribute: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1_000,
    ) -> list[PastValue]:
        """Return the newest `limit` values of an attribute observed from `since` to before `until`, in rising order."""
        ...

    async def call(self, action: str, parameters: Mapping[str, Any]) -> Any:
        """Call an action of a part or pack by name; raises what it raises, Unsupported where nothing offers it."""
        ...
