"""Clause 5.8: what clients write in subscriptions as earlier versions of the standard, or other brokers, have it."""

from __future__ import annotations

import pytest

from broker.notifying import NotifyingBroker
from conformance.subscribing import ID, subscription

PATH = f"/subscriptions/{ID}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2100-02-03T04:05:06", "2100-02-03T04:05:06Z"),
        ("2100-02-03T04:05:06.789", "2100-02-03T04:05:06.789000Z"),
        ("2100-02-03T04:05:06+02:00", "2100-02-03T02:05:06Z"),
    ],
)
async def test_5_2_12_an_end_without_a_time_zone_is_in_utc(
    notifying: NotifyingBroker, given: str, kept: str
) -> None:
    assert (await notifying.call("POST", "/subscriptions", subscription(expiresAt=given))).status == 201
    assert (await notifying.call("GET", PATH)).json()["expiresAt"] == kept


async def test_5_2_12_the_names_of_earlier_versions_are_understood(notifying: NotifyingBroker) -> None:
    given = subscription(name="berths", expires="2100-02-03T04:05:06Z")
    assert (await notifying.call("POST", "/subscriptions", given)).status == 201
    shown = (await notifying.call("GET", PATH)).json()
    assert (shown["subscriptionName"], shown["expiresAt"]) == ("berths", "2100-02-03T04:05:06Z")
    assert (await notifying.call("PATCH", PATH, {"name": "locks"})).status == 204
    assert (await notifying.call("GET", PATH)).json()["subscriptionName"] == "locks"


async def test_5_2_12_todays_name_goes_before_a_former_one(notifying: NotifyingBroker) -> None:
    given = subscription(name="former", subscriptionName="today")
    await notifying.call("POST", "/subscriptions", given)
    assert (await notifying.call("GET", PATH)).json()["subscriptionName"] == "today"
