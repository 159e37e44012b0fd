"""What a notification says (clauses 5.3.1 and 5.8.6)."""

from __future__ import annotations

from typing import Any

import orjson

from broker.subscribing import CONTEXT, ENDPOINT, READING, document
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.subscriptions.matching.differences import Differences
from rhinecloud.subscriptions.parsing.subscription import parse_subscription
from rhinecloud.subscriptions.served import ServedSubscription

X = "https://x.example/"
AT = "2026-11-22T12:00:01Z"


def ready(
    notification: dict[str, Any] | None = None, endpoint: dict[str, Any] | None = None, **members: Any
) -> ServedSubscription:
    inner = {"endpoint": {**ENDPOINT, **(endpoint or {})}, **(notification or {})}
    data = document(id="urn:s:1", notification=inner, **members)
    return ServedSubscription(parse_subscription(data, READING, lambda: ""), CONTEXT, CONTEXT, lambda _: None)


def change(kind: ChangeKind = ChangeKind.UPDATED, **previous: list[Instance]) -> Change:
    """A vessel with a name and a speed; `previous` holds what was before by short name."""
    attrs = {
        f"{X}speed": [Instance(value=2, unit_code="KNT", created_at="c", modified_at="m")],
        CONTEXT.expand("name"): [Instance(value="Loreley")],
    }
    entity = Entity(
        id="urn:v:1", type=[f"{X}Vessel"], created_at="c", modified_at="m", scope=["/a"], attrs=attrs
    )
    before = {X + name: instances for name, instances in previous.items()}
    return Change(seq=1, kind=kind, at=AT, entity=entity, changed=list(before), previous=before)


def told(made: ServedSubscription, happened: Change) -> Any:
    return orjson.loads(made.render_change(Differences(happened)))


def test_the_body_has_the_members_of_the_standard() -> None:
    made = ready()
    body = orjson.loads(made.compose("urn:n:1", AT, [made.render_change(Differences(change()))] * 2))
    assert body.pop("data")[0]["id"] == "urn:v:1"
    assert body == {"id": "urn:n:1", "type": "Notification", "subscriptionId": "urn:s:1", "notifiedAt": AT}


def test_forms_and_projection() -> None:
    assert told(ready({"format": "keyValues", "attributes": ["speed"]}), change()) == {
        "id": "urn:v:1",
        "type": "Vessel",
        "scope": "/a",
        "speed": 2,
    }
    assert told(ready({"pick": ["id", "speed"]}), change()) == {
        "id": "urn:v:1",
        "speed": {"type": "Property", "value": 2, "unitCode": "KNT"},
    }
    assert "name" not in told(ready({"omit": ["name"]}), change())


def test_show_changes_gives_the_value_before_and_nothing_where_there_was_none() -> None:
    made = ready({"showChanges": True})
    assert told(made, change(speed=[Instance(value=1)]))["speed"]["previousValue"] == 1
    assert "previousValue" not in told(made, change())["speed"]
    concise = ready({"showChanges": True, "format": "concise"})
    assert told(concise, change(speed=[Instance(value=1)]))["speed"] == {
        "value": 2,
        "unitCode": "KNT",
        "previousValue": 1,
    }


def test_a_concise_value_is_wrapped_to_stand_beside_its_past() -> None:
    happened = change(speed=[Instance(value=1)])
    happened.entity.attrs[f"{X}speed"] = [Instance(value=2)]
    assert told(ready({"showChanges": True, "format": "concise"}), happened)["speed"] == {
        "value": 2,
        "previousValue": 1,
    }


def test_a_deleted_attribute_is_null_in_each_form() -> None:
    happened = change(draught=[Instance(type="LanguageProperty", value={"de": "zwei"}, created_at="c")])
    assert told(ready(), happened)[f"{X}draught"] == {
        "type": "LanguageProperty",
        "languageMap": {"@none": NULL},
    }
    shown = told(ready({"sysAttrs": True, "showChanges": True}), happened)[f"{X}draught"]
    assert shown == {
        "type": "LanguageProperty",
        "languageMap": {"@none": NULL},
        "previousLanguageMap": {"de": "zwei"},
        "createdAt": "c",
        "deletedAt": AT,
    }
    plain = change(draught=[Instance(value=3)])
    assert told(ready({"format": "simplified"}), plain)[f"{X}draught"] == NULL


def test_one_deleted_instance_names_its_dataset() -> None:
    happened = change(speed=[Instance(value=2), Instance(value=9, dataset_id="urn:d:1")])
    shown = told(ready({"format": "keyValues"}), happened)
    assert shown["speed"] == {"dataset": {"@none": 2, "urn:d:1": NULL}}


def test_a_deleted_entity_shows_when_and_no_more_unless_asked() -> None:
    gone = change(ChangeKind.DELETED)
    assert told(ready(notificationTrigger=["entityDeleted"]), gone) == {
        "id": "urn:v:1",
        "type": "Vessel",
        "deletedAt": AT,
    }
    watching = ready(notificationTrigger=["attributeDeleted"], watchedAttributes=["speed"])
    assert told(watching, gone)["speed"] == {"type": "Property", "value": NULL}
    full = told(ready({"showChanges": True, "sysAttrs": True}, notificationTrigger=["entityDeleted"]), gone)
    assert full["name"]["previousValue"] == "Loreley"
    assert full["createdAt"] == "c"


def test_json_ld_carries_its_context_and_plain_json_links_to_it() -> None:
    linked = ready()
    assert "ngsi-ld-core-context" in linked.link
    assert "@context" not in told(linked, change())
    embedded = ready(endpoint={"accept": "application/ld+json"})
    assert embedded.link == ""
    assert told(embedded, change())["@context"].endswith(".jsonld")


def test_geojson_gives_a_feature_collection() -> None:
    made = ready(endpoint={"accept": "application/geo+json"})
    body = orjson.loads(made.compose("urn:n:1", AT, [made.render_change(Differences(change()))]))
    assert body["data"]["type"] == "FeatureCollection"
    assert body["data"]["features"][0]["properties"]["speed"]["value"] == 2
    assert "@context" in body["data"]
    preferring = {"accept": "application/geo+json", "receiverInfo": [{"key": "Prefer", "value": "body=json"}]}
    other = ready(endpoint=preferring)
    assert "@context" not in orjson.loads(other.compose("urn:n:1", AT, []))["data"]
    assert other.link
