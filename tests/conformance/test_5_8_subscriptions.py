"""Clauses 5.8.1 to 5.8.5: making, changing, listing and ending subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import Answer
from broker.notifying import NotifyingBroker
from conformance.subscribing import ID, subscription

NULL = "urn:ngsi-ld:null"
PATH = f"/subscriptions/{ID}"


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.json()["type"]).rpartition("/")[2]


async def test_5_8_1_a_subscription_is_kept_as_it_was_given(notifying: NotifyingBroker) -> None:
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
    created = await notifying.call("POST", "/subscriptions", given)
    assert (created.status, created.headers["location"]) == (201, f"/ngsi-ld/v1{PATH}")
    shown = (await notifying.call("GET", PATH)).json()
    assert {name: shown[name] for name in given if name != "notification"} == {
        name: member for name, member in given.items() if name != "notification"
    }
    endpoint = {"uri": "http://127.0.0.1:1/x", "accept": "application/json"}
    assert shown["notification"] == {**given["notification"], "endpoint": endpoint}
    assert shown["status"] == "active"
    assert (await notifying.call("GET", "/subscriptions")).json() == [shown]
    assert kind(await notifying.call("POST", "/subscriptions", given)) == (409, "AlreadyExists")


async def test_5_8_1_an_id_is_made_where_none_is_given(notifying: NotifyingBroker) -> None:
    given = subscription()
    del given["id"]
    place = (await notifying.call("POST", "/subscriptions", given)).headers["location"]
    made = (await notifying.call("GET", place.removeprefix("/ngsi-ld/v1"))).json()
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
async def test_5_2_12_what_is_no_subscription_is_bad_data(
    notifying: NotifyingBroker, members: dict[str, Any]
) -> None:
    assert kind(await notifying.call("POST", "/subscriptions", subscription(**members))) == (
        400,
        "BadRequestData",
    )
    await notifying.call("POST", "/subscriptions", subscription())
    if "id" not in members and "type" not in members:
        assert (await notifying.call("PATCH", PATH, members)).status == 400, (
            "nor does it become one by an update"
        )


@pytest.mark.parametrize("verb", ["GET", "PATCH", "DELETE"])
async def test_5_8_2_a_missing_subscription_is_answered_with_404(
    notifying: NotifyingBroker, verb: str
) -> None:
    body = {"q": "speed>1"} if verb == "PATCH" else None
    assert kind(await notifying.call(verb, PATH, body)) == (404, "ResourceNotFound")
    assert kind(await notifying.call(verb, "/subscriptions/no%20uri", body)) == (400, "BadRequestData")


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
    notifying: NotifyingBroker, patch: dict[str, Any], name: str, value: Any
) -> None:
    await notifying.call("POST", "/subscriptions", subscription(q="speed>1"))
    assert (await notifying.call("PATCH", PATH, patch)).status == 204
    shown = (await notifying.call("GET", PATH)).json()
    assert shown.get(name) == value
    assert shown["entities"] == [{"type": "Ship"}]


@pytest.mark.parametrize(
    "patch", [{"type": None}, {"notification": None}, {"id": "urn:x:2"}, {"entities": None}]
)
async def test_5_8_2_what_a_subscription_must_have_stays(
    notifying: NotifyingBroker, patch: dict[str, Any]
) -> None:
    await notifying.call("POST", "/subscriptions", subscription())
    assert (await notifying.call("PATCH", PATH, patch)).status == 400
    assert (await notifying.call("GET", PATH)).json()["entities"] == [{"type": "Ship"}]


async def test_5_8_4_subscriptions_are_listed_by_pages(notifying: NotifyingBroker) -> None:
    for number in (1, 2, 3):
        await notifying.call("POST", "/subscriptions", subscription(id=f"urn:s:{number}"))
    page = await notifying.call("GET", "/subscriptions?limit=1&offset=1&count=true")
    assert ([each["id"] for each in page.json()], page.headers["ngsild-results-count"]) == (["urn:s:2"], "3")
    assert 'rel="next"' in page.headers["link"] and 'rel="prev"' in page.headers["link"]
    older = await notifying.call("GET", "/subscriptions?options=count")
    assert older.headers["ngsild-results-count"] == "3", "as clients of older versions ask for it"
    assert kind(await notifying.call("GET", "/subscriptions?options=fancy")) == (400, "InvalidRequest")
    assert kind(await notifying.call("GET", "/subscriptions?limit=-1"))[0] == 400


@pytest.mark.parametrize(
    ("context", "status"),
    [("no uri", 400), ("http://127.0.0.1:9/none.jsonld", 504), ({"Ship": "urn:x"}, 400)],
)
async def test_5_8_1_the_words_of_the_notifications_can_be_had(
    notifying: NotifyingBroker, context: Any, status: int
) -> None:
    answer = await notifying.call("POST", "/subscriptions", subscription(jsonldContext=context))
    assert answer.status == status, answer.body


async def test_5_5_10_a_subscription_makes_its_tenant(notifying: NotifyingBroker) -> None:
    headers = {"ngsild-tenant": "harbour"}
    for path in ("/subscriptions", PATH, "/entities?type=Ship"):
        assert kind(await notifying.call("GET", path, headers=headers)) == (404, "NonexistentTenant")
    assert (await notifying.call("POST", "/subscriptions", subscription(), headers=headers)).status == 201
    for path in ("/subscriptions", PATH, "/entities?type=Ship"):
        assert (await notifying.call("GET", path, headers=headers)).status == 200
    await notifying.call("DELETE", PATH, headers=headers)
    assert (await notifying.call("GET", "/subscriptions", headers=headers)).json() == []
