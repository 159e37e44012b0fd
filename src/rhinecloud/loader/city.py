"""The city as a pack's code sees it: broker, history, changes and actions, as one actor, in the pack's own names."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rhinecloud.broker.api.history import HistoryQueries
from rhinecloud.broker.service import Broker
from rhinecloud.changes.batch import Selection
from rhinecloud.changes.follower import Follower
from rhinecloud.changes.marks import Marks
from rhinecloud.history.port import History
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, RhineCloudError
from rhinecloud.kernel.faults import Faults
from rhinecloud.kernel.time import Clock, format_time, parse_time
from rhinecloud.loader.model import LoadedPack
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.parsing import parse_entity, parse_fragment
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.ngsild.rendering import Options, render
from rhinecloud.pack import City, EntityChange, EntityFragment, PastValue
from rhinecloud.part import Actions, PartContext
from rhinecloud.policy import Authorization, CoreAction
from rhinecloud.store.port import Store
from rhinecloud.stream.connection import StreamConnection
from rhinecloud.stream.port import Stream

CONCISE = Options(form="concise")


def pack_actor(name: str, space: str) -> Actor:
    """Return the actor that stands for a pack."""
    return Actor(id=f"pack:{name}", name=f"pack {name}", roles=frozenset({Role.PACK}), tenant=space)


def follower_name(pack: str, name: str) -> str:
    """Return the name under which the position of a pack's follower is kept."""
    return f"pack:{pack}:{name}"


@dataclass(frozen=True, slots=True)
class CityServices:
    """What the parts below offer to packs, of one space."""

    space: str
    broker: Broker
    history: History
    authorization: Authorization
    store: Store
    stream: Stream
    actions: Actions
    clock: Clock

    @classmethod
    def of(cls, context: PartContext) -> CityServices:
        """Take the services of a running space."""
        services = context.services
        return cls(
            space=context.space,
            broker=services.get(Broker),
            history=services.get(History),
            authorization=services.get(Authorization),
            store=services.get(Store),
            stream=services.get(StreamConnection).stream,
            actions=context.actions,
            clock=context.clock,
        )


@dataclass(frozen=True, slots=True)
class ActiveFollower:
    """A follower, and the worker that uses it."""

    user: str
    follower: Follower


