"""A subscription whose receiver is the city itself must not feed itself."""

from __future__ import annotations

import time

import pytest

from conformance.attacked import Attacked

GAUGE = {"id": "urn:loop:gauge", "type": "LoopGauge", "level": 1}


@pytest.mark.timeout(120)
def test_a_subscription_that_notifies_its_own_city_is_refused_and_says_so(city: Attacked) -> None:
    subscription = {
        "id": "urn:loop:subscription",
        "type": "Subscription",
        "entities": [{"type": "*"}],
        "localOnly": True,
        "notification": {
            "pick": ["id", "type"],
            "format": "keyValues",
            "endpoint": {"uri": f"{city.url}/ngsi-ld/v1/entities"},
        },
    }
    assert city.call("POST", "/subscriptions", subscription).status == 201
    assert city.call("POST", "/entities", GAUGE).status == 201
    until = time.monotonic() + 60
    told: dict[str, object] = {}
    while "dropped" not in told and time.monotonic() < until:
        told = city.call("GET", "/subscriptions/urn:loop:subscription").json()["notification"]
        time.sleep(0.1)
    assert (told["status"], told["lastFailureReason"]) == ("failed", "HTTP 508")
    assert city.call("GET", "/entities?type=Notification").json() == []
    assert city.call("DELETE", "/subscriptions/urn:loop:subscription").status == 204
    assert city.call("DELETE", f"/entities/{GAUGE['id']}").status == 204


def test_a_request_that_came_through_others_is_no_loop(city: Attacked) -> None:
    via = {"Via": "1.1 rhinecloud, 1.1 proxy.example (cache), 1.1 rhinecloud-0123456789abcdef"}
    assert city.call("GET", "/types", headers=via).status == 200
