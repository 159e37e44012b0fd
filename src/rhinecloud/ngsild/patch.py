"""The write operations of NGSI-LD as pure functions of an entity and a fragment.

None of them changes its arguments, so that a store may call them again on a newer state. `now` becomes
`modifiedAt` of the entity and of what was changed; `createdAt` is kept where something was replaced. An older
`observedAt` is accepted: the last write wins (for feeds see `lateness`). Source: ETSI GS CIM 009 v1.9.1, clauses
5.5.8, 5.5.12, 5.6.1 to 5.6.5 and 5.6.17 to 5.6.19.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace as with_members

from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.ngsild.merging import is_emptied, merge_instance, settle
from rhinecloud.ngsild.parsing import ABSENT

SCOPE = "https://uri.etsi.org/ngsi-ld/scope"


class AttributeNotFound(NotFound):
    """The entity has no such attribute, or no instance of it with this datasetId ('': the default instance)."""

    def __init__(self, entity_id: str, name: str, dataset_id: str = "") -> None:
        instance = f" with datasetId {dataset_id}" if dataset_id else ""
        super().__init__(f"{entity_id} has no attribute {name}{instance}")
        self.entity_id = entity_id
        self.name = name
        self.dataset_id = dataset_id


class Patched(msgspec.Struct, frozen=True):
    """The entity afterwards, the IRIs of what changed in it, those attributes as they were, and why others were
    skipped.
    """

    entity: Entity
    changed: list[str] = []
    previous: dict[str, list[Instance]] = {}
    skipped: dict[str, str] = {}
    """IRI to reason: the `notUpdated` of clause 5.2.18."""
    late: dict[str, list[Instance]] = {}
    """What is older than what is in place, as in `change.Change`."""


def create(entity: Entity, now: str) -> Patched:
    """Return a new entity with its system times (clause 5.6.1)."""
    made = _with_times(entity, now)
    return Patched(made, list(made.attrs))


def replace(entity: Entity, new: Entity, now: str) -> Patched:
    """Replace `entity` by `new`, except for its id, creation time and creator (clause 5.6.18)."""
    fresh = _with_times(new, now)
    made = Entity(
        id=entity.id,
        type=new.type or entity.type,
        scope=fresh.scope,
        created_at=entity.created_at,
        modified_at=now,
        expires_at=fresh.expires_at,
        created_by=entity.created_by,
        attrs=fresh.attrs,
    )
    before = entity.attrs
    changed = list(before)
    if made.attrs.keys() != before.keys():
        changed = list(dict.fromkeys([*before, *made.attrs]))
    return Patched(made, changed, before)


def append(entity: Entity, fragment: Entity, now: str, *, overwrite: bool = True) -> Patched:
    """Add attributes and instances; those that exist are replaced, or skipped without `overwrite` (clause 5.6.3)."""
    work = _PatchInProgress(entity, now)
    for name, instances in fragment.attrs.items():
        for instance in instances:
            if not overwrite and work.find(name, instance.dataset_id) is not None:
                work.skipped[name] = "exists already and may not be overwritten"
            else:
                work.put(name, instance)
    work.add_types(fragment.type)
    if fragment.scope:
        kept = [] if overwrite else work.entity.scope
        work.entity.scope = list(dict.fromkeys([*kept, *fragment.scope]))
    work.set_expiry(fragment.expires_at)
    return work.result()


def update(entity: Entity, fragment: Entity, now: str) -> Patched:
    """Replace or add whole attribute instances, and delete those given as NGSI-LD null (clauses 5.6.2 and 5.5.8)."""
    work = _PatchInProgress(entity, now)
    for name, instances in fragment.attrs.items():
        for instance in instances:
            if instance.value == NULL:
                work.delete_if_exists(name, instance.dataset_id)
            else:
                work.put(name, instance)
    work.add_types(fragment.type)
    if fragment.scope and entity.scope:
        work.set_scope(fragment.scope)
    elif fragment.scope:
        work.skipped[SCOPE] = "is not there and cannot be updated"
    work.set_expiry(fragment.expires_at)
    return work.result()


def merge(
    entity: Entity,
    fragment: Entity,
    now: str,
    *,
    lang: str = "",
    observed_at: str = "",
    expand: Callable[[str], str] | None = None,
) -> Patched:
    """Merge a fragment to any depth (clauses 5.6.17 and 5.5.12).

    `lang` is the language of bare texts sent for LanguageProperties; `observed_at` the common time for attributes
    that had one; `expand` the expansion of bare terms sent for VocabProperties.
    """
    work = _PatchInProgress(entity, now)
    for name, instances in fragment.attrs.items():
        for instance in instances:
            if instance.value == NULL:
                work.delete_if_exists(name, instance.dataset_id)
                continue
            present = work.find(name, instance.dataset_id)
            merged = (
                settle(instance)
                if present is None
                else merge_instance(present, instance, now, lang=lang, expand=expand)
            )
            if is_emptied(merged):
                work.delete_if_exists(name, instance.dataset_id)
                continue
            if present is None:
                work.put(name, merged)
                continue
            if observed_at and present.observed_at and not instance.observed_at:
                merged.observed_at = observed_at
            work.put_unchanged(name, merged)
    work.add_types(fragment.type)
    if fragment.scope:
        work.set_scope(fragment.scope)
    work.set_expiry(fragment.expires_at)
    return work.result()


def partial_update(entity: Entity, name: str, instances: Iterable[Instance], now: str) -> Patched:
    """Overwrite the given members of one attribute's instances and leave the others (clauses 5.6.4 and 5.5.8).

    Raise AttributeNotFound. Raise Invalid where the attribute's type would change.
    """
    work = _PatchInProgress(entity, now)
    for instance in instances:
        present = work.need(name, instance.dataset_id)
        if instance.value == NULL:
            work.delete(name, instance.dataset_id)
            continue
        if instance.type not in ("", present.type):
            raise Invalid(f"must not change from {present.type} to {instance.type}", field="type")
        work.put_unchanged(name, merge_instance(present, instance, now, shallow=True))
    return work.result()


def replace_attribute(entity: Entity, name: str, instances: Iterable[Instance], now: str) -> Patched:
    """Replace the instances with the same datasetId. Raise AttributeNotFound (clause 5.6.19)."""
    work = _PatchInProgress(entity, now)
    for instance in instances:
        work.need(name, instance.dataset_id)
        work.put(name, instance)
    return work.result()


def delete_attribute(
    entity: Entity, name: str, now: str, *, dataset_id: str = "", delete_all: bool = False
) -> Patched:
    """Delete the default instance, the one with `dataset_id`, or all of them. Raise AttributeNotFound (clause
    5.6.5).
    """
    work = _PatchInProgress(entity, now)
    if name == SCOPE:
        if not entity.scope:
            raise AttributeNotFound(entity.id, name)
        work.entity.scope = []
    elif delete_all:
        if name not in entity.attrs:
            raise AttributeNotFound(entity.id, name)
        work.delete_all(name)
    else:
        work.need(name, dataset_id)
        work.delete(name, dataset_id)
    return work.result()


class _PatchInProgress:
    """An entity while it is being patched: a copy whose instances are shared with the original and never changed."""

    __slots__ = ("entity", "now", "previous", "skipped")

    def __init__(self, entity: Entity, now: str) -> None:
        self.entity = with_members(entity, attrs=dict(entity.attrs), modified_at=now)
        self.now = now
        self.previous: dict[str, list[Instance] | None] = {}
        self.skipped: dict[str, str] = {}

    def result(self) -> Patched:
        previous = {name: instances for name, instances in self.previous.items() if instances is not None}
        return Patched(self.entity, list(self.previous), previous, self.skipped)

    def find(self, name: str, dataset_id: str) -> Instance | None:
        for each in self.entity.attrs.get(name, ()):
            if each.dataset_id == dataset_id:
                return each
        return None

    def need(self, name: str, dataset_id: str) -> Instance:
        found = self.find(name, dataset_id)
        if found is None:
            raise AttributeNotFound(self.entity.id, name, dataset_id)
        return found

    def _touch(self, name: str) -> list[Instance]:
        present = self.entity.attrs.get(name)
        self.previous.setdefault(name, present)
        return present or []

    def put(self, name: str, instance: Instance) -> None:
        """Replace the instance with the same datasetId and keep its `createdAt`, or add one."""
        if instance.value is ABSENT:
            raise Invalid("must be given for a new attribute", field=name)
        present = self.find(name, instance.dataset_id)
        created = present.created_at if present is not None and present.created_at else self.now
        self.put_unchanged(name, _instance_with_times(settle(instance), created, self.now))

    def put_unchanged(self, name: str, instance: Instance) -> None:
        present = self._touch(name)
        if len(present) <= 1 and (not present or present[0].dataset_id == instance.dataset_id):
            self.entity.attrs[name] = [instance]
            return
        instances = [instance if each.dataset_id == instance.dataset_id else each for each in present]
        if all(each is not instance for each in instances):
            instances.append(instance)
        self.entity.attrs[name] = instances

    def delete(self, name: str, dataset_id: str) -> None:
        rest = [each for each in self._touch(name) if each.dataset_id != dataset_id]
        if rest:
            self.entity.attrs[name] = rest
        else:
            del self.entity.attrs[name]

    def delete_if_exists(self, name: str, dataset_id: str) -> None:
        if self.find(name, dataset_id) is not None:
            self.delete(name, dataset_id)
        elif name not in self.previous:
            self.skipped[name] = "is not there and cannot be removed"

    def delete_all(self, name: str) -> None:
        self._touch(name)
        del self.entity.attrs[name]

    def add_types(self, types: list[str]) -> None:
        if any(each not in self.entity.type for each in types):
            self.entity.type = list(dict.fromkeys([*self.entity.type, *types]))

    def set_scope(self, scope: list[str]) -> None:
        self.entity.scope = [] if scope == [NULL] else list(scope)

    def set_expiry(self, expires_at: str) -> None:
        if expires_at:
            self.entity.expires_at = "" if expires_at == NULL else expires_at


def _with_times(entity: Entity, now: str) -> Entity:
    """Return an entity with its system times and those of its attributes; the same object if it has them already."""
    if _has_times(entity, now):
        return entity
    attrs = {
        name: [_instance_with_times(each, now, now) for each in instances]
        for name, instances in entity.attrs.items()
    }
    return with_members(entity, created_at=now, modified_at=now, attrs=attrs)


def _has_times(entity: Entity, now: str) -> bool:
    """Return whether an entity was read at this time, so that it has its system times already."""
    if entity.created_at != now or entity.modified_at != now:
        return False
    for instances in entity.attrs.values():
        for each in instances:
            if each.created_at != now or each.modified_at != now:
                return False
    return True


def _instance_with_times(instance: Instance, created: str, now: str) -> Instance:
    """Return an instance with its system times and those of its sub-attributes; the same object if it has them."""
    if instance.created_at == created and instance.modified_at == now:
        return instance
    attrs = instance.attrs
    if attrs:
        attrs = {
            name: [_instance_with_times(each, now, now) for each in instances]
            for name, instances in attrs.items()
        }
    return with_members(instance, created_at=created, modified_at=now, attrs=attrs)