@dataclass(frozen=True)
class PackCity:
    """A `City` for one pack and actor; `followers` are all of the pack's, by the name of their position."""

    name: str
    context: Context
    writes: frozenset[str]
    """IRIs of the types that the pack may write."""
    settings: Any
    actor: Actor
    services: CityServices
    user: str = ""
    """The worker that it was made for, '' for routes and actions."""
    followers: dict[str, ActiveFollower] = field(default_factory=dict)

    @classmethod
    def of(cls, pack: LoadedPack, settings: Any, services: CityServices) -> PackCity:
        """Return the city of a pack, acting as the pack itself."""
        writes = frozenset(pack.context.expand(name) for name in pack.manifest.pack.writes)
        actor = pack_actor(pack.name, services.space)
        return cls(pack.name, pack.context, writes, settings, actor, services)

    def used_by(self, worker: str) -> PackCity:
        """Return the same city for one worker of the pack."""
        return replace(self, user=worker)

    async def close_followers(self) -> None:
        """Write the positions of what this worker follows: its own loops may never be closed."""
        for active in self.followers.values():
            if active.user == self.user:
                await active.follower.close()

    @property
    def log(self) -> logging.Logger:
        """Return the pack's own logger."""
        return logging.getLogger(f"rhinecloud.packs.{self.name}")

    def now(self) -> datetime:
        """Return the present moment of the city's clock."""
        return self.services.clock()

    def acting_for(self, actor: Actor) -> City:
        """Return the same city with the rights of a caller."""
        return replace(self, actor=actor)

    async def get(self, entity_id: str) -> EntityFragment:
        """Return an entity; raise NotFound."""
        stored = await self.services.broker.get(self.actor, self.services.space, entity_id)
        return self._shown(stored.entity())

    async def find(self, entity_id: str) -> EntityFragment | None:
        """Return an entity, None where there is none that the actor may read."""
        stored = await self.services.broker.find(self.actor, self.services.space, entity_id)
        return self._shown(stored.entity()) if stored else None

    async def query(
        self, entity_type: str, *, q: str = "", limit: int = 1_000, offset: int = 0
    ) -> list[EntityFragment]:
        """Return entities of a type; `q` is an expression of NGSI-LD (clause 4.9)."""
        query = EntityQuery(
            types=((self.context.name(entity_type),),),
            q=parse_q(q, self.context) if q else None,
            limit=limit,
            offset=offset,
        )
        page = await self.services.broker.query(self.actor, self.services.space, query)
        return [self._shown(stored.entity()) for stored in page.items]

    async def create(self, entity: EntityFragment) -> None:
        """Create an entity; raise Conflict where it exists."""
        parsed = parse_entity(entity, self.context)
        self._may_write(parsed.type)
        await self.services.broker.create(self.actor, self.services.space, parsed)

    async def merge(self, *fragments: EntityFragment) -> None:
        """Merge fragments into their entities, in one write; raise what is wrong with them."""
        for fragment in fragments:
            try:
                parsed = parse_fragment(fragment, self.context)
            except RhineCloudError:  # the broker refuses it too, and writes the others
                continue
            await self._may_merge(parsed)
        outcomes = await self.services.broker.ingest(
            self.actor, self.services.space, list(fragments), self.context
        )
        errors = [each for each in outcomes if isinstance(each, RhineCloudError)]
        invalid = [each for each in errors if isinstance(each, Invalid)]
        if len(errors) > 1 and len(invalid) == len(errors):
            raise Faults(invalid)
        for error in errors:
            raise error

    async def delete(self, entity_id: str) -> None:
        """Delete an entity; raise NotFound."""
        stored = await self.services.broker.get(self.actor, self.services.space, entity_id)
        self._may_write(stored.entity().type)
        await self.services.broker.delete(self.actor, self.services.space, entity_id)

    async def follow(
        self, name: str, types: Sequence[str], *, from_start: bool = False
    ) -> AsyncIterator[EntityChange]:
        """Yield every change of entities of some types, in order, but for late ones; the position is kept under `name`.

        A change is done when the next one is asked for: a worker that fails, or is killed, gets it again.
        """
        follower = self._follower(name, types, from_start=from_start)
        async with aclosing(follower.batches()) as batches:
            async for batch in batches:
                if batch.missed:
                    self.log.error("%s: %d changes are not in the stream any more", name, batch.missed)
                for change in batch.changes():
                    if not change.is_late and self._may_read(change.entity):
                        yield self._shown_change(change)
                        follower.done(change.seq)

    async def every(self, interval_s: float) -> AsyncIterator[datetime]:
        """Yield the present moment at once and then after each interval."""
        while True:
            yield self.now()
            await asyncio.sleep(interval_s)

    async def series(
        self,
        entity_id: str,
        attribute: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1_000,
    ) -> list[PastValue]:
        """Return the newest values of an attribute, in rising order."""
        services = self.services
        past = HistoryQueries(
            services.history, services.broker, services.authorization, self.context, services.space
        )
        await past.check(self.actor, entity_id)
        samples = await services.history.series(
            services.space,
            entity_id,
            self.context.name(attribute),
            since=format_time(since) if since else "",
            until=format_time(until) if until else "",
            limit=limit,
        )
        return [
            PastValue(
                observed_at=parse_time(each.observed_at),
                recorded_at=parse_time(each.recorded_at),
                value=each.value,
                unit_code=each.unit_code,
                dataset_id=each.dataset_id,
            )
            for each in samples
        ]

    async def call(self, action: str, parameters: Mapping[str, Any]) -> Any:
        """Call an action by name."""
        return await self.services.actions.call(self.actor, action, parameters)

    def _follower(self, name: str, types: Sequence[str], *, from_start: bool) -> Follower:
        active = self.followers.get(name)
        if active is not None and active.user != self.user:
            raise Conflict(f"the worker {active.user!r} follows changes under the name {name!r} already")
        follower = Follower(
            follower_name(self.name, name),
            self.services.stream,
            Marks(self.services.store),
            select=Selection(self.services.space, frozenset(map(self.context.name, types))),
            from_start=from_start,
        )
        self.followers[name] = ActiveFollower(self.user, follower)
        return follower

    def _shown(self, entity: Entity) -> EntityFragment:
        return render(entity, self.context, CONCISE)

    def _shown_change(self, change: Change) -> EntityChange:
        return EntityChange(
            kind=change.kind.value,
            entity=self._shown(change.entity),
            changed=tuple(map(self.context.compact, change.changed)),
            at=parse_time(change.at),
            position=change.seq,
        )

    def _may_read(self, entity: Entity) -> bool:
        return self.services.authorization.allows(
            self.actor, CoreAction.READ, self.services.space, entity=entity
        )

    async def _may_merge(self, fragment: Entity) -> None:
        self._may_write(fragment.type)
        present = await self.services.broker.find(self.actor, self.services.space, fragment.id)
        if present is not None:
            self._may_write(present.entity().type)

    def _may_write(self, types: Sequence[str]) -> None:
        """Raise Forbidden unless the manifest names each of the types."""
        for name in types:
            if name not in self.writes:
                short = self.context.compact(name)
                raise Forbidden(f"the pack {self.name} may not write {short}: pack.toml does not name it")
