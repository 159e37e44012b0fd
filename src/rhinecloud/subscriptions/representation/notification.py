"""Renders notifications: the entity after a change, what was deleted of it, and on request what it was before.

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
from rhinecloud.subscriptions.model import Trigger

JSON_LD = "application/ld+json"
GEO_JSON = "application/geo+json"

PREVIOUS = {kind: f"previous{member[0].upper()}{member[1:]}" for kind, member in VALUE_MEMBER.items()}
"""The member that holds the previous value, by attribute type."""

MOST_LINKED = 100
"""Most linked entities that are shown with one."""

_AS_IT_WAS = Options()


@dataclass(frozen=True, slots=True)
class LinkedRepresentation:
    """How linked entities are shown: inside the entity (`inline`) or after it, over `level` links, to the `reader`."""

    inline: bool
    level: int
    reader: str


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Representation:
    """How entities are shown to a subscriber. Equal ones show the same, so each is rendered once per change.

    `named_deletions` are the attributes that are shown as deleted when the whole entity is; `body_context` is the
    @context for bodies, as JSON, empty where a header names it.
    """

    context: Context
    options: Options
    show_changes: bool = False
    named_deletions: frozenset[str] = frozenset()
    accept: str = "application/json"
    body_context: bytes = b""
    linking: LinkedRepresentation | None = None


def render_change(differences: Differences, form: Representation, find: Find) -> bytes:
    """Return the JSON of the changed entity; `find` returns the entities that it links to."""
    change = differences.change
    if change.kind is ChangeKind.DELETED:
        names: Iterable[str] = change.entity.attrs if form.show_changes else form.named_deletions
        entity = with_members(change.entity, scope=[], expires_at="", attrs={})
    else:
        names = [name for name, what in differences.attributes.items() if Trigger.ATTRIBUTE_DELETED in what]
        entity = change.entity
    gone = {name: deleted for name in names if (deleted := _shown_deletions(differences.deleted(name)))}
    if gone:
        entity = with_members(entity, attrs=_with_tombstones(entity, gone))
    shown = render(entity, form.context, form.options)
    members = shown["properties"] if form.options.geojson else shown
    if change.kind is ChangeKind.DELETED:
        members["deletedAt"] = change.at
    if form.options.form != "simplified":
        if gone and form.options.sys_attrs:
            _add_deletion_times(members, gone, form.context, change.at)
        if form.show_changes:
            before = change.entity.attrs if change.kind is ChangeKind.DELETED else change.previous
            _add_previous(members, before, form.context)
    return _write_linked(entity, shown, form, find)


def render_entity(entity: Entity, form: Representation, find: Find) -> bytes:
    """Return the JSON of an entity as it is, for notifications that no change caused."""
    return _write_linked(entity, render(entity, form.context, form.options), form, find)


def _write_linked(entity: Entity, shown: dict[str, Any], form: Representation, find: Find) -> bytes:
    """Return the JSON of an entity, with the linked ones inside it or after it where they are requested."""
    if form.linking is None:
        return _write(shown, form)
    join = Join(form.linking.inline, form.linking.level, form.options, most=MOST_LINKED, strict=False)
    linker = LinkedEntities(find, form.context, join)
    if join.inline:
        linker.put_inside(entity, shown)
        return _write(shown, form)
    whole = replace(form.options, pick=frozenset(), omit=frozenset(), attrs=frozenset())
    others = [_write(render(each, form.context, whole), form) for each, _ in linker.linked_from([entity])]
    return b",".join([_write(shown, form), *others])


def _write(shown: dict[str, Any], form: Representation) -> bytes:
    """Return the JSON of a rendered entity, with its @context where the body is JSON-LD."""
    body = orjson.dumps(shown)
    if form.accept == JSON_LD:
        return body[:-1] + b',"@context":' + form.body_context + b"}"
    return body


def composer(subscription_id: str, form: Representation) -> Callable[[str, str, Sequence[bytes]], bytes]:
    """Return the function that joins entities to the body of a notification (clause 5.3.1)."""
    begin = b'{"id":"'
    head = b'","type":"Notification","subscriptionId":' + orjson.dumps(subscription_id) + b',"notifiedAt":"'
    opening, closing = b'","data":[', b"]}"
    if form.accept == GEO_JSON:
        opening, closing = b'","data":{"type":"FeatureCollection","features":[', b"]}}"
        if form.body_context:
            closing = b'],"@context":' + form.body_context + b"}}"
    elif form.accept == JSON_LD:
        closing = b'],"@context":' + form.body_context + b"}"

    def compose(name: str, now: str, entities: Sequence[bytes]) -> bytes:
        return b"".join((begin, name.encode(), head, now.encode(), opening, b",".join(entities), closing))

    return compose


def _shown_deletions(deleted: list[Instance]) -> list[Instance]:
    """Return the deleted instances that are shown: only the default one, where it is among them."""
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
    """Return an attribute's instances as objects that can be extended; a concise value is wrapped first."""
    if name not in members:
        return []
    shown = members[name]
    if isinstance(shown, list) and all(isinstance(each, dict) for each in shown):
        return shown
    if not isinstance(shown, dict) or ("coordinates" in shown and "value" not in shown):
        shown = members[name] = {"value": shown}
    return [shown]
