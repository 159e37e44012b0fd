"""What a subscriber may send, and which member an error names."""

from __future__ import annotations

from typing import Any

import pytest

from broker.subscribing import CONTEXT, ENDPOINT, NOW, READING, document
from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.subscriptions.model import DeliveryCounters, Subscription, Trigger, status_of
from rhinecloud.subscriptions.parsing.subscription import (
    SubscriptionReading,
    parse_subscription,
    parse_update,
)
from rhinecloud.subscriptions.representation.subscription import render_subscription


def parse(**members: Any) -> Subscription:
    return parse_subscription(document(**members), READING, lambda: "urn:ngsi-ld:Subscription:new")


def field_of(**members: Any) -> str:
    with pytest.raises(Invalid) as caught:
        parse(**members)
    return caught.value.field


def test_names_are_expanded_and_shown_compact_again() -> None:
    made = parse(
        watchedAttributes=["speed"], entities=[{"type": "Vessel,(Vessel;Tug)", "idPattern": "urn:.*"}]
    )
    assert made.watched == ["https://x.example/speed"]
    shown = render_subscription(made, DeliveryCounters(), CONTEXT, NOW)
    assert shown["watchedAttributes"] == ["speed"]
    assert shown["entities"] == [{"type": "Vessel,(Vessel;Tug)", "idPattern": "urn:.*"}]
    assert shown["status"] == "active"


def test_an_id_is_made_where_none_is_given() -> None:
    assert parse().id == "urn:ngsi-ld:Subscription:new"


def test_default_triggers_are_created_and_updated_attributes() -> None:
    assert parse().triggers == [Trigger.ATTRIBUTE_CREATED, Trigger.ATTRIBUTE_UPDATED]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"type": "Entity"}, "type"),
        ({"id": "no uri"}, "id"),
        ({"entities": []}, "entities"),
        ({"entities": [{"id": "urn:a:b"}]}, "entities[0].type"),
        ({"entities": [{"type": "Vessel", "id": "nope"}]}, "entities[0].id"),
        ({"entities": [{"type": "Vessel", "idPattern": "("}]}, "entities[0].idPattern"),
        ({"watchedAttributes": []}, "watchedAttributes"),
        ({"watchedAttributes": ["speed", "not a name"]}, "watchedAttributes[1]"),
        ({"notificationTrigger": ["entityChanged"]}, "notificationTrigger[0]"),
        ({"throttling": -1}, "throttling"),
        ({"throttling": True}, "throttling"),
        ({"throttling": 1, "timeInterval": 2}, "throttling"),
        ({"timeInterval": 2, "watchedAttributes": ["speed"]}, "timeInterval"),
        ({"q": "speed>"}, "q"),
        ({"csf": "(("}, "csf"),
        ({"scopeQ": "a//"}, "scopeQ"),
        ({"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}}, "geoQ.georel"),
        ({"geoQ": {"georel": "within", "geometry": "Point"}}, "geoQ.coordinates"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "soon"}, "expiresAt"),
        ({"isActive": "yes"}, "isActive"),
        ({"datasetId": ["x"]}, "datasetId[0]"),
        ({"notification": {}}, "notification.endpoint"),
        ({"notification": {"endpoint": {}}}, "notification.endpoint.uri"),
        ({"notification": {"endpoint": {"uri": "ftp://x.example/y"}}}, "notification.endpoint.uri"),
        ({"notification": {"endpoint": {"uri": "mqtt://x.example"}}}, "notification.endpoint.uri"),
        ({"notification": {"endpoint": {**ENDPOINT, "timeout": 0}}}, "notification.endpoint.timeout"),
        ({"notification": {"endpoint": {**ENDPOINT, "accept": "text/html"}}}, "notification.endpoint.accept"),
        (
            {"notification": {"endpoint": {**ENDPOINT, "receiverInfo": [{"key": "K", "value": 1}]}}},
            "notification.endpoint.receiverInfo[0].value",
        ),
        (
            {
                "notification": {
                    "endpoint": {**ENDPOINT, "receiverInfo": [{"key": "K", "value": "a\r\nX: b"}]}
                }
            },
            "notification.endpoint.receiverInfo[0].value",
        ),
        (
            {
                "notification": {
                    "endpoint": {**ENDPOINT, "receiverInfo": [{"key": "Transfer-Encoding", "value": "x"}]}
                }
            },
            "notification.endpoint.receiverInfo[0].key",
        ),
        (
            {
                "notification": {
                    "endpoint": {
                        "uri": "mqtt://x.example/t",
                        "notifierInfo": [{"key": "MQTT-QoS", "value": "3"}],
                    }
                }
            },
            "notification.endpoint.notifierInfo",
        ),
        ({"notification": {"endpoint": ENDPOINT, "format": "xml"}}, "notification.format"),
        ({"notification": {"endpoint": ENDPOINT, "attributes": ["id"]}}, "notification.attributes[0]"),
        (
            {"notification": {"endpoint": ENDPOINT, "pick": ["id"], "omit": ["id"]}},
            "notification.omit",
        ),
        (
            {"notification": {"endpoint": ENDPOINT, "format": "keyValues", "showChanges": True}},
            "notification.showChanges",
        ),
    ],
)
def test_an_error_names_the_member(members: dict[str, Any], field: str) -> None:
    assert field_of(**members) == field


