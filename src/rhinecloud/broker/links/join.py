"""Linked entities: what the relationships of an entity lead to, put inside them or behind them.

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
MOST = 5_000
"""Entities that are looked up for one request at most."""

Find = Callable[[str], Entity | None]
"""Gives a stored entity that the asker may see."""


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities are asked for: `inline` or flat, how many relationships deep, and what the asker has already.

    `options` say how entities are shown; what is picked or omitted behind a relationship stands in `pick` and `omit`.
    So many entities are looked up at `most`; then `strict` raises TooComplexQuery, else no more are shown.
    """

    inline: bool
    level: int
    options: Options
    pick: Projection = field(default_factory=Projection)
    omit: Projection = field(default_factory=Projection)
    contained_by: frozenset[str] = frozenset()
    most: int = MOST
    strict: bool = True


class LinkedEntities:
    """Shows entities with what they link to, for one request or one notification."""

    def __init__(self, find: Find, context: Context, join: Join) -> None:
        self._find = find
        self._context = context
        self._join = join
        self._looked_up = 0

    def inline(self, entity: Entity) -> dict[str, Any]:
        """Show an entity with the entities that it links to inside its relationships (clause 4.5.23.2)."""
        shown = render(entity, self._context, self._join.options)
        self.put_inside(entity, shown)
        return shown

    def put_inside(self, entity: Entity, shown: dict[str, Any]) -> None:
        """Put linked entities inside the relationships of an entity that is shown already."""
        join = self._join
        self._put(entity, shown, join, join.contained_by | {entity.id})

    def flat(self, entities: list[Entity]) -> list[dict[str, Any]]:
        """Show entities, and behind them those that they link to, nearest first and each once (clause 4.5.23.3)."""
        shown = [render(entity, self._context, self._join.options) for entity in entities]
        return shown + [render(entity, self._context, how.options) for entity, how in self.behind(entities)]

    def behind(self, entities: list[Entity]) -> list[tuple[Entity, Join]]:
        """List what entities link to, nearest first and each once, with how it is to be shown."""
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
                            further.append((linked, _behind(how, name)))
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
                linked = [self._linked(instance, _behind(join, name), seen) for instance in kept]
                members[member] = _joined(members[member], kept, linked, join.options)

    def _linked(self, instance: Instance, join: Join, seen: frozenset[str]) -> dict[str, dict[str, Any]]:
        """Show the entities behind one instance, by id; those on the way here are not shown again."""
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
                f"the relationships lead to more than {most} entities; ask for fewer or less deep"
            )
        self._looked_up += 1
        return self._find(uri)


_TARGETS = ("Relationship", "ListRelationship")


def _relationships(entity: Entity, options: Options) -> Iterator[tuple[str, Instance]]:
    """Give the relationships that are shown."""
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


def _behind(join: Join, name: str) -> Join:
    """Say how entities behind the relationship `name` are shown: whole, unless something was said about them."""
    pick = join.pick.inside.get(name, Projection())
    omit = join.omit.inside.get(name, Projection())
    options = replace(join.options, pick=pick.picked, omit=omit.names, attrs=frozenset(), geojson=False)
    return replace(join, level=join.level - 1, options=options, pick=pick, omit=omit)


def _joined(
    member: Any, instances: list[Instance], linked: list[dict[str, dict[str, Any]]], options: Options
) -> Any:
    """Put what was found into a rendered attribute: beside the target, or in its place in the simplified form."""
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
