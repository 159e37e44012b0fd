"""Turns the operations of NGSI-LD into decisions that a store makes in its transaction, each under the policy.

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
from rhinecloud.policy import Authorization, CoreAction, Denied
from rhinecloud.store.port import Decide, DecideJointly, Decision, Put, Remove

Change = Callable[[Entity, str], Patched]
"""Returns what becomes of an entity that exists, given the time of the write."""

TypeSelection = tuple[tuple[str, ...], ...]
"""A disjunction of conjunctions of type IRIs (clause 4.17)."""


@dataclass(frozen=True, slots=True)
class EditBuilder:
    """Builds the decisions of one request: for an actor, a tenant, and a time `now` (ISO 8601 in UTC).

    No entity gets more than `most` attributes, types or scopes.
    """

    policy: Authorization
    actor: Actor
    tenant: str
    now: str
    most: int = 1_000
    call: CallContext = field(default_factory=copy_context)
    """The context variables of the request: its decisions are made in the task of a writer."""

    def create(self, entity: Entity) -> Decide:
        """Create the entity. Raise AlreadyExists (clause 5.6.1)."""
        self.check(CoreAction.CREATE, entity)

        def decide(present: Entity | None) -> Decision:
            if self.alive(present) is not None:
                raise AlreadyExists(f"{entity.id} exists already")
            return self.put(patch.create(self.own(entity), self.now))

        return decide

    def change(self, entity_id: str, change: Change, types: TypeSelection = ()) -> Decide:
        """Change an entity that exists and has one of `types`, if any are given. Raise NotFound."""
        return partial(self._change, entity_id, change, types)

    def change_or_create(self, fragment: Entity, change: Change, *, is_whole: bool = False) -> Decide:
        """Change an entity that exists, else create it from `fragment`, which must then be complete (clause 5.6.8)."""
        return partial(self._change_or_create, fragment, change, is_whole)

    def _change(
        self, entity_id: str, change: Change, types: TypeSelection, present: Entity | None
    ) -> Decision:
        entity = self.need(CoreAction.UPDATE, entity_id, present, types)
        patched = change(entity, self.now)
        new = patched.entity
        self.check(CoreAction.UPDATE, new)
        return self.put(patched) if patched.changed or patched.late or _differs(entity, new) else None

    def _change_or_create(
        self, fragment: Entity, change: Change, is_whole: bool, present: Entity | None
    ) -> Decision:
        if present is not None and not has_expired(present, self.now):
            return self._change(fragment.id, change, (), present)
        self.check(CoreAction.CREATE, fragment)
        return self.put(patch.create(self.own(fragment if is_whole else whole(fragment)), self.now))

    def remove(self, entity_id: str, types: TypeSelection = ()) -> Decide:
        """Delete an entity. Raise NotFound (clause 5.6.6)."""

        def decide(present: Entity | None) -> Decision:
            return Remove(self.need(CoreAction.DELETE, entity_id, present, types))

        return decide

    def guard(self, decide: Decide, action: str = "") -> Decide:
        """Make a decision of another part under the policy."""

        def guarded(present: Entity | None) -> Decision:
            present = self.alive(present)
            decision = decide(present)
            if isinstance(decision, Remove):
                self.check_present(action or CoreAction.DELETE, present or decision.entity)
            elif isinstance(decision, Put) and present is not None:
                self.check_present(action or CoreAction.UPDATE, present)
            elif isinstance(decision, Put):
                self.check(action or CoreAction.CREATE, decision.entity)
            return self._with_creator(present, decision)

        return guarded

    def _with_creator(self, present: Entity | None, decision: Decision) -> Decision:
        if isinstance(decision, Put):
            creator = self.creator if present is None else present.created_by
            if decision.entity.created_by != creator:
                return with_members(decision, entity=with_members(decision.entity, created_by=creator))
        return decision

    def guard_jointly(self, subjects: Sequence[str], decide: DecideJointly, action: str) -> DecideJointly:
        """Make a decision about several entities, if the policy permits `action` on one of `subjects`."""

        def guarded(before: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
            present = {entity_id: self.alive(entity) for entity_id, entity in before.items()}
            decisions = decide(present)
            if decisions:
                self._check_any(
                    action, [entity for each in subjects if (entity := present[each]) is not None]
                )
            return {name: self._with_creator(present[name], each) for name, each in decisions.items()}

        return guarded

    def _check_any(self, action: str, entities: Sequence[Entity]) -> None:
        """Raise Denied unless the actor may update one of the entities."""
        denied: Denied | None = None
        for entity in entities:
            try:
                self.check(action, entity)
            except Denied as error:
                denied = denied or error
            else:
                return
        if denied is not None:
            raise denied

    def put(self, patched: Patched) -> Put:
        """Store the result of a patch. Raise TooLarge."""
        entity, most = patched.entity, self.most
        if len(entity.attrs) > most or len(entity.type) > most or len(entity.scope) > most:
            raise TooLarge(f"an entity has at most {most} attributes, types and scopes")
        return Put(entity, patched.changed, patched.previous, patched.late)

    @property
    def creator(self) -> str:
        """The actor's id, as it is stored with what the actor creates; '' for the system itself."""
        return "" if self.actor.has(Role.SYSTEM) else self.actor.id

    def own(self, entity: Entity) -> Entity:
        """Return a new entity with its creator."""
        return with_members(entity, created_by=self.creator) if self.creator else entity

    def check(self, action: str, entity: Entity) -> None:
        """Raise Denied unless the policy permits the action."""
        self.policy.check(self.actor, action, self.tenant, (), entity, self.call)

    def check_present(self, action: str, entity: Entity) -> None:
        """Raise Denied unless the policy permits the action, NotFound where the actor may not know of the entity."""
        if not self.policy.check_visible(self.actor, action, self.tenant, entity, self.call):
            raise NotFound(f"there is no entity {entity.id}")

    def alive(self, present: Entity | None) -> Entity | None:
        """Return the entity, None if it has expired and is not deleted yet (clause 4.5.22)."""
        return None if present is None or has_expired(present, self.now) else present

    def need(
        self, action: CoreAction, entity_id: str, present: Entity | None, types: TypeSelection
    ) -> Entity:
        """Return the entity if it exists and has one of `types`. Raise Denied, else NotFound.

        An entity that the actor may not read is as one that does not exist.
        """
        entity = self.alive(present)
        if entity is None:
            self.policy.check_could(self.actor, action, self.tenant, within=self.call)
            raise NotFound(f"there is no entity {entity_id}")
        self.check_present(action, entity)
        if not is_of(entity, types):
            raise NotFound(f"{entity_id} is not of a type asked for")
        return entity


def whole(fragment: Entity) -> Entity:
    """Return a fragment as a complete entity. Raise Invalid if it has no type or removes something."""
    if not fragment.type:
        raise Invalid("must be given for a new entity", field="type")
    return patch.append(Entity(id=fragment.id, type=fragment.type), fragment, "").entity


def is_of(entity: Entity, types: TypeSelection) -> bool:
    """Return whether an entity has all types of one alternative (clause 4.17); True if there is no alternative."""
    return not types or any(all(each in entity.type for each in alternative) for alternative in types)


def has_expired(entity: Entity, now: str) -> bool:
    """Return whether an entity has expired."""
    return bool(entity.expires_at) and is_past(entity.expires_at, now)


def is_past(moment: str, now: str) -> bool:
    """Compare two UTC times without their `Z`, which would sort after a fraction of a second."""
    return moment[:-1] <= now[:-1]


def _differs(entity: Entity, new: Entity) -> bool:
    return (new.type, new.scope, new.expires_at) != (entity.type, entity.scope, entity.expires_at)
