"""Clauses 5.3.1, 5.8.6 and 6.3.9: what sets a subscription off, and what it then tells, over real HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from broker.notifying import NotifyingBroker
from broker.receiving import Receiver
from conformance.subscribing import ID, subscription

NULL = "urn:ngsi-ld:null"
SHIP = "urn:ngsi-ld:Ship:1"
LOCATION = {"type": "Point", "coordinates": [6.7, 51.4]}

TRIGGERS: dict[str, tuple[dict[str, Any], str]] = {
    "any": ({}, "created sped headed"),
    "watched": ({"watchedAttributes": ["speed"]}, "created sped"),
    "two": ({"watchedAttributes": ["speed", "heading"]}, "created sped headed"),
    "unwatched": ({"watchedAttributes": ["draught"]}, ""),
    "entityCreated": ({"notificationTrigger": ["entityCreated"]}, "created"),
    "entityUpdated": (
        {"notificationTrigger": ["entityUpdated"]},
        "created sped headed unheaded stopped deleted",
    ),
    "entityDeleted": ({"notificationTrigger": ["entityDeleted"]}, "deleted"),
    "attributeCreated": ({"notificationTrigger": ["attributeCreated"]}, "created headed"),
    "attributeUpdated": ({"notificationTrigger": ["attributeUpdated"]}, "sped"),
    "attributeDeleted": ({"notificationTrigger": ["attributeDeleted"]}, "unheaded stopped deleted"),
    "headingLost": (
        {"notificationTrigger": ["attributeDeleted"], "watchedAttributes": ["heading"]},
        "unheaded",
    ),
    "q": ({"q": "speed>1"}, "sped headed"),
    "never": ({"q": "speed>100"}, ""),
    "near": (
        {"geoQ": {"georel": "near;maxDistance==5", "geometry": "Point", "coordinates": [6.7, 51.4]}},
        "created sped headed",
    ),
    "far": ({"geoQ": {"georel": "near;minDistance==5", "geometry": "Point", "coordinates": [6.7, 51.4]}}, ""),
    "scoped": ({"scopeQ": "/rhine/#", "watchedAttributes": ["heading"]}, "headed"),
    "elsewhere": ({"scopeQ": "/ruhr"}, ""),
    "typed": ({"entities": [{"type": "(Boat;Raft)|Ship"}], "watchedAttributes": ["heading"]}, "headed"),
    "othertype": ({"entities": [{"type": "Boat"}]}, ""),
    "named": ({"entities": [{"type": "Ship", "id": SHIP}], "watchedAttributes": ["heading"]}, "headed"),
    "pattern": ({"entities": [{"type": "Ship", "idPattern": "2$"}]}, ""),
    "attributesOnly": ({"entities": None, "watchedAttributes": ["heading"]}, "headed"),
    "paused": ({"isActive": False}, ""),
}
"""By name: what a subscription asks for, and what of the story below it is told."""


async def play(notifying: NotifyingBroker) -> None:
    """Tell the story of a ship, in which each chapter changes one thing; one changes nothing."""
    path = f"/entities/{SHIP}"
    ship = {
        "id": SHIP,
        "type": "Ship",
        "scope": "/rhine/ruhrort",
        "speed": {"value": 1, "unitCode": "KNT"},
        "home": {"object": "urn:x:1"},
        "location": LOCATION,
    }
    for verb, address, body in (
        ("POST", "/entities", ship),
        ("PATCH", f"{path}/attrs/speed", {"value": 2}),
        ("PATCH", f"{path}/attrs/speed", {"value": 2}),
        ("POST", f"{path}/attrs", {"heading": 90}),
        ("DELETE", f"{path}/attrs/heading", None),
        ("PATCH", path, {"speed": NULL}),
        ("DELETE", path, None),
    ):
        assert (await notifying.call(verb, address, body)).status in (201, 204)


def chapter(entity: dict[str, Any]) -> str:
    """Name the chapter of the story from what is told in simplified form."""
    if "deletedAt" in entity:
        return "deleted"
    if "heading" in entity:
        return "unheaded" if entity["heading"] == NULL else "headed"
    return {1: "created", 2: "sped", NULL: "stopped"}[entity["speed"]]


async def test_5_8_6_each_trigger_and_condition_gets_its_part(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    for name, (members, _) in TRIGGERS.items():
        given = subscription(
            f"{receiver.url}/{name}",
            id=f"urn:s:{name}",
            **{**members, "notification": {"format": "simplified"}},
        )
        given = {key: member for key, member in given.items() if member is not None}
        assert (await notifying.call("POST", "/subscriptions", given)).status == 201, name
    await play(notifying)
    expected = {name: told.split() for name, (_, told) in TRIGGERS.items()}
    await receiver.until(lambda: len(receiver.received) >= sum(map(len, expected.values())))
    await asyncio.sleep(0.2)
    told = {
        name: [chapter(entity) for body in receiver.bodies(f"/{name}") for entity in body["data"]]
        for name in TRIGGERS
    }
    assert told == expected


SPEED = {"type": "Property", "value": 2, "unitCode": "KNT"}
FORMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "normalized": ({"attributes": ["speed"]}, {"speed": SPEED}),
    "concise": ({"attributes": ["speed"], "format": "concise"}, {"speed": {"value": 2, "unitCode": "KNT"}}),
    "keyValues": ({"attributes": ["speed"], "format": "keyValues"}, {"speed": 2}),
    "picked": ({"pick": ["speed", "home"], "format": "simplified"}, {"speed": 2, "home": "urn:x:1"}),
    "omitted": ({"omit": ["home", "location"], "format": "simplified"}, {"speed": 2}),
    "changes": ({"attributes": ["speed"], "showChanges": True}, {"speed": {**SPEED, "previousValue": 1}}),
}


async def test_5_3_1_a_notification_is_made_as_it_was_asked_for(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    for name, (notification, _) in FORMS.items():
        given = subscription(
            f"{receiver.url}/{name}",
            id=f"urn:s:{name}",
            watchedAttributes=["speed"],
            notificationTrigger=["attributeUpdated"],
            notification=notification,
        )
        assert (await notifying.call("POST", "/subscriptions", given)).status == 201, name
    await play(notifying)
    await receiver.until(lambda: len(receiver.received) >= len(FORMS))
    for name, (_, expected) in FORMS.items():
        (body,) = receiver.bodies(f"/{name}")
        assert set(body) == {"id", "type", "subscriptionId", "notifiedAt", "data"}
        assert (body["type"], body["subscriptionId"]) == ("Notification", f"urn:s:{name}")
        (entity,) = body["data"]
        shown = {key: member for key, member in entity.items() if key not in ("id", "type", "scope")}
        assert shown == expected, name
        assert ("type" in entity) is (name != "picked")


async def test_5_8_6_a_deletion_is_notified_with_previous_values(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    for name, triggers in (("lost", ["attributeDeleted"]), ("gone", ["entityDeleted"])):
        given = subscription(
            f"{receiver.url}/{name}",
            id=f"urn:s:{name}",
            notificationTrigger=triggers,
            notification={"attributes": ["speed"], "showChanges": True, "sysAttrs": True},
        )
        await notifying.call("POST", "/subscriptions", given)
    await play(notifying)
    await receiver.until(lambda: len(receiver.bodies("/gone")) == 1 and len(receiver.bodies("/lost")) == 3)
    stopped = receiver.bodies("/lost")[1]["data"][0]["speed"]
    assert (stopped["value"], stopped["previousValue"]) == (NULL, 2)
    assert {"createdAt", "modifiedAt", "deletedAt"} <= set(receiver.bodies("/gone")[0]["data"][0])


@pytest.mark.parametrize(
    ("accept", "content_type", "inside"),
    [
        ("application/json", "application/json", False),
        ("application/ld+json", "application/ld+json", True),
        ("application/geo+json", "application/geo+json", True),
    ],
)
async def test_6_3_9_the_receiver_says_what_it_reads(
    notifying: NotifyingBroker, receiver: Receiver, accept: str, content_type: str, inside: bool
) -> None:
    endpoint = {"uri": receiver.url, "accept": accept, "receiverInfo": [{"key": "X-Key", "value": "k"}]}
    terms = {"@context": {"Ship": "https://example.org/Ship", "speed": "https://example.org/speed"}}
    hosted = await notifying.call("POST", "/jsonldContexts", terms)
    context = f"http://127.0.0.1{hosted.headers['location']}"
    link = {"link": f'<{context}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
    given = subscription(notification={"endpoint": endpoint})
    assert (await notifying.call("POST", "/subscriptions", given, headers=link)).status == 201
    ship = {"id": SHIP, "type": "Ship", "speed": 3, "location": LOCATION}
    assert (await notifying.call("POST", "/entities", ship, headers=link)).status == 201
    await receiver.until(lambda: bool(receiver.received))
    _, headers, body = receiver.received[0]
    assert (headers["Content-Type"], headers["X-Key"]) == (content_type, "k")
    assert context in (orjson.dumps(body).decode() if inside else headers["Link"])
    entity = body["data"]["features"][0]["properties"] if "geo" in accept else body["data"][0]
    assert entity["speed"] == {"type": "Property", "value": 3}, "in the words of whoever subscribed"


async def test_5_8_6_notifications_speak_the_words_of_jsonld_context(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    default = "https://uri.etsi.org/ngsi-ld/default-context/"
    terms = {"@context": {"Schiff": f"{default}Ship", "fahrt": f"{default}speed"}}
    hosted = await notifying.call("POST", "/jsonldContexts", terms)
    context = f"http://127.0.0.1{hosted.headers['location']}"
    given = subscription(receiver.url, jsonldContext=context, notification={"format": "simplified"})
    assert (await notifying.call("POST", "/subscriptions", given)).status == 201
    await notifying.call("POST", "/entities", {"id": SHIP, "type": "Ship", "speed": 3})
    await receiver.until(lambda: bool(receiver.received))
    assert receiver.received[0][2]["data"] == [{"id": SHIP, "type": "Schiff", "fahrt": 3}]


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("inline", [{"id": SHIP, "type": "Ship", "speed": 3, "home": {"id": "urn:x:1", "type": "Port"}}]),
        (
            "flat",
            [
                {"id": SHIP, "type": "Ship", "speed": 3, "home": "urn:x:1"},
                {"id": "urn:x:1", "type": "Port"},
            ],
        ),
    ],
)
async def test_4_5_23_linked_entities_are_notified_with_those_that_link_to_them(
    notifying: NotifyingBroker, receiver: Receiver, join: str, expected: list[dict[str, Any]]
) -> None:
    await notifying.call("POST", "/entities", {"id": "urn:x:1", "type": "Port"})
    wish = {"format": "simplified", "join": join, "joinLevel": 1}
    given = subscription(receiver.url, notification=wish)
    assert (await notifying.call("POST", "/subscriptions", given)).status == 201
    ship = {"id": SHIP, "type": "Ship", "speed": 3, "home": {"object": "urn:x:1"}}
    await notifying.call("POST", "/entities", ship)
    await receiver.until(lambda: bool(receiver.received))
    assert receiver.received[0][2]["data"] == expected


async def test_5_8_6_success_and_failure_are_counted(notifying: NotifyingBroker, receiver: Receiver) -> None:
    await notifying.call("POST", "/subscriptions", subscription(receiver.url))
    await notifying.call("POST", "/entities", {"id": SHIP, "type": "Ship", "speed": 3})
    async with asyncio.timeout(60):
        while (shown := await notifying.shown(ID)).get("status") != "ok":  # it is sent before it is answered
            await asyncio.sleep(0.02)
    assert (shown["timesSent"], shown["lastSuccess"]) == (1, shown["lastNotification"])
    receiver.status = 500
    await notifying.call("PATCH", f"/entities/{SHIP}/attrs/speed", {"value": 4})
    async with asyncio.timeout(60):
        while (failed := await notifying.shown(ID)).get("status") != "failed":
            await asyncio.sleep(0.02)
    assert failed["lastFailure"] >= failed["lastSuccess"]
    assert failed["timesFailed"] >= 1


async def test_5_2_12_values_named_as_raw_json_are_compared_as_they_came(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    given = subscription(receiver.url, q='cargo[kind]=="coal"', jsonKeys="cargo,papers")
    assert (await notifying.call("POST", "/subscriptions", given)).status == 201
    assert (await notifying.call("GET", f"/subscriptions/{ID}")).json()["jsonKeys"] == "cargo,papers"
    for kind in ("ore", "coal"):
        cargo = {"type": "JsonProperty", "json": {"kind": kind}}
        await notifying.call("POST", "/entities", {"id": f"{SHIP}:{kind}", "type": "Ship", "cargo": cargo})
    await receiver.until(lambda: bool(receiver.received))
    assert [each["id"] for each in receiver.received[0][2]["data"]] == [f"{SHIP}:coal"]
