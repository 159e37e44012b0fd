"""Whom a change concerns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.subscribing import CONTEXT, READING, document
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.patterns import compile_pattern
from rhinecloud.subscriptions.matching.index import SubscriptionIndex, prefix_of
from rhinecloud.subscriptions.parsing.subscription import parse_subscription
from rhinecloud.subscriptions.served import ServedSubscription

X = "https://x.example/"
SPEED = f"{X}speed"
VESSEL = f"{X}Vessel"


def watch(name: str = "urn:s:1", **members: Any) -> ServedSubscription:
    made = parse_subscription(document(id=name, **members), READING, lambda: "urn:s:new")
    return ServedSubscription(made, CONTEXT, CONTEXT, lambda _: None)


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
        kind=ChangeKind.UPDATED,
        at="2",
        entity=Entity(id=entity_id, type=list(types), attrs={attribute: now} if now else {}),
        changed=[attribute],
        previous={attribute: was} if was else {},
    )


def whole(kind: ChangeKind, **attrs: Any) -> Change:
    entity = Entity(
        id="urn:v:1",
        type=[VESSEL],
        attrs={X + name: [Instance(value=value)] for name, value in attrs.items()},
    )
    return Change(seq=1, kind=kind, at="1", entity=entity, changed=list(entity.attrs))


def matched(change: Change, *watches: ServedSubscription) -> list[str]:
    index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
    for each in watches:
        index.put(each)
    return sorted(found.subscription.id for found in index.match(change)[0])


def test_a_type_leads_to_its_subscriptions_only() -> None:
    watches = [watch("urn:s:1"), watch("urn:s:2", entities=[{"type": "Tug"}])]
    assert matched(updated(), *watches) == ["urn:s:1"]


def test_an_entity_of_two_types_is_notified_once() -> None:
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
    made = ServedSubscription(parse_subscription(data, READING, lambda: ""), CONTEXT, CONTEXT, lambda _: None)
    assert matched(updated(types=("urn:other",)), made) == ["urn:s:1"]


def test_an_attribute_that_is_written_again_with_the_same_value_has_not_changed() -> None:
    assert matched(updated(after=1, before=1), watch()) == []


@pytest.mark.parametrize(
    ("trigger", "change", "hit"),
    [
        ("attributeUpdated", updated(), True),
        ("attributeUpdated", updated(before=None), False),
        ("attributeCreated", updated(before=None), True),
        ("attributeCreated", whole(ChangeKind.CREATED, speed=1), True),
        ("attributeDeleted", updated(after=None), True),
        ("attributeDeleted", updated(), False),
        ("attributeDeleted", whole(ChangeKind.DELETED, speed=1), True),
        ("entityCreated", whole(ChangeKind.CREATED), True),
        ("entityCreated", updated(), False),
        ("entityDeleted", whole(ChangeKind.DELETED), True),
        ("entityDeleted", updated(after=None), False),
        ("entityUpdated", updated(), True),
        ("entityUpdated", updated(after=None), True),
        ("entityUpdated", updated(before=None), True),
    ],
)
def test_each_trigger_applies_to_its_own_kind_of_change(trigger: str, change: Change, hit: bool) -> None:
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


def test_changes_from_before_the_subscription_are_not_notified() -> None:
    made = watch().subscription
    made.since = 5
    since = ServedSubscription(made, CONTEXT, CONTEXT, lambda _: None)
    assert matched(updated(seq=5), since) == []
    assert matched(updated(seq=6), since) == ["urn:s:1"]


def test_a_condition_may_follow_a_relationship() -> None:
    device = Entity(id="urn:d:1", type=["urn:D"], attrs={CONTEXT.expand("charge"): [Instance(value=0.3)]})
    known = {"urn:d:1": device}
    change = updated()
    change.entity.attrs[CONTEXT.expand("carries")] = [Instance(type="Relationship", value="urn:d:1")]
    for q, hit in (
        ("carries{charge}<0.5", True),
        ("carries{charge}>0.5", False),
        ("speed==2;carries{charge}", True),
    ):
        made = ServedSubscription(watch(q=q).subscription, CONTEXT, CONTEXT, known.get)
        assert bool(matched(change, made)) is hit


VALUES = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.5, -1.5, True, False, "a", "b", "1", "2026-01-01T00:00:00Z"])
)
LITERALS = st.sampled_from(
    ["-2", "0", "1", "2.5", "true", '"a"', '"b"', '"1"', '"2026-01-01T00:00:00Z"', "0..2"]
)
SCALARS = st.sampled_from(["-2", "0", "1", "2.5", '"a"', '"b"', '"1"', '"2026-01-01T00:00:00Z"'])
TERMS = st.one_of(
    st.builds("speed{}{}".format, st.sampled_from([">", ">=", "<", "<="]), SCALARS),
    st.builds("speed{}{}".format, st.sampled_from(["==", "!="]), LITERALS),
    st.builds("speed=={},{}".format, LITERALS, LITERALS),
)
QUERIES = TERMS | st.builds("{}{}{}".format, TERMS, st.sampled_from(";|"), TERMS)
PLACES = st.tuples(st.floats(6, 7), st.floats(51, 52))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(QUERIES, PLACES), min_size=1, max_size=100),
    st.one_of(VALUES, st.lists(VALUES, max_size=3)),
    PLACES,
)
def test_gates_leave_out_no_subscription_whose_conditions_hold(
    conditions: list[str | tuple[float, float]], value: Any, place: tuple[float, float]
) -> None:
    change = updated(after=value, before="before")
    point = {"type": "Point", "coordinates": list(place)}
    change.entity.attrs["https://uri.etsi.org/ngsi-ld/location"] = [Instance(type="GeoProperty", value=point)]
    watches = []
    for number, condition in enumerate(conditions):
        if isinstance(condition, str):
            watches.append(watch(f"urn:s:{number}", q=condition))
        else:
            geo = {"georel": "near;maxDistance==20000", "geometry": "Point", "coordinates": list(condition)}
            watches.append(watch(f"urn:s:{number}", geoQ=geo))
    expected = [each.subscription.id for each in watches if each.holds is None or each.holds(change.entity)]
    assert matched(change, *watches) == sorted(expected)


ELSEWHERE: dict[str, Callable[[int], dict[str, Any]]] = {
    "type": lambda number: {"entities": [{"type": f"Tug{number}"}]},
    "id": lambda number: {"entities": [{"type": "Vessel", "id": f"urn:v:{number + 10}"}]},
    "pattern": lambda number: {
        "entities": [{"type": "Vessel", "idPattern": f"^urn:v:{number + 10}:[a-z]+$"}]
    },
    "attribute": lambda number: {"watchedAttributes": [f"draught{number}"]},
    "value": lambda number: {"q": f"speed=={number + 10}"},
    "limit": lambda number: {"q": f"speed>{number + 10}"},
    "area": lambda number: {
        "geoQ": {
            "georel": "near;maxDistance==500",
            "geometry": "Point",
            "coordinates": [8 + number % 100 / 50, 48 + number / 1000],
        }
    },
}


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_no_more_subscriptions_are_examined_however_many_cannot_match(
    elsewhere: Callable[[int], dict[str, Any]],
) -> None:
    change = updated()
    point = {"type": "Point", "coordinates": [6.7, 51.4]}
    change.entity.attrs["https://uri.etsi.org/ngsi-ld/location"] = [Instance(type="GeoProperty", value=point)]
    index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
    for number in range(10):
        index.put(watch(f"urn:s:here:{number}", watchedAttributes=["speed"]))
    examined = []
    for number in range(2_000):
        index.put(watch(f"urn:s:there:{number}", **elsewhere(number)))
        if number in (199, 1_999):
            examined.append(len(index.candidates(change)))
            assert len(index.match(change)[0]) == 10
    assert examined == [10, 10]


def test_patterns_are_found_by_the_prefix_of_ids() -> None:
    index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
    patterns = {
        "one": "^urn:v:1$",
        "ten": r"^urn:v:1\d",
        "any": "^urn",
        "end": "1$",
        "or": "^urn:v:1$|^urn:v:2$",
    }
    for name, pattern in patterns.items():
        index.put(watch(f"urn:s:{name}", entities=[{"type": "Vessel", "idPattern": pattern}]))
    index.put(watch("urn:s:untyped", entities=[{"type": "*", "idPattern": "^urn:v:2"}], localOnly=True))
    told = {
        name: sorted(each.subscription.id[6:] for each in index.match(updated(entity_id=f"urn:v:{name}"))[0])
        for name in ("1", "2", "17", "x1")
    }
    assert told == {
        "1": ["any", "end", "one", "or"],
        "2": ["any", "or", "untyped"],
        "17": ["any", "ten"],
        "x1": ["any", "end"],
    }
    assert index.may_concern("", "urn:v:2", [f"{X}Tug"])
    for name in (*patterns, "untyped"):
        index.remove("", f"urn:s:{name}")
    assert (index._by_key, +index._lengths) == ({}, {})


@given(
    st.lists(
        st.sampled_from(["a", "b", ".", "a*", "b+", "a?", "(ab)", "[ab]", r"\.", r"\d", "b{2}", "$"]),
        max_size=5,
    ),
    st.text("ab.1", max_size=8),
)
def test_a_text_in_which_a_pattern_is_found_has_its_beginning(parts: list[str], text: str) -> None:
    pattern = "^" + "".join(parts)
    if compile_pattern(pattern).is_in(text):
        assert text.startswith(prefix_of(pattern))


def test_gated_subscriptions_can_be_removed_again() -> None:
    index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
    conditions: list[dict[str, Any]] = [
        {"q": "speed==2"},
        {"q": "speed>1"},
        {"q": "speed<9", "watchedAttributes": ["speed"]},
        {"geoQ": {"georel": "near;maxDistance==9", "geometry": "Point", "coordinates": [6.7, 51.4]}},
    ]
    for round_number in range(2):
        for number in range(200):
            index.put(watch(f"urn:s:{number}", **conditions[(number + round_number) % 4]))
        assert len(index.match(updated())[0]) == 150
    for number in range(200):
        index.remove("", f"urn:s:{number}")
    assert index.match(updated())[0] == []
    assert index._by_key == {}


def test_a_removed_or_replaced_subscription_leaves_nothing_behind() -> None:
    index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
    index.put(watch(watchedAttributes=["speed"]))
    index.put(watch(entities=[{"type": "Tug"}]))
    assert index.match(updated())[0] == []
    assert len(index) == 1
    index.remove("", "urn:s:1")
    assert index.match(updated(types=(CONTEXT.expand("Tug"),)))[0] == []
    assert index._by_key == {}


@pytest.mark.parametrize(
    "q",
    [
        "speed==1,1",
        'name=="x","x"',
        "speed==1,1.0",
        "speed==0,-0.0",
        "speed==18446744073709551616,18446744073709551616",
    ],
)
def test_a_condition_that_lists_a_value_twice_can_be_replaced_and_removed(q: str) -> None:
    index: SubscriptionIndex[ServedSubscription] = SubscriptionIndex()
    index.put(watch(q=q))
    index.put(watch(q="speed==2"))
    assert [each.subscription.id for each in index.match(updated())[0]] == ["urn:s:1"]
    index.put(watch(q=q))
    index.remove("", "urn:s:1")
    assert not index.match(updated())[0]
    assert len(index) == 0


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (False, 0), ([1, 0], [True, False]), ({"a": 1}, {"a": True})]
)
def test_a_number_that_becomes_a_boolean_has_changed(before: Any, after: Any) -> None:
    assert matched(updated(after, before), watch(watchedAttributes=["speed"])) == ["urn:s:1"]


def children(*instances: tuple[str, int]) -> list[Instance]:
    return [Instance(value=1, attrs={X + "note": [Instance(value=v, dataset_id=d) for d, v in instances]})]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([("", 1)], [("urn:d:1", 1)], True),
        ([("urn:d:1", 1)], [("urn:d:2", 1)], True),
        ([("", 1), ("urn:d:1", 2)], [("urn:d:1", 2), ("", 1)], False),
        ([("", 1), ("urn:d:1", 2)], [("", 2), ("urn:d:1", 1)], True),
        ([("", 1)], [("", 1), ("urn:d:1", 2)], True),
    ],
)
def test_instances_of_a_sub_attribute_are_known_by_their_dataset(
    before: list[tuple[str, int]], after: list[tuple[str, int]], changed: bool
) -> None:
    change = updated()
    change.entity.attrs[SPEED] = children(*after)
    change.previous[SPEED] = children(*before)
    assert bool(matched(change, watch())) is changed
