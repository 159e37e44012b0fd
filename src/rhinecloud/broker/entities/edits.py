"""From what NGSI-LD wants done to the decisions that a store takes in its transaction, each asking the policy first.

Source: ETSI GS CIM 009 v1.9.1, clause 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context as CallContext
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace as with_members

from rhinecloud.broker.errors import AlreadyExists
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid, NotFound, TooLarge
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.patch import Patched
from rhinecloud.policy import Action, Authorization, Denied
from rhinecloud.store.port import Decide, DecideJointly, Decision, Put, Remove

Change = Callable[[Entity, str], Patched]
"""What is to become of an entity that exists; the text is the moment of the write."""

TypeSelection = tuple[tuple[str, ...], ...]
"""A disjunction of conjunctions of type IRIs (clause 4.17)."""


@dataclass(frozen=True, slots=True)
class EditBuilder:
    """Who writes, where and when: `now` is ISO 8601 in UTC, taken once for a whole call; no entity gets more than
    `most` attributes, types or scopes.
    """

    policy: Authorization
    actor: Actor
    tenant: str
    now: str
    most: int = 1_000
    call: CallContext = field(default_factory=copy_context)
    """The context of the request: what it writes is decided in the task of a writer."""

    def create(self, entity: Entity) -> Decide:
        """Create the entity; AlreadyExists when it is there (clause 5.6.1)."""
        self.check(Action.CREATE, entity)

        def decide(present: Entity | None) -> Decision:
            if self.alive(present) is not None:
                raise AlreadyExists(f"{entity.id} exists already")
            return self.put(patch.create(self.own(entity), self.now))

        return decide

    def change(self, entity_id: str, change: Change, types: TypeSelection = ()) -> Decide:
        """Change an entity that exists and is of one of `types`, where some are named; NotFound otherwise."""
        return partial(self._change, entity_id, change, types)

    def change_or_create(self, fragment: Entity, change: Change, *, is_whole: bool = False) -> Decide:
        """Change an entity that exists, else create it from `fragment`, which then must be whole (clause 5.6.8)."""
        return partial(self._change_or_create, fragment, change, is_whole)

    def _change(
        self, entity_id: str, change: Change, types: TypeSelection, present: Entity | None
    ) -> Decision:
        entity = self.need(Action.UPDATE, entity_id, present, types)
        patched = change(entity, self.now)
        new = patched.entity
        if self.policy.looks_at_entities or not set(new.type) <= set(entity.type):
            self.check(Action.UPDATE, new)
        return self.put(patched) if patched.changed or _differs(entity, new) else None

    def _change_or_create(
        self, fragment: Entity, change: Change, is_whole: bool, present: Entity | None
    ) -> Decision:
        if present is not None and not has_expired(present, self.now):
            return self._change(fragment.id, change, (), present)
        self.check(Action.CREATE, fragment)
        return self.put(patch.create(self.own(fragment if is_whole else whole(fragment)), self.now))

    def remove(self, entity_id: str, types: TypeSelection = ()) -> Decide:
        """Delete an entity; NotFound when it is not there (clause 5.6.6)."""

        def decide(present: Entity | None) -> Decision:
            return Remove(self.need(Action.DELETE, entity_id, present, types))

        return decide

    def guard(self, entity_id: str, decide: Decide) -> Decide:
        """Run a decision made elsewhere in the house under the policy."""

        def guarded(present: Entity | None) -> Decision:
            present = self.alive(present)
            decision = decide(present)
            if isinstance(decision, Remove):
                self.check(Action.DELETE, present or decision.entity)
            elif isinstance(decision, Put):
                self.check(Action.CREATE if present is None else Action.UPDATE, present or decision.entity)
            return self._with_creator(present, decision)

        return guarded

    def _with_creator(self, present: Entity | None, decision: Decision) -> Decision:
        if isinstance(decision, Put):
            creator = self.creator if present is None else present.created_by
            if decision.entity.created_by != creator:
                return with_members(decision, entity=with_members(decision.entity, created_by=creator))
        return decision

    def guard_jointly(self, subjects: Sequence[str], decide: DecideJointly) -> DecideJointly:
        """Run a decision about several entities, if the policy permits to update one of `subjects`."""

        def guarded(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
            present = {entity_id: self.alive(entity) for entity_id, entity in before.items()}
            decisions = decide(present)
            if decisions:
                self._check_any([entity for each in subjects if (entity := present[each]) is not None])
            return {name: self._with_creator(present[name], each) for name, each in decisions.items()}

        return guarded

    def _check_any(self, entities: Sequence[Entity]) -> None:
        """Raise Denied unless the actor may update one of the entities."""
        denied: Denied | None = None
        for entity in entities:
            try:
                self.check(Action.UPDATE, entity)
            except Denied as error:
                denied = denied or error
            else:
                return
        if denied is not None:
            raise denied

    def put(self, patched: Patched) -> Put:
        """Keep what a patch made; raises TooLarge."""
        entity, most = patched.entity, self.most
        if len(entity.attrs) > most or len(entity.type) > most or len(entity.scope) > most:
            raise TooLarge(f"an entity has at most {most} attributes, types and scopes")
        return Put(entity, patched.changed, patched.previous)

    @property
    def creator(self) -> str:
        """The actor's id as it stays with what is created; '' for the system itself, which creates the most."""
        return "" if self.actor.has(Role.SYSTEM) else self.actor.id

    def own(self, entity: Entity) -> Entity:
        """Return a new entity with its creator."""
        return with_members(entity, created_by=self.creator) if self.creator else entity

    def check(self, action: Action, entity: Entity) -> None:
        """Ask the policy; raises Denied."""
        self.policy.check(self.actor, action, self.tenant, (), entity, self.call)

    def alive(self, present: Entity | None) -> Entity | None:
        """Give the entity unless its time is over: it is as good as gone, though not swept yet (clause 4.5.22)."""
        return None if present is None or has_expired(present, self.now) else present

    def need(self, action: Action, entity_id: str, present: Entity | None, types: TypeSelection) -> Entity:
        """Give the entity if it is there and of one of `types`; raises NotFound, but Denied first.

        Whoever may not do it at all is not told by the answer what there is.
        """
        entity = self.alive(present)
        if entity is None:
            self.policy.check_could(self.actor, action, self.tenant, within=self.call)
            raise NotFound(f"there is no entity {entity_id}")
        self.check(action, entity)
        if not is_of(entity, types):
            raise NotFound(f"{entity_id} is not of a type asked for")
        return entity


def whole(fragment: Entity) -> Entity:
    """Accept a fragment as a whole entity; raises Invalid where something is missing or is to be removed."""
    if not fragment.type:
        raise Invalid("a new entity needs a type", field="type")
    return patch.append(Entity(id=fragment.id, type=fragment.type), fragment, "").entity


def is_of(entity: Entity, types: TypeSelection) -> bool:
    """Tell whether an entity has all types of one alternative (clause 4.17); every entity when there is none."""
    return not types or any(all(each in entity.type for each in alternative) for alternative in types)


def has_expired(entity: Entity, now: str) -> bool:
    """Tell whether an entity's time is over."""
    return bool(entity.expires_at) and is_past(entity.expires_at, now)


def is_past(moment: str, now: str) -> bool:
    """Compare two texts in UTC with `Z`, which sorts wrongly behind a fraction of a second, so it goes."""
    return moment[:-1] <= now[:-1]


def _differs(entity: Entity, new: Entity) -> bool:
    return (new.type, new.scope, new.expires_at) != (entity.type, entity.scope, entity.expires_at)
