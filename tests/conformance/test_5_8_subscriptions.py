"""Clause 5.8: keeping subscriptions, what sets one off, and what it then tells, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from broker.assembly import Answer
from broker.notifying import QUICK, Office, open_office, open_stream
from broker.receiving import Receiver, open_receiver

NULL = "urn:ngsi-ld:null"
ID = "urn:ngsi-ld:Subscription:1"
PATH = f"/subscriptions/{ID}"
SHIP = "urn:ngsi-ld:Ship:1"
LOCATION = {"type": "Point", "coordinates": [6.7, 51.4]}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_stream(tmp_path / "stream") as stream:
        async with open_office(tmp_path, stream, settings=replace(QUICK, entities=1)) as opened:
            yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


def subscription(url: str = "http://127.0.0.1:1/x", **members: Any) -> dict[str, Any]:
    notification = {"endpoint": {"uri": url}, **members.pop("notification", {})}
    given = {"id": ID, "type": "Subscription", "entities": [{"type": "Ship"}], "notification": notification}
    return {**given, **members}


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.json()["type"]).rpartition("/")[2]


async def test_5_8_1_a_subscription_is_kept_as_it_was_given(office: Office) -> None:
    given = subscription(
        subscriptionName="n",
        description="d",
        watchedAttributes=["speed"],
        notificationTrigger=["entityDeleted"],
        q="speed>1",
        geoQ={"georel": "within", "geometry": "Point", "coordinates": [6.7, 51.4]},
        scopeQ="/a/#",
        throttling=5,
        isActive=True,
        expiresAt="2100-01-01T00:00:00Z",
        lang="nl",
        datasetId=["urn:d:1"],
        notification={"format": "concise", "attributes": ["speed"], "showChanges": True},
    )
    created = await office.call("POST", "/subscriptions", given)
    assert (created.status, created.headers["location"]) == (201, f"/ngsi-ld/v1{PATH}")
    shown = (await office.call("GET", PATH)).json()
    assert {name: shown[name] for name in given if name != "notification"} == {
        name: member for name, member in given.items() if name != "notification"
    }
    endpoint = {"uri": "http://127.0.0.1:1/x", "accept": "application/json"}
    assert shown["notification"] == {**given["notification"], "endpoint": endpoint}
    assert shown["status"] == "active"
    assert (await office.call("GET", "/subscriptions")).json() == [shown]
    assert kind(await office.call("POST", "/subscriptions", given)) == (409, "AlreadyExists")


async def test_5_8_1_an_id_is_made_where_none_is_given(office: Office) -> None:
    given = subscription()
    del given["id"]
    place = (await office.call("POST", "/subscriptions", given)).headers["location"]
    made = (await office.call("GET", place.removeprefix("/ngsi-ld/v1"))).json()
    assert made["id"].startswith("urn:")


@pytest.mark.parametrize(
    "members",
    [
        {"id": "no uri"},
        {"id": ""},
        {"type": "Wish"},
        {"entities": []},
        {"entities": [{"id": "urn:x:1"}]},
        {"watchedAttributes": []},
        {"q": "speed>"},
        {"csf": "("},
        {"throttling": -1},
        {"throttling": 5, "timeInterval": 5},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"expiresAt": "soon"},
        {"notificationTrigger": ["entitySeen"]},
        {"isActive": 1},
        {"datasetId": ["no uri"]},
        {"notification": {"endpoint": {}}},
        {"notification": {"format": "fancy"}},
        {"notification": {"attributes": []}},
        {"notification": {"pick": []}},
        {"notification": {"omit": []}},
        {"notification": {"pick": ["a"], "omit": ["a"]}},
        {"notification": {"pick": ["a"], "attributes": ["a"]}},
        {"notification": {"omit": ["a"], "attributes": ["a"]}},
        {"notification": {"format": "keyValues", "showChanges": True}},
        {"notification": {"format": "simplified", "showChanges": True}},
        {
            "notification": {
                "endpoint": {"uri": "http://x.example", "receiverInfo": [{"key": "a", "value": 1}]}
            }
        },
        {"notification": {"endpoint": {"uri": "http://x.example", "receiverInfo": [{"key": "a"}]}}},
        {
            "notification": {
                "endpoint": {"uri": "http://x.example", "notifierInfo": [{"key": 1, "value": "a"}]}
            }
        },
    ],
)
async def test_5_2_12_what_is_no_subscription_is_bad_data(office: Office, members: dict[str, Any]) -> None:
    assert kind(await office.call("POST", "/subscriptions", subscription(**members))) == (
        400,
        "BadRequestData",
    )
    await office.call("POST", "/subscriptions", subscription())
    if "id" not in members and "type" not in members:
        assert (await office.call("PATCH", PATH, members)).status == 400, (
            "nor does it become one by an update"
        )


@pytest.mark.parametrize("verb", ["GET", "PATCH", "DELETE"])
async def test_5_8_2_a_subscription_that_is_not_there_is_told(office: Office, verb: str) -> None:
    body = {"q": "speed>1"} if verb == "PATCH" else None
    assert kind(await office.call(verb, PATH, body)) == (404, "ResourceNotFound")
    assert kind(await office.call(verb, "/subscriptions/no%20uri", body)) == (400, "BadRequestData")


@pytest.mark.parametrize(
    ("patch", "name", "value"),
    [
        ({"q": "speed>5"}, "q", "speed>5"),
        ({"q": None}, "q", None),
        ({"q": NULL}, "q", None),
        ({"watchedAttributes": ["draught"]}, "watchedAttributes", ["draught"]),
        ({"isActive": False}, "status", "paused"),
        ({"expiresAt": "2100-01-01T00:00:00Z"}, "expiresAt", "2100-01-01T00:00:00Z"),
        ({"description": "new"}, "description", "new"),
    ],
)
async def test_5_8_2_an_update_changes_what_it_names(
    office: Office, patch: dict[str, Any], name: str, value: Any
) -> None:
    await office.call("POST", "/subscriptions", subscription(q="speed>1"))
    assert (await office.call("PATCH", PATH, patch)).status == 204
    shown = (await office.call("GET", PATH)).json()
    assert shown.get(name) == value
    assert shown["entities"] == [{"type": "Ship"}]


@pytest.mark.parametrize(
    "patch", [{"type": None}, {"notification": None}, {"id": "urn:x:2"}, {"entities": None}]
)
async def test_5_8_2_what_a_subscription_must_have_stays(office: Office, patch: dict[str, Any]) -> None:
    await office.call("POST", "/subscriptions", subscription())
    assert (await office.call("PATCH", PATH, patch)).status == 400
    assert (await office.call("GET", PATH)).json()["entities"] == [{"type": "Ship"}]


async def test_5_8_4_subscriptions_are_listed_by_pages(office: Office) -> None:
    for number in (1, 2, 3):
        await office.call("POST", "/subscriptions", subscription(id=f"urn:s:{number}"))
    page = await office.call("GET", "/subscriptions?limit=1&offset=1&count=true")
    assert ([each["id"] for each in page.json()], page.headers["ngsild-results-count"]) == (["urn:s:2"], "3")
    assert 'rel="next"' in page.headers["link"] and 'rel="prev"' in page.headers["link"]
    older = await office.call("GET", "/subscriptions?options=count")
    assert older.headers["ngsild-results-count"] == "3", "as clients of older versions ask for it"
    assert kind(await office.call("GET", "/subscriptions?options=fancy")) == (400, "InvalidRequest")
    assert kind(await office.call("GET", "/subscriptions?limit=-1"))[0] == 400


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


async def play(office: Office) -> None:
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
        assert (await office.call(verb, address, body)).status in (201, 204)


def chapter(entity: dict[str, Any]) -> str:
    """Name the chapter of the story from what is told in simplified form."""
    if "deletedAt" in entity:
        return "deleted"
    if "heading" in entity:
        return "unheaded" if entity["heading"] == NULL else "headed"
    return {1: "created", 2: "sped", NULL: "stopped"}[entity["speed"]]


async def test_5_8_6_each_trigger_and_condition_is_told_its_part(office: Office, receiver: Receiver) -> None:
    for name, (members, _) in TRIGGERS.items():
        given = subscription(
            f"{receiver.url}/{name}",
            id=f"urn:s:{name}",
            **{**members, "notification": {"format": "simplified"}},
        )
        given = {key: member for key, member in given.items() if member is not None}
        assert (await office.call("POST", "/subscriptions", given)).status == 201, name
    await play(office)
    expected = {name: told.split() for name, (_, told) in TRIGGERS.items()}
    await receiver.until(lambda: len(receiver.heard) >= sum(map(len, expected.values())))
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


async def test_5_3_1_a_notification_is_made_as_it_was_asked_for(office: Office, receiver: Receiver) -> None:
    for name, (notification, _) in FORMS.items():
        given = subscription(
            f"{receiver.url}/{name}",
            id=f"urn:s:{name}",
            watchedAttributes=["speed"],
            notificationTrigger=["attributeUpdated"],
            notification=notification,
        )
        assert (await office.call("POST", "/subscriptions", given)).status == 201, name
    await play(office)
    await receiver.until(lambda: len(receiver.heard) >= len(FORMS))
    for name, (_, expected) in FORMS.items():
        (body,) = receiver.bodies(f"/{name}")
        assert set(body) == {"id", "type", "subscriptionId", "notifiedAt", "data"}
        assert (body["type"], body["subscriptionId"]) == ("Notification", f"urn:s:{name}")
        (entity,) = body["data"]
        shown = {key: member for key, member in entity.items() if key not in ("id", "type", "scope")}
        assert shown == expected, name
        assert ("type" in entity) is (name != "picked")


async def test_5_8_6_what_was_deleted_is_told_with_its_past(office: Office, receiver: Receiver) -> None:
    for name, triggers in (("lost", ["attributeDeleted"]), ("gone", ["entityDeleted"])):
        given = subscription(
            f"{receiver.url}/{name}",
            id=f"urn:s:{name}",
            notificationTrigger=triggers,
            notification={"attributes": ["speed"], "showChanges": True, "sysAttrs": True},
        )
        await office.call("POST", "/subscriptions", given)
    await play(office)
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
    office: Office, receiver: Receiver, accept: str, content_type: str, inside: bool
) -> None:
    endpoint = {"uri": receiver.url, "accept": accept, "receiverInfo": [{"key": "X-Key", "value": "k"}]}
    terms = {"@context": {"Ship": "https://example.org/Ship", "speed": "https://example.org/speed"}}
    hosted = await office.call("POST", "/jsonldContexts", terms)
    context = f"http://127.0.0.1{hosted.headers['location']}"
    link = {"link": f'<{context}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
    given = subscription(notification={"endpoint": endpoint})
    assert (await office.call("POST", "/subscriptions", given, headers=link)).status == 201
    ship = {"id": SHIP, "type": "Ship", "speed": 3, "location": LOCATION}
    assert (await office.call("POST", "/entities", ship, headers=link)).status == 201
    await receiver.until(lambda: bool(receiver.heard))
    _, headers, body = receiver.heard[0]
    assert (headers["Content-Type"], headers["X-Key"]) == (content_type, "k")
    assert context in (orjson.dumps(body).decode() if inside else headers["Link"])
    entity = body["data"]["features"][0]["properties"] if "geo" in accept else body["data"][0]
    assert entity["speed"] == {"type": "Property", "value": 3}, "in the words of whoever subscribed"
