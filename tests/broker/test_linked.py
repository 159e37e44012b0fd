"""Linked entities in notifications (clause 4.5.23)."""

from __future__ import annotations

from typing import Any

import orjson

from broker.subscribing import CONTEXT, ENDPOINT, READING, document
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.subscriptions.matching.differences import Differences
from rhinecloud.subscriptions.parsing.subscription import parse_subscription
from rhinecloud.subscriptions.served import ServedSubscription

BERTH, PORT = CONTEXT.expand("berth"), CONTEXT.expand("port")


def entity(name: str, **links: str) -> Entity:
    attrs = {
        CONTEXT.expand(key): [Instance(type="Relationship", value=value)] for key, value in links.items()
    }
    return Entity(id=f"urn:{name}", type=[CONTEXT.expand(name)], attrs=attrs)


CITY = {
    "urn:Berth": entity("Berth", port="urn:Port"),
    "urn:Port": entity("Port", flagship="urn:Vessel"),
    "urn:Vessel": entity("Vessel", berth="urn:Berth"),
}


def told(**notification: Any) -> list[Any]:
    data = document(id="urn:s:1", notification={"endpoint": ENDPOINT, **notification})
    ready = ServedSubscription(parse_subscription(data, READING, lambda: ""), CONTEXT, CONTEXT, CITY.get)
    change = Change(seq=1, kind=ChangeKind.UPDATED, at="1", entity=CITY["urn:Vessel"], changed=[BERTH])
    found: list[Any] = orjson.loads(b"[" + ready.render_change(Differences(change)) + b"]")
    return found


def test_flat_puts_linked_entities_behind_level_by_level() -> None:
    assert [each["id"] for each in told(join="flat")] == ["urn:Vessel", "urn:Berth"]
    assert [each["id"] for each in told(join="flat", joinLevel=3)] == ["urn:Vessel", "urn:Berth", "urn:Port"]


def test_inline_puts_linked_entities_into_their_relationships_and_ends_loops() -> None:
    (shown,) = told(join="inline", joinLevel=5)
    berth = shown["berth"]["entity"]
    assert berth["id"] == "urn:Berth"
    assert berth["port"]["entity"]["flagship"] == {"type": "Relationship", "object": "urn:Vessel"}


def test_simplified_inline_replaces_the_link_itself() -> None:
    (shown,) = told(join="inline", format="simplified")
    assert shown["berth"] == {"id": "urn:Berth", "type": "Berth", "port": "urn:Port"}


def test_what_is_not_shown_is_not_followed() -> None:
    assert [each["id"] for each in told(join="flat", pick=["id", "type"])] == ["urn:Vessel"]


def test_no_notification_shows_more_than_a_hundred_linked_entities() -> None:
    lots = [f"urn:Berth:{number}" for number in range(150)]
    change = Change(seq=1, kind=ChangeKind.UPDATED, at="1", entity=entity("Vessel"), changed=[BERTH])
    change.entity.attrs[BERTH] = [Instance(type="Relationship", value=lots)]
    for join in ("flat", "inline"):
        notification = {"endpoint": ENDPOINT, "join": join}
        subscription = parse_subscription(
            document(id="urn:s:1", notification=notification), READING, lambda: ""
        )
        ready = ServedSubscription(
            subscription, CONTEXT, CONTEXT, lambda name: Entity(id=name, type=["Berth"], attrs={})
        )
        shown = orjson.loads(b"[" + ready.render_change(Differences(change)) + b"]")
        linked = shown[1:] if join == "flat" else shown[0]["berth"]["entity"]
        assert [each["id"] for each in linked] == lots[:100]
