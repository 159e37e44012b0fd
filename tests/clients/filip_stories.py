"""What FiLiP (RWTH Aachen's client) does with a city, called as its documentation calls it.

FiLiP has no temporal calls. Passed over is what it gets wrong itself: `update_entity_attribute` sends a relationship's
target as `value`, and a list of @contexts may hold no terms of one's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from filip.clients.ngsi_ld.cb import ContextBrokerLDClient
from filip.models.base import FiwareLDHeader
from filip.models.ngsi_ld.context import (
    ActionTypeLD,
    ContextLDEntity,
    ContextLDEntityKeyValues,
    ContextProperty,
    NamedContextProperty,
)
from filip.models.ngsi_ld.subscriptions import Endpoint, EntityInfo, NotificationParams, SubscriptionLD
from stories import City


def client(city: City, tenant: str | None = None) -> ContextBrokerLDClient:
    header = FiwareLDHeader(ngsild_tenant=tenant) if tenant else FiwareLDHeader()
    return ContextBrokerLDClient(url=city.url, fiware_header=header, headers=city.authorization)


def room(number: int, temperature: float = 21.5, kind: str = "FilipRoom") -> ContextLDEntity:
    return ContextLDEntity(
        id=f"urn:ngsi-ld:{kind}:{number}",
        type=kind,
        temperature={
            "type": "Property",
            "value": temperature,
            "unitCode": "CEL",
            "observedAt": "2026-03-01T12:00:00Z",
            "accuracy": {"type": "Property", "value": 0.5},
        },
        isPartOf={"type": "Relationship", "object": "urn:ngsi-ld:Building:1"},
        location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.76, 51.43]}},
    )


def refused(status: int, call: Callable[[], Any]) -> None:
    """Hold that a call is refused with this status."""
    try:
        call()
    except requests.RequestException as error:
        assert error.response is not None and error.response.status_code == status, error
    else:
        raise AssertionError(f"{status} was to come")


def story_an_entity_is_created_read_and_deleted(city: City) -> None:
    broker = client(city)
    made = room(1, kind="FilipCreated")
    assert broker.post_entity(made).endswith(made.id)
    found = broker.get_entity(made.id)
    assert found.model_dump(exclude_none=True) == {
        **made.model_dump(exclude_none=True),
        "@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld",
    }
    assert broker.get_entity(made.id, options="keyValues").temperature == 21.5
    assert broker.get_entity(made.id, options="sysAttrs").createdAt
    assert broker.validate_relationship({"type": "Relationship", "value": made.id})
    broker.delete_entity_by_id(made.id, entity_type="FilipCreated")
    refused(404, lambda: broker.get_entity(made.id))
    assert not broker.validate_relationship({"type": "Relationship", "value": made.id})


def story_an_entity_that_is_there_is_told_updated_or_appended_to(city: City) -> None:
    broker = client(city)
    made = room(1, kind="FilipTwice")
    broker.post_entity(made)
    refused(409, lambda: broker.post_entity(made))
    more = ContextLDEntity(id=made.id, type="FilipTwice", humidity={"type": "Property", "value": 40})
    broker.post_entity(more, append=True)
    assert set(broker.get_entity(made.id, options="keyValues").model_dump()) > {"temperature", "humidity"}
    broker.post_entity(more, update=True)
    assert "temperature" not in broker.get_entity(made.id, options="keyValues").model_dump()


def story_entities_are_queried_by_type_id_q_and_place(city: City) -> None:
    broker = client(city)
    for number in range(5):
        broker.post_entity(room(number, 20 + number, kind="FilipQueried"))
    assert len(broker.get_entity_list(entity_type="FilipQueried")) == 5
    assert len(broker.get_entity_list(entity_type="FilipQueried", limit=2)) == 2
    warm = broker.get_entity_list(entity_type="FilipQueried", q="temperature>22", options="keyValues")
    assert [each.temperature for each in warm] == [23, 24]
    one = broker.get_entity_list(entity_id="urn:ngsi-ld:FilipQueried:3", attrs=["temperature"])
    assert [each.model_dump(exclude_none=True).keys() - {"@context"} for each in one] == [
        {"id", "type", "temperature"}
    ]
    near = broker.get_entity_list(
        entity_type="FilipQueried",
        georel="near;maxDistance==100",
        geometry="Point",
        coordinates="[6.76,51.43]",
    )
    assert len(near) == 5
    assert len(broker.get_entity_list(entity_type="FilipQueried", id_pattern=".*[34]$")) == 2
    refused(400, lambda: broker.get_entity_list(entity_type="FilipQueried", q="temperature>"))


def story_the_pages_of_a_long_list_are_joined(city: City) -> None:
    broker = client(city)
    broker.pagination_limit = 10
    rooms = [room(number, kind="FilipPaged") for number in range(25)]
    broker.entity_batch_operation(entities=rooms, action_type=ActionTypeLD.CREATE)
    assert len({each.id for each in broker.get_entity_list(entity_type="FilipPaged")}) == 25


def story_attributes_are_replaced_updated_appended_and_deleted(city: City) -> None:
    broker = client(city)
    made = room(1, kind="FilipChanged")
    broker.post_entity(made)
    broker.update_entity_attribute(made.id, ContextProperty(value=23.5), "temperature")
    assert broker.get_entity(made.id).temperature.model_dump()["unitCode"] == "CEL", "the rest is kept"
    changed = ContextLDEntity(id=made.id, type="FilipChanged")
    changed.add_properties([NamedContextProperty(name="temperature", value=24.5)])
    broker.replace_existing_attributes_of_entity(changed)
    assert broker.get_entity(made.id).temperature.model_dump(exclude_none=True) == {
        "type": "Property",
        "value": 24.5,
    }
    changed.add_properties([NamedContextProperty(name="humidity", value=40)])
    broker.append_entity_attributes(changed, options="noOverwrite")
    assert broker.get_entity(made.id, options="keyValues").humidity == 40
    broker.delete_attribute(made.id, "humidity")
    assert "humidity" not in broker.get_entity(made.id).model_dump()
    refused(404, lambda: broker.delete_attribute(made.id, "humidity"))


def story_batches_create_upsert_update_and_delete(city: City) -> None:
    broker = client(city)
    rooms = [room(number, kind="FilipBatch") for number in range(3)]
    for action in (ActionTypeLD.CREATE, ActionTypeLD.UPSERT, ActionTypeLD.UPDATE):
        broker.entity_batch_operation(entities=rooms, action_type=action)
    hotter = [room(number, 30, kind="FilipBatch") for number in (1, 2, 3)]
    broker.entity_batch_operation(entities=hotter, action_type=ActionTypeLD.UPSERT, options="update")
    found = broker.get_entity_list(entity_type="FilipBatch", options="keyValues")
    assert [each.temperature for each in found] == [21.5, 30, 30, 30]
    broker.entity_batch_operation(entities=hotter, action_type=ActionTypeLD.DELETE)
    assert [each.id for each in broker.get_entity_list(entity_type="FilipBatch")] == [rooms[0].id]
    broker.entity_batch_operation(entities=hotter[:1], action_type=ActionTypeLD.CREATE)
    try:
        broker.entity_batch_operation(entities=hotter[:1], action_type=ActionTypeLD.CREATE)
    except (RuntimeError, requests.HTTPError):
        return
    raise AssertionError("what is there cannot be created again")


def story_entities_are_overridden_and_there_or_not(city: City) -> None:
    broker = client(city)
    rooms = [room(number, kind="FilipOverridden") for number in range(2)]
    broker.override_entities(rooms[:1])
    bare = [
        ContextLDEntity(id=each.id, type=each.type, open={"type": "Property", "value": True})
        for each in rooms
    ]
    broker.override_entities(bare)
    for each in broker.get_entity_list(entity_type="FilipOverridden", options="keyValues"):
        assert each.open is True
        assert "temperature" not in each.model_dump()


def story_an_entity_brings_its_own_context(city: City) -> None:
    broker = client(city)
    terms = {"FilipOwn": "https://example.org/FilipOwn", "level": "https://example.org/level"}
    made = {"id": "urn:ngsi-ld:FilipOwn:1", "type": "FilipOwn", "level": {"type": "Property", "value": 3}}
    broker.post_entity(ContextLDEntity(**made, **{"@context": terms}))
    found = broker.get_entity(made["id"]).model_dump(exclude_none=True)
    assert found["type"] == "https://example.org/FilipOwn"
    assert found["https://example.org/level"] == {"type": "Property", "value": 3}
    by_iri = broker.get_entity_list(entity_type="https://example.org/FilipOwn")
    assert [each.id for each in by_iri] == [made["id"]]


def story_key_values_become_properties(city: City) -> None:
    broker = client(city)
    broker.post_entity(ContextLDEntityKeyValues(id="urn:ngsi-ld:FilipPlain:1", type="FilipPlain", level=3))
    assert broker.get_entity("urn:ngsi-ld:FilipPlain:1").level.model_dump(exclude_none=True) == {
        "type": "Property",
        "value": 3,
    }


def story_tenants_are_made_by_writing_and_kept_apart(city: City) -> None:
    harbour, everyone = client(city, tenant="filipharbour"), client(city)
    harbour.post_entity(room(1, kind="FilipTenant"))
    assert len(harbour.get_entity_list(entity_type="FilipTenant")) == 1
    assert everyone.get_entity_list(entity_type="FilipTenant") == []


def story_a_subscription_is_kept_changed_and_notified(city: City) -> None:
    broker = client(city)
    broker.post_entity(room(1, kind="FilipHeard"))
    with city.receiver() as receiver:
        subscription = SubscriptionLD(
            id="urn:ngsi-ld:Subscription:filip",
            entities=[EntityInfo(type="FilipHeard")],
            watchedAttributes=["temperature"],
            q="temperature>25",
            notification=NotificationParams(
                attributes=["temperature"],
                format="keyValues",
                endpoint=Endpoint(uri=receiver.url, accept="application/json"),
            ),
        )
        key = broker.post_subscription(subscription)
        assert key == subscription.id
        assert broker.post_subscription(subscription) == key, "the same again is recognised as it is kept"
        broker.update_entity_attribute("urn:ngsi-ld:FilipHeard:1", ContextProperty(value=26), "temperature")
        told = receiver.wait_for()[0]
        assert told["subscriptionId"] == key
        assert told["data"] == [{"id": "urn:ngsi-ld:FilipHeard:1", "type": "FilipHeard", "temperature": 26}]
        subscription.q = "temperature>30"
        broker.update_subscription(subscription)
        assert broker.get_subscription(key).q == "temperature>30"
        assert broker.get_subscription(key).notification.timesSent == 1
        for value in (28, 31):
            broker.update_entity_attribute(
                "urn:ngsi-ld:FilipHeard:1", ContextProperty(value=value), "temperature"
            )
        assert receiver.wait_for(2)[1]["data"][0]["temperature"] == 31
    assert [each.id for each in broker.get_subscription_list(limit=10)] == [key]
    broker.delete_subscription(key)
    refused(404, lambda: broker.get_subscription(key))


def story_who_has_no_token_is_let_in_nowhere(city: City) -> None:
    if not city.token:
        return
    stranger = ContextBrokerLDClient(url=city.url)
    refused(401, lambda: stranger.post_entity(room(1, kind="FilipStranger")))
    refused(401, lambda: stranger.get_entity_list(entity_type="FilipStranger"))
