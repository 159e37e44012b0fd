"""Linked entities: the targets of an entity's relationships, shown inside these or after the entity.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.23 and 5.7.1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rhinecloud.broker.errors import TooComplexQuery
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.projection import Projection
from rhinecloud.ngsild.representation import Options, render

MAX_LEVEL = 10
MAX_LOOKED_UP = 5_000
"""Most entities that are looked up for one request."""

Find = Callable[[str], Entity | None]
"""Returns a stored entity that the actor may read, else None."""


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities are shown: `inline` or flat, how many relationships deep, without those in `contained_by`.

    `options` say how entities are shown; `pick` and `omit` say which members of the linked ones. At most `most`
    entities are looked up; above that, raise TooComplexQuery if `strict`, else show no more.
    """

    inline: bool
    level: int
    options: Options
    pick: Projection = field(default_factory=Projection)
    omit: Projection = field(default_factory=Projection)
    contained_by: frozenset[str] = frozenset()
    most: int = MAX_LOOKED_UP
    strict: bool = True


class LinkedEntities:
    """Shows entities with their linked entities, for one request or one notification."""

    def __init__(self, find: Find, context: Context, join: Join) -> None:
        self._find = find
        self._context = context
        self._join = join
        self._looked_up = 0

    def inline(self, entity: Entity) -> dict[str, Any]:
        """Return an entity as shown, with its linked entities inside its relationships (clause 4.5.23.2)."""
        shown = render(entity, self._context, self._join.options)
        self.put_inside(entity, shown)
        return shown

    def put_inside(self, entity: Entity, shown: dict[str, Any]) -> None:
        """Add linked entities inside the relationships of `shown`, which was made from `entity`."""
        join = self._join
        self._put(entity, shown, join, join.contained_by | {entity.id})

    def flat(self, entities: list[Entity]) -> list[dict[str, Any]]:
        """Return entities as shown, then those that they link to, nearest first and each once (clause 4.5.23.3)."""
        shown = [render(entity, self._context, self._join.options) for entity in entities]
        return shown + [
            render(entity, self._context, how.options) for entity, how in self.linked_from(entities)
        ]

    def linked_from(self, entities: list[Entity]) -> list[tuple[Entity, Join]]:
        """Return the linked entities of `entities`, nearest first and each once, with how each is shown."""
        join = self._join
        seen = {entity.id for entity in entities} | join.contained_by
        found: list[tuple[Entity, Join]] = []
        level = [(entity, join) for entity in entities]
        for _ in range(join.level):
            further: list[tuple[Entity, Join]] = []
            for entity, how in level:
                for name, instance in _relationships(entity, how.options):
                    for uri in _targets(instance):
                        linked = None if uri in seen else self._look_up(uri)
                        if linked is not None:
                            seen.add(uri)
                            further.append((linked, _next_level(how, name)))
            found += further
            level = further
        return found

    def _inside(self, entity: Entity, join: Join, seen: frozenset[str]) -> dict[str, Any]:
        shown = render(entity, self._context, join.options)
        self._put(entity, shown, join, seen)
        return shown

    def _put(self, entity: Entity, shown: dict[str, Any], join: Join, seen: frozenset[str]) -> None:
        if join.level == 0:
            return
        members = shown["properties"] if join.options.geojson else shown
        for name, instances in entity.attrs.items():
            member = self._context.compact(name)
            if member in members and any(instance.type in _TARGETS for instance in instances):
                kept = _kept(instances, join.options)
                linked = [self._linked(instance, _next_level(join, name), seen) for instance in kept]
                members[member] = _joined(members[member], kept, linked, join.options)

    def _linked(self, instance: Instance, join: Join, seen: frozenset[str]) -> dict[str, dict[str, Any]]:
        """Return the entities that one instance leads to, by id; those in `seen` are not shown again."""
        found = {}
        for uri in _targets(instance):
            entity = None if uri in seen else self._look_up(uri)
            if entity is not None:
                found[uri] = self._inside(entity, join, seen | {uri})
        return found

    def _look_up(self, uri: str) -> Entity | None:
        most = self._join.most
        if self._looked_up >= most:
            if not self._join.strict:
                return None
            raise TooComplexQuery(
                f"the relationships must lead to at most {most} entities; use a smaller page or joinLevel"
            )
        self._looked_up += 1
        return self._find(uri)


_TARGETS = ("Relationship", "ListRelationship")


def _relationships(entity: Entity, options: Options) -> Iterator[tuple[str, Instance]]:
    """Yield the relationships that are shown."""
    for name, instances in entity.attrs.items():
        if name in options.omit or (options.pick and name not in options.pick):
            continue
        if options.attrs and name not in options.attrs:
            continue
        for instance in _kept(instances, options):
            yield name, instance


def _kept(instances: list[Instance], options: Options) -> list[Instance]:
    if not options.dataset_ids:
        return instances
    return [each for each in instances if each.dataset_id in options.dataset_ids]


def _targets(instance: Instance) -> list[str]:
    if instance.type not in _TARGETS:
        return []
    return instance.value if isinstance(instance.value, list) else [instance.value]


def _next_level(join: Join, name: str) -> Join:
    """Return how entities linked by the relationship `name` are shown: complete, unless picked or omitted members are
    given.
    """
    pick = join.pick.inside.get(name, Projection())
    omit = join.omit.inside.get(name, Projection())
    options = replace(join.options, pick=pick.picked, omit=omit.names, attrs=frozenset(), geojson=False)
    return replace(join, level=join.level - 1, options=options, pick=pick, omit=omit)


def _joined(
    member: Any, instances: list[Instance], linked: list[dict[str, dict[str, Any]]], options: Options
) -> Any:
    """Add the linked entities to a rendered attribute: beside the target, or instead of it in the simplified form."""
    if options.form == "simplified":
        return _simplified(member, linked)
    members = member if isinstance(member, list) else [member]
    for shown, instance, found in zip(members, instances, linked, strict=True):
        if not found:
            continue
        if instance.type == "ListRelationship":
            shown["entityList"] = list(found.values())
        else:
            shown["entity"] = (
                list(found.values()) if isinstance(instance.value, list) else found[instance.value]
            )
    return member


def _simplified(member: Any, linked: list[dict[str, dict[str, Any]]]) -> Any:
    if isinstance(member, dict) and len(linked) > 1:
        parts = zip(member["dataset"].items(), linked, strict=True)
        return {"dataset": {name: _simplified(value, [found]) for (name, value), found in parts}}
    found = linked[0]
    if isinstance(member, list):
        return [found.get(each, each) if isinstance(each, str) else each for each in member]
    return found.get(member, member) if isinstance(member, str) else member
