"""Readings that are received after newer ones: they belong to the past, and do not replace the present state.

Only for what connectors and packs send. NGSI-LD's own operations overwrite, whatever `observedAt` says (clause 5.6).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace as with_members

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.ngsild.merging import settle
from rhinecloud.ngsild.parsing import ABSENT

OLDER = "is older than what is in place"


def receive(entity: Entity, fragment: Entity, parts: Sequence[Entity], now: str) -> patch.Patched:
    """Update an entity, except for attribute instances with an older `observedAt` than those in place: these are late.

    `parts` are the messages of which `fragment` is the sum; they have no attribute in common. A message is late as a
    whole if one of its instances is late and none replaces another one by its time. Of such a message nothing is
    applied but timed attributes that the entity does not have: its types, scope, expiry and deletions are left out,
    and its attributes without a time count as of the message's time.
    """
    if not has_late(entity, fragment):
        return patch.update(entity, fragment, now)
    late: dict[str, list[Instance]] = {}
    skipped: dict[str, str] = {}
    timely = Entity(id=entity.id, type=[])
    for part in parts:
        _add_timely(timely, _LateMessage(entity, part, now, late, skipped).split())
    patched = patch.update(entity, timely, now)
    skipped.update(patched.skipped)
    is_same = not timely.attrs and not (timely.type or timely.scope or timely.expires_at)
    after = entity if is_same else patched.entity
    return patch.Patched(after, patched.changed, patched.previous, skipped, late)


def has_late(entity: Entity, fragment: Entity) -> bool:
    """Return whether an instance of the fragment is older than the one in place."""
    attrs = entity.attrs
    for name, instances in fragment.attrs.items():
        present = attrs.get(name)
        if present is None:
            continue
        for instance in instances:
            if instance.observed_at and _is_older(instance, present):
                return True
    return False


def _is_older(instance: Instance, present: Sequence[Instance]) -> bool:
    for each in present:
        if each.dataset_id == instance.dataset_id:
            at, there = instance.observed_at[:-1], each.observed_at[:-1]
            return at < there and _without_zeros(at) < _without_zeros(there)
    return False


def _without_zeros(moment: str) -> str:
    """Return a time without the zeros that end its fraction, so that equal times are equal texts."""
    return moment.rstrip("0").rstrip(".") if "." in moment else moment


class _LateMessage:
    """One message, sorted into what is applied and what is late."""

    def __init__(
        self,
        entity: Entity,
        part: Entity,
        now: str,
        late: dict[str, list[Instance]],
        skipped: dict[str, str],
    ) -> None:
        self._entity = entity
        self._part = part
        self._now = now
        self._late = late
        self._skipped = skipped

    def split(self) -> Entity:
        """Return what is applied, and add the rest to what is late or skipped."""
        is_late, newest = self._compare_times()
        attrs: dict[str, list[Instance]] = {}
        for name, instances in self._part.attrs.items():
            for instance in instances:
                if self._is_applied(name, instance, is_late=is_late):
                    attrs.setdefault(name, []).append(instance)
                else:
                    self._set_aside(name, instance, newest)
        if is_late:
            return Entity(id=self._part.id, type=[], attrs=attrs)
        return with_members(self._part, attrs=attrs)

    def _compare_times(self) -> tuple[bool, str]:
        """Return whether the message is late as a whole, and the newest time in it."""
        is_late, replaces, newest = False, False, ""
        for name, instances in self._part.attrs.items():
            for instance in instances:
                if instance.observed_at in ("", NULL):
                    continue
                newest = max(newest, instance.observed_at, key=lambda at: at[:-1])
                present = self._entity.attrs.get(name, ())
                if _is_older(instance, present):
                    is_late = True
                elif any(each.dataset_id == instance.dataset_id for each in present):
                    replaces = True
        return is_late and not replaces, newest

    def _is_applied(self, name: str, instance: Instance, *, is_late: bool) -> bool:
        present = self._entity.attrs.get(name, ())
        if instance.observed_at:
            return not _is_older(instance, present)
        return not is_late

    def _set_aside(self, name: str, instance: Instance, newest: str) -> None:
        if instance.value == NULL:
            self._skipped[name] = OLDER
            return
        if instance.value is ABSENT:
            raise Invalid("must be given for a new attribute", field=name)
        kept = with_members(
            settle(instance),
            observed_at=instance.observed_at or newest,
            created_at=self._now,
            modified_at=self._now,
        )
        self._late.setdefault(name, []).append(kept)


def _add_timely(timely: Entity, part: Entity) -> None:
    timely.type = list(dict.fromkeys([*timely.type, *part.type]))
    timely.scope = part.scope or timely.scope
    timely.expires_at = part.expires_at or timely.expires_at
    for name, instances in part.attrs.items():
        timely.attrs[name] = [*timely.attrs.get(name, ()), *instances]
