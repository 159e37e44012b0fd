"""Linked entities beside, or inside, the entity that links to them.

Pure but for `fetch`, which gives an entity by its id, None where there is none or the subscriber may not read it.
Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.23 and 5.2.14.1 (`join`, `joinLevel`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.options import Options
from rhinecloud.ngsild.rendering import render

Fetch = Callable[[str], Entity | None]

MOST = 100
"""Linked entities that are shown beside one; a graph of a whole city would be no notification."""


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities are shown: `inline` or beside (`flat`), and over how many links; to whom (`reader`)."""

    inline: bool
    level: int
    reader: str


def beside(entity: Entity, shown: Iterable[str], context: Context, join: Join, fetch: Fetch) -> list[Entity]:
    """List the entities that are linked by the attributes with the compact names `shown`, each once, nearest first."""
    names = set(shown)
    wave = [
        name for iri in entity.attrs if context.compact(iri) in names for name in _targets(entity.attrs[iri])
    ]
    found: dict[str, Entity] = {}
    for _ in range(join.level):
        unknown = [name for name in dict.fromkeys(wave) if name != entity.id and name not in found]
        fresh = [linked for name in unknown if (linked := fetch(name)) is not None]
        found.update((each.id, each) for each in fresh[: MOST - len(found)])
        wave = [name for each in fresh for instances in each.attrs.values() for name in _targets(instances)]
    return list(found.values())


def put_inside(
    entity: Entity, shown: dict[str, Any], context: Context, options: Options, join: Join, fetch: Fetch
) -> None:
    """Put linked entities into the shown relationships of an entity; a loop ends where it began."""
    whole = replace(options, pick=frozenset(), omit=frozenset(), attrs=frozenset(), geojson=False)
    _put(entity, shown, context, whole, join.level, fetch, {entity.id})


def _put(
    entity: Entity,
    shown: dict[str, Any],
    context: Context,
    options: Options,
    level: int,
    fetch: Fetch,
    above: set[str],
) -> None:
    def linked(name: str) -> dict[str, Any] | None:
        target = None if name in above else fetch(name)
        if target is None:
            return None
        inner = render(target, context, options)
        if level > 1:
            _put(target, inner, context, options, level - 1, fetch, above | {name})
        return inner

    for iri, instances in entity.attrs.items():
        name = context.compact(iri)
        if name not in shown or not any(_targets(instances)):
            continue
        if options.form == "simplified":
            shown[name] = _simplified(shown[name], linked)
            continue
        for each in shown[name] if isinstance(shown[name], list) else [shown[name]]:
            _put_into(each, linked)


def _simplified(value: Any, linked: Callable[[str], Any]) -> Any:
    if isinstance(value, list):
        return [_simplified(each, linked) for each in value]
    if isinstance(value, dict):
        return (
            {key: _simplified(each, linked) for key, each in value.items()} if "dataset" in value else value
        )
    return (linked(value) or value) if isinstance(value, str) else value


def _put_into(instance: Any, linked: Callable[[str], Any]) -> None:
    """Add `entity`, or `entityList` for a list of objects, to one relationship."""
    if not isinstance(instance, dict):
        return
    if isinstance(instance.get("object"), str):
        found = linked(instance["object"])
        if found is not None:
            instance["entity"] = found
        return
    members = instance.get("object") or instance.get("objectList") or []
    names = [each["object"] if isinstance(each, dict) else each for each in members if each]
    entities = [each for each in map(linked, names) if each is not None]
    if entities:
        instance["entityList" if "objectList" in instance else "entity"] = entities


def _targets(instances: Iterable[Instance]) -> list[str]:
    """List the ids that the relationships among instances lead to."""
    found: list[str] = []
    for each in instances:
        if each.type in ("Relationship", "ListRelationship"):
            found += each.value if isinstance(each.value, list) else [each.value]
    return [name for name in found if isinstance(name, str)]