def test_entities_or_watched_attributes_are_needed_unless_local_only() -> None:
    data = document()
    del data["entities"]
    with pytest.raises(Invalid) as caught:
        parse_subscription(data, READING, lambda: "urn:x:y")
    assert caught.value.field == "entities"
    parse_subscription({**data, "localOnly": True}, READING, lambda: "urn:x:y")


@pytest.mark.parametrize("name", ["csf", "temporalQ", "ngsildConformance"])
def test_what_is_not_built_is_said_aloud(name: str) -> None:
    with pytest.raises(Unsupported, match=name):
        parse(**{name: "speed"})


def test_members_of_the_broker_are_ignored() -> None:
    made = parse(
        status="expired",
        createdAt=NOW,
        __context="http://x.example",
        notification={"endpoint": ENDPOINT, "timesSent": 42, "status": "failed"},
    )
    shown = render_subscription(made, DeliveryCounters(), CONTEXT, NOW)
    assert shown["status"] == "active"
    assert "timesSent" not in shown["notification"]


@pytest.mark.parametrize(
    ("members", "field", "near"),
    [
        ({"watchedAttribute": ["speed"]}, "watchedAttribute", "watchedAttributes"),
        ({"condition": "speed>1"}, "condition", "unknown member"),
        ({"entities": [{"type": "Vessel", "idpattern": "x"}]}, "entities[0].idpattern", "idPattern"),
        ({"notification": {"endpoint": ENDPOINT, "attrs": ["speed"]}}, "notification.attrs", "member"),
        (
            {"notification": {"endpoint": {**ENDPOINT, "receiverinfo": []}}},
            "notification.endpoint.receiverinfo",
            "I",
        ),
    ],
)
def test_a_member_that_is_not_known_is_refused_and_not_passed_over(
    members: dict[str, Any], field: str, near: str
) -> None:
    with pytest.raises(Invalid, match=near) as caught:
        parse(**members)
    assert caught.value.field == field
    with pytest.raises(Invalid):
        parse_update(members, READING, parse())


def test_an_update_replaces_what_it_names_and_removes_what_is_null() -> None:
    before = parse(q="speed>1", throttling=5, description="old")
    after = parse_update({"description": "new", "throttling": None}, READING, before)
    assert (after.q, after.throttling_s, after.description) == ("speed>1", 0, "new")


def test_an_update_may_not_remove_the_endpoint_or_rename() -> None:
    before = parse()
    with pytest.raises(Invalid, match=r"notification.endpoint"):
        parse_update({"notification": {"endpoint": None}}, READING, before)
    with pytest.raises(Invalid, match="id"):
        parse_update({"id": "urn:a:other"}, READING, before)


def test_a_later_expiry_wakes_an_expired_subscription_and_is_active_does_not() -> None:
    before = parse(expiresAt="2026-11-22T12:00:05.500Z")
    later = SubscriptionReading(CONTEXT, None, "2026-11-22T12:00:06Z", READING.owner)
    assert status_of(before, "2026-11-22T12:00:05Z") == "active"
    assert status_of(before, later.now) == "expired"
    assert status_of(parse_update({"isActive": True}, later, before), later.now) == "expired"
    assert (
        status_of(parse_update({"expiresAt": "2027-01-01T00:00:00Z"}, later, before), later.now) == "active"
    )
