"""The broker's Python interface: every read and write of the city's state, under the policy, in NGSI-LD's terms.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.6 (provision) and 5.7 (consumption).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rhinecloud.broker.entities.discovery import Discovery, TypeCounts
from rhinecloud.broker.entities.edits import EditBuilder, TypeSelection
from rhinecloud.broker.entities.expiry import expire
from rhinecloud.broker.entities.fragments import coalesce, merge_or_add, receive, removal, strip
from rhinecloud.broker.entities.visibility import ReadFilter
from rhinecloud.broker.errors import NonexistentTenant
from rhinecloud.broker.links.follow import follow
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import NotFound, RhineCloudError, Unavailable
from rhinecloud.kernel.page import Page
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.expression import links
from rhinecloud.ngsild.parsing import parse_fragment
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.policy import Authorization, CoreAction
from rhinecloud.store.port import Decide, DecideJointly, Edit, JointEdit, Store, Stored, Written

PAGE = 1_000
"""Entities on a page where all that match are processed."""

SWEEP_S = 1.0
SWEEPER = part("broker")

logger = logging.getLogger(__name__)

Outcome = Written | RhineCloudError
"""The result for one entity of several."""

Plan = Callable[[EditBuilder], Decide]
"""Returns the decision about one entity for a writer and a time. May raise a RhineCloudError at once."""


class Broker:
    """The only access to the city's state, and itself under the policy."""

    def __init__(
        self, store: Store, policy: Authorization, clock: Clock, *, max_attributes: int = 1_000
    ) -> None:
        self._store = store
        self._max_attributes = max_attributes
        self._policy = policy
        self._clock = clock
        self._read_filter = ReadFilter(policy, self.moment)
        self._discovery = Discovery(store, clock)
        self._tenants: set[str] = {""}
        self.version = store.version
        """Returns an entity's version, or for '' the newest change, if that needs no waiting: see the store's port."""

    async def create(self, actor: Actor, tenant: str, entity: Entity) -> Written:
        """Create an entity. Raise AlreadyExists (clause 5.6.1)."""
        return await self.write(actor, tenant, entity.id, lambda writer: writer.create(entity))

    async def upsert(
        self, actor: Actor, tenant: str, entities: Sequence[Entity], *, replace: bool = False
    ) -> list[Outcome]:
        """Create each entity or, where it exists, overwrite its attributes or `replace` it whole (clause 5.6.8)."""
        return await self.write_all(
            actor,
            tenant,
            [(entity.id, merge_or_add(entity, replace=replace)) for entity in entities],
        )

    async def edit(
        self, actor: Actor, tenant: str, entity_id: str, decide: Decide, *, action: str = ""
    ) -> Written:
        """Write what `decide` returns for the present entity, within the transaction. Raise what `decide` raises.

        The policy must permit `action`, or else to create, update or delete, whatever `decide` does.
        """
        return await self.write(actor, tenant, entity_id, lambda writer: writer.guard(decide, action))

    async def edit_jointly(
        self,
        actor: Actor,
        tenant: str,
        entity_ids: Sequence[str],
        decide: DecideJointly,
        *,
        subjects: Sequence[str],
        action: str = CoreAction.UPDATE,
    ) -> dict[str, Written]:
        """Write what `decide` returns for several entities, in one transaction. Raise what `decide` raises.

        The policy must permit the `action` on at least one of `subjects`; the others are written as part of it.
        """
        builder = EditBuilder(self._policy, actor, tenant, self.moment(), self._max_attributes)
        guarded = builder.guard_jointly(subjects, decide, action)
        return await self._store.write_jointly(JointEdit(tenant, entity_ids, guarded, builder.now, actor.id))

    async def delete(
        self, actor: Actor, tenant: str, entity_id: str, *, types: TypeSelection = ()
    ) -> Written:
        """Delete an entity. Raise NotFound (clause 5.6.6)."""
        return await self.write(actor, tenant, entity_id, lambda writer: writer.remove(entity_id, types))

    async def get(self, actor: Actor, tenant: str, entity_id: str) -> Stored:
        """Return an entity. Raise NotFound (clause 5.7.1)."""
        stored = await self.find(actor, tenant, entity_id)
        if stored is None:
            await self.need_tenant(tenant)
            raise NotFound(f"there is no entity {entity_id}")
        return stored

    async def find(self, actor: Actor, tenant: str, entity_id: str) -> Stored | None:
        """Return an entity, or None where there is none that the actor may know of."""
        stored = await self._store.get(tenant, entity_id)
        if stored is None:
            self._policy.check_could(actor, CoreAction.READ, tenant)
            return None
        return stored if self._read_filter.admits(actor, tenant, stored) else None

    async def find_many(self, actor: Actor, tenant: str, entity_ids: Collection[str]) -> list[Stored]:
        """Return the entities that exist and that the actor may read."""
        found = await self._store.get_many(tenant, list(entity_ids))
        return list(self._read_filter.visible(actor, tenant, list(found.values())))

    async def query(self, actor: Actor, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return the page of entities that match, without those that the actor may not read (clause 5.7.2)."""
        self._may_ask(actor, tenant, query)
        if tenant:
            await self.need_tenant(tenant)
        if query.q is not None and links(query.q):
            query = replace(query, q=await follow(query.q, partial(self.query, actor, tenant)))
        hidden, rows = self._policy.hidden_types(actor, tenant), self._policy.visible_rows(actor, tenant)
        if hidden or rows is not None:
            query = replace(query, hidden=hidden, rows=rows)
        page = await self._store.query(tenant, query)
        items = self._read_filter.visible(actor, tenant, page.items)
        return page if len(items) == len(page.items) else Page(items, page.offset, page.more, page.total)

    async def ingest(
        self,
        actor: Actor,
        tenant: str,
        fragments: Sequence[dict[str, Any]],
        context: Context,
        *,
        measured: bool = False,
    ) -> list[Outcome]:
        """Merge concise NGSI-LD fragments, as connectors make them, in one write. Return one outcome per fragment, in
        order.

        A fragment with a type creates the entity that it names. Where they are `measured`, a value that is not marked
        as simulated ends that mark of its entity. Fragments of one entity with
        disjoint attributes become one change; a value that supersedes another one of the same call is a change of its
        own, so that none is lost. What has an older `observedAt` than what is in place is `late`: in the change, for
        history, and not in the present state.
        """
        now = self.moment()
        parsed: list[Entity | RhineCloudError] = []
        for fragment in fragments:
            try:
                parsed.append(parse_fragment(fragment, context, now=now))
            except RhineCloudError as error:
                parsed.append(error)
        groups = coalesce(parsed)
        plans = [(entity.id, receive(entity, parts, measured=measured)) for entity, _, parts in groups]
        outcomes = await self.write_all(actor, tenant, plans, now=now)
        answers: list[Outcome | None] = [
            each if isinstance(each, RhineCloudError) else None for each in parsed
        ]
        for (_, positions, _), outcome in zip(groups, outcomes, strict=True):
            for position in positions:
                answers[position] = outcome
        return [each for each in answers if each is not None]

    async def write(self, actor: Actor, tenant: str, entity_id: str, plan: Plan, *, now: str = "") -> Written:
        """Carry out one plan. Raise what it or its decision raises."""
        writer = EditBuilder(self._policy, actor, tenant, now or self.moment(), self._max_attributes)
        try:
            edit = Edit(tenant, entity_id, plan(writer), writer.now, actor.id)
            (outcome,) = await self._store.write([edit])
            if isinstance(outcome, Written):
                return outcome
            raise outcome
        except NotFound:
            await self.need_tenant(tenant)
            raise

    async def write_all(
        self, actor: Actor, tenant: str, plans: Sequence[tuple[str, Plan]], *, now: str = ""
    ) -> list[Outcome]:
        """Carry out plans in their order in one write, each failing alone, all with one time (clause 5.5.11).

        `now` is that time, if the caller has asked `moment` for it already. Raise NonexistentTenant if nothing was
        found because there is no such tenant (clause 5.5.10).
        """
        writer = EditBuilder(self._policy, actor, tenant, now or self.moment(), self._max_attributes)
        outcomes: list[Outcome | None] = []
        pending: list[Edit] = []
        for entity_id, plan in plans:
            try:
                decide = plan(writer)
            except RhineCloudError as error:
                outcomes.append(error)
                continue
            outcomes.append(None)
            pending.append(Edit(tenant, entity_id, decide, writer.now, actor.id))
        written = iter(await self._store.write(pending)) if pending else iter(())
        outcomes_in_order = [
            outcome if outcome is not None else _expected(next(written)) for outcome in outcomes
        ]
        if outcomes_in_order and all(isinstance(each, NotFound) for each in outcomes_in_order):
            await self.need_tenant(tenant)
        return outcomes_in_order

    async def purge(
        self,
        actor: Actor,
        tenant: str,
        query: EntityQuery,
        *,
        drop: frozenset[str] = frozenset(),
        keep: frozenset[str] = frozenset(),
    ) -> list[tuple[str, Outcome]]:
        """Delete every entity that matches, or only its attributes to `drop`, or all but those to `keep`.

        Return the outcome for each entity by its id (clause 5.6.21).
        """
        strips = bool(drop or keep)
        results: list[tuple[str, Outcome]] = []
        offset = 0
        while True:
            page = await self.query(actor, tenant, replace(query, limit=PAGE, offset=offset))
            plans = [
                (stored.id, strip(stored.id, drop, keep) if strips else removal(stored.id))
                for stored in page.items
            ]
            outcomes = await self.write_all(actor, tenant, plans)
            results += zip((stored.id for stored in page.items), outcomes, strict=True)
            gone = sum(isinstance(outcome, Written) for outcome in outcomes)
            offset += PAGE if strips else PAGE - gone
            if not page.more:
                return results

    async def discover(self, actor: Actor, tenant: str) -> TypeCounts:
        """Count the tenant's types and attributes (clauses 5.7.5 to 5.7.10)."""
        self._policy.check_could(actor, CoreAction.READ, tenant)
        await self.need_tenant(tenant)
        rows = self._policy.visible_rows(actor, tenant)
        return await self._discovery.count(
            tenant, lambda name: self._policy.could(actor, CoreAction.READ, tenant, (name,)), rows
        )

    def allow(self, actor: Actor, action: CoreAction, tenant: str, types: Sequence[str] = ()) -> None:
        """Raise Denied unless the policy permits an action that concerns no entity."""
        self._policy.check(actor, action, tenant, types)

    def _may_ask(self, actor: Actor, tenant: str, query: EntityQuery) -> None:
        """Raise Denied unless the actor may read in general, or one of the types that the query names."""
        if not any(self._policy.could(actor, CoreAction.READ, tenant, types) for types in ((), *query.types)):
            self._policy.check_could(actor, CoreAction.READ, tenant)

    def is_steady(self, actor: Actor, tenant: str) -> bool:
        """Return whether the actor may read the same entities as long as these stay as they are, whatever the hour."""
        return self._policy.is_steady(actor, tenant)

    def never_expires(self, items: Iterable[Stored]) -> bool:
        """Return whether no part of these entities expires."""
        return self._read_filter.never_expires(items)

    def moment(self) -> str:
        """Return the present time as ISO 8601 in UTC, as it is stored."""
        return format_time(self._clock())

    async def newest_change(self) -> int:
        """Return the number of the newest change: while it is the same, all responses are the same."""
        return await self._store.newest()

    async def need_tenant(self, tenant: str) -> None:
        """Raise NonexistentTenant unless something was once created under `tenant` (clause 5.5.10)."""
        if tenant not in self._tenants:
            self._tenants.update(await self._store.tenants())
            if tenant not in self._tenants:
                raise NonexistentTenant(f"there is no tenant {tenant}")

    def know_tenant(self, tenant: str) -> None:
        """Add a tenant that exists without any entity in the store, such as one with a subscription."""
        self._tenants.add(tenant)

    async def sweep(self) -> int:
        """Delete the entities and attributes whose `expiresAt` is past; return how many entities were changed or
        deleted.
        """
        moment = self._clock()
        now = format_time(moment)
        touched = 0
        while due := await self._store.expired(moment.timestamp(), PAGE):
            edits = [Edit(tenant, entity_id, expire(now), now, SWEEPER.id) for tenant, entity_id in due]
            touched += len(await self._store.write(edits))
            if len(due) < PAGE:
                break
        return touched

    async def sweep_always(self, interval_s: float = SWEEP_S) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.sweep()
            except Unavailable:
                logger.warning("expired entities are not deleted now: the store is not available")


def _expected(outcome: Written | Exception) -> Outcome:
    """Return an outcome; raise an error that is not one of the core's own."""
    if isinstance(outcome, Written | RhineCloudError):
        return outcome
    raise outcome
