"""What a notification says: the entity after a change, what was deleted of it, and on request what it was before.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.0 (NGSI-LD null), 5.2.14, 5.3.1 and 5.8.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from msgspec.structs import replace as with_members

from rhinecloud.broker.links.join import Find, Join, LinkedEntities
from rhinecloud.ngsild.change import ChangeKind
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, VALUE_MEMBER, Entity, Instance
from rhinecloud.ngsild.options import Options
from rhinecloud.ngsild.rendering import render, render_instance
from rhinecloud.subscriptions.matching.differences import Differences
from rhinecloud.subscriptions.model.subscription import Trigger

JSON_LD = "application/ld+json"
GEO_JSON = "application/geo+json"

PREVIOUS = {kind: f"previous{member[0].upper()}{member[1:]}" for kind, member in VALUE_MEMBER.items()}
"""The attribute types and the member that holds what each one's value was before."""

MOST_LINKED = 100
"""Linked entities that are shown with one; a graph of a whole city would be no notification."""

_AS_IT_WAS = Options()


@dataclass(frozen=True, slots=True)
class LinkedRepresentation:
    """How linked entities are shown: `inline` or behind (`flat`), and over how many links; to whom (`reader`)."""

    inline: bool
    level: int
    reader: str


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Representation:
    """How a subscriber wants to see entities. Equal looks show the same, so that each is made once a change.

    `named_deletions` are the attributes whose loss is told when the whole entity goes; `body_context` is the @context
    to put into bodies, as JSON, empty where a header names it.
    """

    context: Context
    options: Options
    show_changes: bool = False
    named_deletions: frozenset[str] = frozenset()
    accept: str = "application/json"
    body_context: bytes = b""
    linking: LinkedRepresentation | None = None


def show(differences: Differences, look: Representation, find: Find) -> bytes:
    """Make the JSON of the entity that a change concerns; `find` gives the entities that it links to."""
    change = differences.change
    if change.kind is ChangeKind.DELETED:
        names: Iterable[str] = change.entity.attrs if look.show_changes else look.named_deletions
        entity = with_members(change.entity, scope=[], expires_at="", attrs={})
    else:
        names = [name for name, what in differences.attributes.items() if Trigger.ATTRIBUTE_DELETED in what]
        entity = change.entity
    gone = {name: deleted for name in names if (deleted := _told(differences.deleted(name)))}
    if gone:
        entity = with_members(entity, attrs=_with_tombstones(entity, gone))
    shown = render(entity, look.context, look.options)
    members = shown["properties"] if look.options.geojson else shown
    if change.kind is ChangeKind.DELETED:
        members["deletedAt"] = change.at
    if look.options.form != "simplified":
        if gone and look.options.sys_attrs:
            _add_deletion_times(members, gone, look.context, change.at)
        if look.show_changes:
            before = change.entity.attrs if change.kind is ChangeKind.DELETED else change.previous
            _add_previous(members, before, look.context)
    return _write_linked(entity, shown, look, find)


def show_entity(entity: Entity, look: Representation, find: Find) -> bytes:
    """Make the JSON of an entity as it is, for notifications that no change made."""
    return _write_linked(entity, render(entity, look.context, look.options), look, find)


def _write_linked(entity: Entity, shown: dict[str, Any], look: Representation, find: Find) -> bytes:
    """Write an entity with those that it links to, where they are wanted: inside it, or behind it."""
    if look.linking is None:
        return _write(shown, look)
    how = Join(look.linking.inline, look.linking.level, look.options, most=MOST_LINKED, strict=False)
    linker = LinkedEntities(find, look.context, how)
    if how.inline:
        linker.put_inside(entity, shown)
        return _write(shown, look)
    whole = replace(look.options, pick=frozenset(), omit=frozenset(), attrs=frozenset())
    others = [_write(render(each, look.context, whole), look) for each, _ in linker.linked_from([entity])]
    return b",".join([_write(shown, look), *others])


def _write(shown: dict[str, Any], look: Representation) -> bytes:
    """Write a shown entity, with its @context where the body is JSON-LD."""
    body = orjson.dumps(shown)
    if look.accept == JSON_LD:
        return body[:-1] + b',"@context":' + look.body_context + b"}"
    return body


def composer(subscription_id: str, look: Representation) -> Callable[[str, str, Sequence[bytes]], bytes]:
    """Give the function that puts entities together into the body of a notification (clause 5.3.1)."""
    begin = b'{"id":"'
    head = b'","type":"Notification","subscriptionId":' + orjson.dumps(subscription_id) + b',"notifiedAt":"'
    opening, closing = b'","data":[', b"]}"
    if look.accept == GEO_JSON:
        opening, closing = b'","data":{"type":"FeatureCollection","features":[', b"]}}"
        if look.body_context:
            closing = b'],"@context":' + look.body_context + b"}}"
    elif look.accept == JSON_LD:
        closing = b'],"@context":' + look.body_context + b"}"

    def compose(name: str, moment: str, entities: Sequence[bytes]) -> bytes:
        named, told = name.encode(), moment.encode()
        return b"".join((begin, named, head, told, opening, b",".join(entities), closing))

    return compose


def _told(deleted: list[Instance]) -> list[Instance]:
    """Choose the instances whose loss is told: the default one stands for all where it is gone, too."""
    default = [each for each in deleted if not each.dataset_id]
    return default or deleted


def _with_tombstones(entity: Entity, gone: dict[str, list[Instance]]) -> dict[str, list[Instance]]:
    attrs = dict(entity.attrs)
    for name, instances in gone.items():
        tombstones = [
            Instance(
                type=each.type,
                value=NULL,
                dataset_id=each.dataset_id,
                created_at=each.created_at,
                modified_at=each.modified_at,
            )
            for each in instances
        ]
        attrs[name] = [*attrs.get(name, ()), *tombstones]
    return attrs


def _add_deletion_times(
    members: dict[str, Any], gone: dict[str, list[Instance]], context: Context, moment: str
) -> None:
    for name, instances in gone.items():
        datasets = {each.dataset_id for each in instances}
        for shown in _instances(members, context.compact(name)):
            if shown.get("datasetId", "") in datasets:
                shown["deletedAt"] = moment


def _add_previous(members: dict[str, Any], before: dict[str, list[Instance]], context: Context) -> None:
    for name, instances in before.items():
        by_dataset = {each.dataset_id: each for each in instances}
        for shown in _instances(members, context.compact(name)):
            was = by_dataset.get(shown.get("datasetId", ""))
            if was is not None:
                normalized = render_instance(was, context, _AS_IT_WAS)
                shown[PREVIOUS[was.type]] = normalized[VALUE_MEMBER[was.type]]


def _instances(members: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Give an attribute's instances as objects to write into, a concise value being wrapped first."""
    if name not in members:
        return []
    shown = members[name]
    if isinstance(shown, list) and all(isinstance(each, dict) for each in shown):
        return shown
    if not isinstance(shown, dict) or ("coordinates" in shown and "value" not in shown):
        shown = members[name] = {"value": shown}
    return [shown]
