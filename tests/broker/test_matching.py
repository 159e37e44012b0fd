"""Whom a change concerns."""

from __future__ import annotations

from typing import Any

import pytest

from broker.subscribing import CONTEXT, READING, document
from rhinecloud.broker.subscriptions.matching import Index
from rhinecloud.broker.subscriptions.parsing import parse_subscription
from rhinecloud.broker.subscriptions.ready import Ready
from rhinecloud.ngsild.change import Change, Kind
from rhinecloud.ngsild.entity import Entity, Instance

X = "https://x.example/"
SPEED = f"{X}speed"
VESSEL = f"{X}Vessel"


def watch(name: str = "urn:s:1", **members: Any) -> Ready:
    made = parse_subscription(document(id=name, **members), READING, lambda: "urn:s:new")
    return Ready(made, CONTEXT, CONTEXT, lambda _: None)


def updated(
    after: Any = 2,
    before: Any = 1,
    *,
    entity_id: str = "urn:v:1",
    types: tuple[str, ...] = (VESSEL,),
    attribute: str = SPEED,
    seq: int = 1,
) -> Change:
    now = [] if after is None else [Instance(value=after, modified_at="2")]
    was = [] if before is None else [Instance(value=before, modified_at="1")]
    return Change(
        seq=seq,
        kind=Kind.UPDATED,
        at="2",
        entity=Entity(id=entity_id, type=list(types), attrs={attribute: now} if now else {}),
        changed=[attribute],
        previous={attribute: was} if was else {},
    )


def whole(kind: Kind, **attrs: Any) -> Change:
    entity = Entity(
        id="urn:v:1",
        type=[VESSEL],
        attrs={X + name: [Instance(value=value)] for name, value in attrs.items()},
    )
    return Change(seq=1, kind=kind, at="1", entity=entity, changed=list(entity.attrs))


def matched(change: Change, *watches: Ready) -> list[str]:
    index: Index[Ready] = Index()
    for each in watches:
        index.put(each)
    return sorted(found.subscription.id for found, _ in index.match(change))


def test_a_type_leads_to_its_subscriptions_only() -> None:
    watches = [watch("urn:s:1"), watch("urn:s:2", entities=[{"type": "Tug"}])]
    assert matched(updated(), *watches) == ["urn:s:1"]


def test_an_entity_of_two_types_is_told_once() -> None:
    change = updated(types=(VESSEL, CONTEXT.expand("Tug")))
    assert matched(change, watch(entities=[{"type": "Vessel"}, {"type": "Tug"}])) == ["urn:s:1"]
    assert matched(change, watch(entities=[{"type": "(Vessel;Tug)"}])) == ["urn:s:1"]
    assert matched(updated(), watch(entities=[{"type": "(Vessel;Tug)"}])) == []


@pytest.mark.parametrize(
    ("selector", "hit"),
    [
        ({"type": "Vessel", "id": "urn:v:1"}, True),
        ({"type": "Vessel", "id": ["urn:v:0", "urn:v:1"]}, True),
        ({"type": "Vessel", "id": "urn:v:2"}, False),
        ({"type": "Tug", "id": "urn:v:1"}, False),
        ({"type": "Vessel", "idPattern": "urn:v:.*"}, True),
        ({"type": "Vessel", "idPattern": "^urn:w"}, False),
        ({"type": "Vessel", "id": "urn:v:2", "idPattern": "urn:v:1"}, False),
        ({"type": "*"}, True),
    ],
)
def test_selectors_narrow_by_id_and_pattern(selector: dict[str, Any], hit: bool) -> None:
    assert bool(matched(updated(), watch(entities=[selector]))) is hit


def test_only_watched_attributes_count() -> None:
    watches = [watch("urn:s:1", watchedAttributes=["speed"]), watch("urn:s:2", watchedAttributes=["draught"])]
    assert matched(updated(), *watches) == ["urn:s:1"]


def test_watched_attributes_alone_select_any_entity() -> None:
    data = document(watchedAttributes=["speed"], id="urn:s:1")
    del data["entities"]
    made = Ready(parse_subscription(data, READING, lambda: ""), CONTEXT, CONTEXT, lambda _: None)
    assert matched(updated(types=("urn:other",)), made) == ["urn:s:1"]


def test_an_attribute_that_is_written_again_with_the_same_value_has_not_changed() -> None:
    assert matched(updated(after=1, before=1), watch()) == []


@pytest.mark.parametrize(
    ("trigger", "change", "hit"),
    [
        ("attributeUpdated", updated(), True),
        ("attributeUpdated", updated(before=None), False),
        ("attributeCreated", updated(before=None), True),
        ("attributeCreated", whole(Kind.CREATED, speed=1), True),
        ("attributeDeleted", updated(after=None), True),
        ("attributeDeleted", updated(), False),
        ("attributeDeleted", whole(Kind.DELETED, speed=1), True),
        ("entityCreated", whole(Kind.CREATED), True),
        ("entityCreated", updated(), False),
        ("entityDeleted", whole(Kind.DELETED), True),
        ("entityDeleted", updated(after=None), False),
        ("entityUpdated", updated(), True),
        ("entityUpdated", updated(after=None), True),
        ("entityUpdated", updated(before=None), True),
    ],
)
def test_each_trigger_goes_off_for_its_own_kind_of_change(trigger: str, change: Change, hit: bool) -> None:
    assert bool(matched(change, watch(notificationTrigger=[trigger]))) is hit


def test_a_lost_instance_is_a_deletion_while_others_remain() -> None:
    change = updated()
    change.previous[SPEED] = [Instance(value=2), Instance(value=9, dataset_id="urn:d:1")]
    assert matched(change, watch(notificationTrigger=["attributeDeleted"])) == ["urn:s:1"]
    assert matched(change, watch(notificationTrigger=["attributeUpdated"])) == []


@pytest.mark.parametrize(
    ("condition", "hit"),
    [
        ({"q": "speed>1"}, True),
        ({"q": "speed>5"}, False),
        ({"q": "speed==2;name"}, False),
        ({"scopeQ": "/a"}, False),
        ({"geoQ": {"georel": "near;maxDistance==9", "geometry": "Point", "coordinates": [6.7, 51.4]}}, False),
    ],
)
def test_conditions_must_hold(condition: dict[str, Any], hit: bool) -> None:
    assert bool(matched(updated(), watch(**condition))) is hit


def test_a_fence_matches_what_lies_in_it() -> None:
    change = updated()
    change.entity.attrs["https://uri.etsi.org/ngsi-ld/location"] = [
        Instance(type="GeoProperty", value={"type": "Point", "coordinates": [6.75, 51.45]})
    ]
    ring = [[[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.5], [6.7, 51.4]]]
    assert matched(change, watch(geoQ={"georel": "within", "geometry": "Polygon", "coordinates": ring}))


def test_changes_from_before_the_subscription_are_not_told() -> None:
    made = watch()
    made.subscription.since = 5
    assert matched(updated(seq=5), made) == []
    assert matched(updated(seq=6), made) == ["urn:s:1"]


def test_a_removed_or_replaced_subscription_leaves_nothing_behind() -> None:
    index: Index[Ready] = Index()
    index.put(watch(watchedAttributes=["speed"]))
    index.put(watch(entities=[{"type": "Tug"}]))
    assert index.match(updated()) == []
    assert len(index) == 1
    index.remove("", "urn:s:1")
    assert index.match(updated(types=(CONTEXT.expand("Tug"),))) == []
    assert index._shelves == {}
