"""Notifications from the commit to the receiver, over a real stream and real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.assembly import ADMIN
from broker.notifying import QUICK, NotifyingBroker, open_notifying_broker, open_stream
from broker.receiving import Receiver, open_receiver
from policies import shipped
from rhinecloud.broker.service import Broker
from rhinecloud.changes.marks import KIND as MARK
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.kernel.actor import Actor, Role, part
from rhinecloud.kernel.time import utc_now
from rhinecloud.ngsild.context import core_context
from rhinecloud.store.port import Record
from rhinecloud.store.sqlite.store import SqliteStore
from rhinecloud.stream.frames import NAME as FRAMES
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.local_followers import LocalFollowers
from rhinecloud.subscriptions.delivery.items import KIND as PENDING
from rhinecloud.subscriptions.delivery.progress import DeliveryProgress
from rhinecloud.subscriptions.delivery.store import COUNTERS, NAME
from rhinecloud.subscriptions.model import SEPARATOR
from rhinecloud.subscriptions.settings import NotificationSettings

CORE = core_context()

INCIDENTS = part("incidents")
"""Whoever may write incidents."""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
async def stream(tmp_path: Path) -> AsyncIterator[JetStream]:
    async with open_stream(tmp_path / "stream") as opened:
        yield opened


@pytest.fixture
async def notifying(tmp_path: Path, stream: JetStream) -> AsyncIterator[NotifyingBroker]:
    async with open_notifying_broker(tmp_path, stream) as opened:
        yield opened


async def settle(notifying: NotifyingBroker) -> None:
    """Wait until the notifier has done with every change."""
    async with asyncio.timeout(60):
        while notifying.notifier.state().lag:
            await asyncio.sleep(0.01)


async def test_a_change_reaches_its_subscriber(notifying: NotifyingBroker, receiver: Receiver) -> None:
    name = await notifying.subscribe(receiver)
    await notifying.put("1", speed=3)
    await receiver.until(lambda: len(receiver.received) == 1)
    _, headers, body = receiver.received[0]
    assert headers["Content-Type"] == "application/json"
    assert "ngsi-ld-core-context" in headers["Link"]
    assert body["subscriptionId"] == name
    assert body["data"] == [{"id": "urn:v:1", "type": "Vessel", "speed": 3}]
    async with asyncio.timeout(60):
        while "status" not in (shown := await notifying.shown(name)):
            await asyncio.sleep(0.01)
    assert (shown["timesSent"], shown["status"]) == (1, "ok")
    assert shown["lastSuccess"] == shown["lastNotification"]


async def test_changes_from_before_are_not_notified(notifying: NotifyingBroker, receiver: Receiver) -> None:
    await notifying.put("1", speed=1)
    await notifying.subscribe(receiver)
    await notifying.put("1", speed=2)
    await receiver.until(lambda: len(receiver.received) == 1)
    assert receiver.values("speed") == [2]


async def test_an_entitys_changes_arrive_in_order_and_none_is_left_out(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    await notifying.subscribe(receiver)
    for number in range(100):
        await notifying.put(str(number % 3), speed=number)
    await receiver.until(lambda: len(receiver.values("speed")) == 100)
    for ship in range(3):
        seen = [e["speed"] for b in receiver.bodies() for e in b["data"] if e["id"] == f"urn:v:{ship}"]
        assert seen == list(range(ship, 100, 3))


async def test_a_receiver_that_never_answers_delays_no_other(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    """All is delivered to one receiver while the first notification to the other still waits for its answer."""
    receiver.hang.add("/dead")
    patient = NotificationSettings(timeout_s=3600, max_timeout_s=3600)
    async with open_notifying_broker(tmp_path, stream, settings=patient) as notifying:
        await notifying.subscribe(receiver, "/dead")
        await notifying.subscribe(receiver, "/alive")
        for number in range(20):
            await notifying.put("1", speed=number)
            await receiver.until(lambda: len(receiver.values("speed", "/alive")) > number)  # noqa: B023
        assert len(receiver.bodies("/dead")) == 1


async def test_a_notification_without_an_answer_is_repeated_as_it_was(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.hang.add("/dead")
    dead = await notifying.subscribe(receiver, "/dead")
    for number in range(3):
        await notifying.put("1", speed=number)
    await receiver.until(lambda: len(receiver.bodies("/dead")) > 1)
    shown = await notifying.shown(dead)
    assert shown["status"] == "failed"
    assert shown["timesFailed"] >= 1
    assert receiver.bodies("/dead")[0] == receiver.bodies("/dead")[1]
    await settle(notifying)


async def test_a_receiver_that_was_away_is_notified_of_all_it_missed(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.status = 503
    name = await notifying.subscribe(receiver)
    for number in range(30):
        await notifying.put("1", speed=number)
    await settle(notifying)
    heard = len(receiver.received)
    receiver.status = 200
    await receiver.until(lambda: receiver.values("speed")[heard:] == list(range(30)))
    assert (await notifying.shown(name))["status"] == "ok"
    async with asyncio.timeout(60):
        while await notifying.store.count_records("pending-notification"):
            await asyncio.sleep(0.05)


async def test_items_without_space_in_memory_are_stored_and_delivered_in_order(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    settings = NotificationSettings(queue=5, first_retry_s=0.05, max_retry_s=0.2, hold_s=0.2, entities=1)
    receiver.status = 500
    async with open_notifying_broker(tmp_path, stream, settings=settings) as notifying:
        await notifying.subscribe(receiver)
        for number in range(60):
            await notifying.put("1", speed=number)
        await settle(notifying)
        assert await notifying.store.count_records("pending-notification") > 0
        heard = len(receiver.received)
        receiver.status = 200
        await receiver.until(lambda: receiver.values("speed")[heard:] == list(range(60)))


async def test_beyond_the_limit_the_oldest_items_are_dropped_and_counted(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    settings = NotificationSettings(
        queue=5, max_pending=20, first_retry_s=0.05, max_retry_s=0.2, hold_s=0.2, entities=1
    )
    receiver.status = 500
    async with open_notifying_broker(tmp_path, stream, settings=settings) as notifying:
        name = await notifying.subscribe(receiver)
        for number in range(50):
            await notifying.put("1", speed=number)
        await settle(notifying)
        assert (await notifying.shown(name))["dropped"] == 30
        heard = len(receiver.received)
        receiver.status = 200
        await receiver.until(lambda: len(receiver.values("speed")) - heard == 20)
        seen = receiver.values("speed")[heard:]
        assert seen[1:] == list(range(31, 50))
        assert notifying.notifier.state().dropped == 30


async def test_a_rejected_notification_is_dropped_in_the_end(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.status = 400
    name = await notifying.subscribe(receiver)
    await notifying.put("1", speed=1)
    await receiver.until(lambda: len(receiver.received) == QUICK.refusals)
    await settle(notifying)
    receiver.status = 200
    await notifying.put("1", speed=2)
    await receiver.until(lambda: receiver.values("speed")[-1] == 2)
    assert len(receiver.received) == QUICK.refusals + 1
    assert (await notifying.shown(name))["dropped"] == 1


async def test_a_restart_keeps_counters_and_what_waits(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    receiver.status = 500
    async with open_notifying_broker(tmp_path, stream) as notifying:
        name = await notifying.subscribe(receiver)
        for number in range(10):
            await notifying.put("1", speed=number)
        await settle(notifying)
        sent = (await notifying.shown(name))["timesSent"]
    heard = len(receiver.received)
    async with open_notifying_broker(tmp_path, stream) as notifying:
        assert (await notifying.shown(name))["timesSent"] >= sent
        receiver.status = 200
        await receiver.until(lambda: receiver.values("speed")[heard:][-10:] == list(range(10)))
        await notifying.put("1", speed=99)
        await receiver.until(lambda: receiver.values("speed")[-1] == 99)


async def test_unreadable_records_are_skipped_and_counted(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    async with open_notifying_broker(tmp_path, stream) as notifying:
        name = await notifying.subscribe(receiver)
        await notifying.put("1", speed=1)
        await receiver.until(lambda: receiver.values("speed") == [1])
    names = (("subscription", "broken"), (MARK, NAME), (COUNTERS, "broken"), (PENDING, "broken"))
    store = SqliteStore(tmp_path / "city.db")
    await store.open()
    await store.put_records([Record(kind, "", record_id, b"\xff00") for kind, record_id in names])
    await store.close()
    async with open_notifying_broker(tmp_path, stream) as notifying:
        assert (notifying.subscriptions.count(), notifying.subscriptions.state().unreadable) == (1, 4)
        assert (await notifying.shown(name))["timesSent"] == 1
        await notifying.put("1", speed=2)
        await receiver.until(lambda: receiver.values("speed") == [1, 2])


NEWER = b'{"id":"urn:s:2","owner":{"id":"a","name":"a","roles":["admin"]},"triggers":["entityDreamtOf"]}'
UNSERVED = b"""{"id":"urn:s:3","owner":{"id":"a","name":"a","roles":["admin"]},"notification":
    {"endpoint":{"uri":"pigeon://loft/7"}},"entities":[{"types":[["urn:x:Vessel"]]}]}"""


async def test_a_subscription_that_cannot_be_read_or_served_is_listed_with_its_reason(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    partner = Actor("partner", "partner", frozenset({Role.PARTNER}))
    store = SqliteStore(tmp_path / "city.db")
    await store.open()
    bodies = {"urn:s:1": b"\xff00", "urn:s:2": NEWER, "urn:s:3": UNSERVED}
    await store.put_records(
        [Record("subscription", "", f"{SEPARATOR}{name}", body) for name, body in bodies.items()]
    )
    await store.close()
    async with open_notifying_broker(tmp_path, stream, actors=(partner, INCIDENTS)) as notifying:
        await notifying.subscribe(receiver)
        await notifying.put("1", speed=1)
        await receiver.until(lambda: receiver.values("speed") == [1])
        listed = {each["id"]: each for each in (await notifying.call("GET", "/subscriptions")).json()}
        assert {listed[name]["status"] for name in bodies} == {"paused"}
        assert "cannot be read" in listed["urn:s:1"]["statusReason"]
        assert "entityDreamtOf" in listed["urn:s:2"]["statusReason"]
        assert "pigeon" in listed["urn:s:3"]["statusReason"]
        assert (await notifying.call("GET", "/subscriptions/urn:s:1")).json() == listed["urn:s:1"]
        assert (await notifying.call("GET", "/subscriptions", actor=partner)).json() == []
        assert (await notifying.call("DELETE", "/subscriptions/urn:s:1", actor=partner)).status == 404
        for name in bodies:
            assert (await notifying.call("DELETE", f"/subscriptions/{name}")).status == 204
        assert await notifying.store.count_records("subscription") == 1


async def test_an_answer_with_a_body_keeps_the_connection(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.answer_body = "thank you"
    await notifying.subscribe(receiver)
    for number in range(5):
        await notifying.put("1", speed=number)
        await receiver.until(lambda: len(receiver.received) == number + 1)  # noqa: B023
    assert len(receiver.peers) == 1


async def test_throttling_notifies_one_change_per_period(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    moment = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    async with open_notifying_broker(tmp_path, stream, clock=lambda: moment[0]) as notifying:
        await notifying.subscribe(receiver, throttling=10)
        for number in range(5):
            await notifying.put("1", speed=number)
            await settle(notifying)
        moment[0] += timedelta(seconds=11)
        await notifying.put("1", speed=99)
        await receiver.until(lambda: receiver.values("speed") == [0, 99])


async def test_a_paused_subscription_causes_no_notifications_until_it_is_resumed(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    name = await notifying.subscribe(receiver)
    await notifying.call("PATCH", f"/subscriptions/{name}", {"isActive": False})
    await notifying.put("1", speed=1)
    await settle(notifying)
    await notifying.call("PATCH", f"/subscriptions/{name}", {"isActive": True})
    await notifying.put("1", speed=2)
    await receiver.until(lambda: receiver.values("speed") == [2])


async def test_a_pending_notification_is_not_repeated_after_a_pause(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.status = 500
    name = await notifying.subscribe(receiver)
    await notifying.put("1", speed=1)
    await receiver.until(lambda: receiver.values("speed")[:1] == [1])
    await notifying.call("PATCH", f"/subscriptions/{name}", {"isActive": False})
    await settle(notifying)
    receiver.received.clear()
    receiver.status = 200
    await notifying.call("PATCH", f"/subscriptions/{name}", {"isActive": True})
    await notifying.put("1", speed=2)
    await receiver.until(lambda: receiver.values("speed") == [2])


async def test_a_deleted_subscription_leaves_nothing(notifying: NotifyingBroker, receiver: Receiver) -> None:
    receiver.status = 500
    name = await notifying.subscribe(receiver)
    for number in range(5):
        await notifying.put("1", speed=number)
    await settle(notifying)
    await notifying.call("DELETE", f"/subscriptions/{name}")
    await asyncio.sleep(0.5)
    for kind in ("subscription", "pending-notification", "subscription-counters"):
        assert await notifying.store.count_records(kind) == 0
    assert (await notifying.call("GET", f"/subscriptions/{name}")).status == 404


async def test_a_periodic_subscription_sends_all_that_match(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    await notifying.put("1", speed=1)
    await notifying.put("2", speed=5)
    await notifying.subscribe(receiver, timeInterval=0.1, q="speed>2")
    await receiver.until(lambda: len(receiver.received) >= 3)
    assert receiver.values("speed")[:3] == [5, 5, 5]


async def test_receiver_info_and_tenant_travel_as_headers(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    endpoint = {"uri": receiver.url + "/", "receiverInfo": [{"key": "Authorization", "value": "Bearer x"}]}
    data = {
        "type": "Subscription",
        "entities": [{"type": "Vessel"}],
        "notification": {"endpoint": endpoint},
    }
    tenant = {"NGSILD-Tenant": "harbour"}
    assert (await notifying.call("POST", "/subscriptions", data, headers=tenant)).status == 201
    entity = {"id": "urn:v:1", "type": "Vessel", "speed": 1}
    assert (await notifying.call("POST", "/entities", entity, headers=tenant)).status == 201
    await receiver.until(lambda: len(receiver.received) == 1)
    headers = receiver.received[0][1]
    assert headers["Authorization"] == "Bearer x"
    assert headers["NGSILD-Tenant"] == "harbour"


async def test_notifications_contain_only_what_the_owner_may_read(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    partner = Actor("partner", "partner", frozenset({Role.PARTNER}))
    async with open_notifying_broker(tmp_path, stream, actors=(partner, INCIDENTS)) as notifying:
        data: dict[str, Any] = {
            "type": "Subscription",
            "entities": [{"type": "*"}],
            "localOnly": True,
            "notification": {"format": "simplified", "endpoint": {"uri": receiver.url + "/"}},
        }
        answer = await notifying.call("POST", "/subscriptions", data, actor=partner)
        assert answer.status == 201, answer.body
        secret = {"id": "urn:i:1", "type": "urn:rhinecloud:ns:Incident", "title": "x"}
        assert (await notifying.call("POST", "/entities", secret, actor=INCIDENTS)).status == 201
        await notifying.put("1", speed=1)
        await receiver.until(lambda: len(receiver.received) == 1)
        await settle(notifying)
        assert [each["id"] for body in receiver.bodies() for each in body["data"]] == ["urn:v:1"]


async def test_linked_entities_that_the_owner_may_not_read_are_left_out(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    partner = Actor("partner", "partner", frozenset({Role.PARTNER}))
    async with open_notifying_broker(tmp_path, stream, actors=(partner, INCIDENTS)) as notifying:
        incident = {"id": "urn:i:1", "type": "urn:rhinecloud:ns:Incident", "title": "secret"}
        assert (await notifying.call("POST", "/entities", incident, actor=INCIDENTS)).status == 201
        assert (
            await notifying.call("POST", "/entities", {"id": "urn:b:1", "type": "Berth", "name": "4"})
        ).status == 201
        for actor, path in ((partner, "/partner"), (ADMIN, "/admin")):
            notification = {
                "format": "simplified",
                "join": "inline",
                "endpoint": {"uri": receiver.url + path},
            }
            await notifying.subscribe(receiver, actor=actor, notification=notification)
        links = {name: {"type": "Relationship", "object": name} for name in ("urn:i:1", "urn:b:1")}
        await notifying.put("1", case=links["urn:i:1"], berth=links["urn:b:1"])
        await receiver.until(lambda: len(receiver.received) == 2)
        [shown] = receiver.bodies("/admin")[0]["data"]
        assert shown["case"]["title"] == "secret"
        [shown] = receiver.bodies("/partner")[0]["data"]
        assert shown["case"] == "urn:i:1"
        assert shown["berth"]["name"] == "4"


async def test_conditions_do_not_follow_links_to_entities_that_the_owner_may_not_read(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    partner = Actor("partner", "partner", frozenset({Role.PARTNER}))
    async with open_notifying_broker(tmp_path, stream, actors=(partner, INCIDENTS)) as notifying:
        incident = {"id": "urn:i:1", "type": "urn:rhinecloud:ns:Incident", "level": 3}
        assert (await notifying.call("POST", "/entities", incident, actor=INCIDENTS)).status == 201
        for actor, path in ((partner, "/partner"), (ADMIN, "/admin")):
            await notifying.subscribe(
                receiver, path, actor=actor, q="case{level}>2", watchedAttributes=["case"]
            )
        await notifying.put("1", case={"type": "Relationship", "object": "urn:i:1"})
        await receiver.until(lambda: len(receiver.bodies("/admin")) == 1)
        await settle(notifying)
        assert receiver.bodies("/partner") == []


async def test_after_a_gap_it_goes_on_with_the_oldest_change_that_the_stream_holds(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    async with open_notifying_broker(tmp_path, stream) as notifying:
        await notifying.subscribe(receiver)
        await notifying.put("0", speed=0)
        await receiver.until(lambda: receiver.values("speed") == [0])
        await settle(notifying)
    async with open_city_without_notifier(tmp_path, stream) as broker:
        for number in range(1, 11):
            await broker.ingest(
                ADMIN, "", [{"id": f"urn:v:{number}", "type": "Vessel", "speed": number}], CORE
            )
            async with asyncio.timeout(60):
                while await stream.last() <= number:
                    await asyncio.sleep(0.01)
    newest = (await stream._js().stream_info(FRAMES)).state.last_seq
    await stream._js().purge_stream(FRAMES, seq=newest - 4)
    stream._followers = LocalFollowers()  # as after a restart
    async with open_notifying_broker(tmp_path, stream) as notifying:
        await receiver.until(lambda: receiver.values("speed") == [0, 6, 7, 8, 9, 10])
        await settle(notifying)
        assert notifying.notifier.state().missed == 5


@asynccontextmanager
async def open_city_without_notifier(folder: Path, stream: JetStream) -> AsyncIterator[Broker]:
    """Open a broker whose changes reach the stream, each in a frame of its own, while nothing is notified."""
    store = SqliteStore(folder / "city.db")
    await store.open()
    relay = asyncio.create_task(Relay(store, stream, RelaySettings()).run())
    try:
        yield Broker(store, shipped(), utc_now)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        await store.close()


async def test_an_owner_without_an_account_gets_no_more_notifications(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    owner = Actor("token", "token", frozenset({Role.PARTNER}))
    known: dict[str, Actor] = {"token": owner}
    async with open_notifying_broker(
        tmp_path, stream, actors=(owner, INCIDENTS), present=lambda actor: known.get(actor.id)
    ) as notifying:
        known[ADMIN.id] = ADMIN
        name = await notifying.subscribe(receiver, actor=owner)
        await notifying.put("1", speed=1)
        await receiver.until(lambda: receiver.values("speed") == [1])
        receiver.status = 503
        await notifying.put("1", speed=2)
        await receiver.until(lambda: len(receiver.received) == 2)
        del known["token"]
        await notifying.put("1", speed=3)
        await settle(notifying)
        heard = len(receiver.received)
        await asyncio.sleep(1)
        assert len(receiver.received) == heard  # what was waiting for a repeat is not seen any more either
        assert notifying.notifier.state().ownerless == 1
        shown = (await notifying.call("GET", f"/subscriptions/{name}")).json()
        assert (shown["status"], "is gone" in shown["statusReason"]) == ("paused", True)
        receiver.status = 200
        await notifying.call("PATCH", f"/subscriptions/{name}", {"isActive": True})
        await notifying.put("1", speed=4)
        await receiver.until(lambda: receiver.values("speed")[-1] == 4)
        assert "statusReason" not in (await notifying.call("GET", f"/subscriptions/{name}")).json()
        assert 3 not in receiver.values("speed")


async def test_operators_see_what_waits_and_fails_as_long_as_it_does(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    owner = Actor("token", "token", frozenset({Role.PARTNER}))
    known = {"token": owner, ADMIN.id: ADMIN}
    async with open_notifying_broker(
        tmp_path, stream, actors=(owner, INCIDENTS), present=lambda actor: known.get(actor.id)
    ) as notifying:
        seen = notifying.notifier.state
        names = [await notifying.subscribe(receiver, actor=owner) for _ in range(3)]
        await notifying.subscribe(receiver)
        await notifying.put("1", speed=1)
        await receiver.until(lambda: len(receiver.received) == 4)
        receiver.status = 503
        await notifying.put("1", speed=2)
        await receiver.until(lambda: (seen().failing, seen().waiting) == (4, 4))
        receiver.status = 200
        await receiver.until(lambda: (seen().failing, seen().waiting, seen().dropped) == (0, 0, 0))
        del known["token"]
        assert seen().ownerless == 3
        assert (await notifying.call("DELETE", f"/subscriptions/{names[0]}")).status == 204
        await notifying.call("PATCH", f"/subscriptions/{names[1]}", {"isActive": True})
        assert seen().ownerless == 1  # the other one belongs to whoever changed it


async def test_a_revoked_role_applies_at_once(tmp_path: Path, stream: JetStream, receiver: Receiver) -> None:
    owner = Actor("o", "o", frozenset({Role.OPERATOR}))
    known = {"o": owner, ADMIN.id: ADMIN}
    incident = {"id": "urn:i:1", "type": "urn:rhinecloud:ns:Incident", "title": "x"}
    async with open_notifying_broker(
        tmp_path, stream, actors=(owner, INCIDENTS), present=lambda actor: known.get(actor.id)
    ) as notifying:
        await notifying.subscribe(receiver, actor=owner, entities=[{"type": "*"}], localOnly=True)
        assert (await notifying.call("POST", "/entities", incident, actor=INCIDENTS)).status == 201
        await receiver.until(lambda: len(receiver.received) == 1)
        receiver.status = 503
        for name, title in (("2", "y"), ("3", "z")):
            changed = {**incident, "id": f"urn:i:{name}", "title": title}
            assert (await notifying.call("POST", "/entities", changed, actor=INCIDENTS)).status == 201
        await receiver.until(lambda: len(receiver.received) == 2)
        known["o"] = replace(owner, roles=frozenset({Role.PARTNER}))
        await notifying.put("1", speed=1)
        receiver.status = 200
        await receiver.until(lambda: receiver.received[-1][2]["data"][0]["id"] == "urn:v:1")
        heard = [each["id"] for body in receiver.bodies() for each in body["data"]]
        assert "urn:i:3" not in heard
        await notifying.put("1", speed=2)
        await receiver.until(lambda: receiver.received[-1][2]["data"][0].get("speed") == 2)


async def test_only_owners_and_operators_see_a_subscription(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    actors = tuple(Actor(name, name, frozenset({Role.PARTNER})) for name in ("one", "two"))
    async with open_notifying_broker(tmp_path, stream, actors=actors) as notifying:
        data = {
            "type": "Subscription",
            "entities": [{"type": "Vessel"}],
            "notification": {"endpoint": {"uri": receiver.url}},
        }
        answer = await notifying.call("POST", "/subscriptions", data, actor=actors[0])
        path = f"/subscriptions/{answer.headers['location'].rpartition('/')[2]}"
        assert (await notifying.call("GET", path, actor=actors[0])).status == 200
        assert (await notifying.call("GET", path, actor=actors[1])).status == 404
        assert (await notifying.call("GET", "/subscriptions", actor=actors[1])).json() == []
        assert (await notifying.call("GET", path)).status == 200


async def test_private_receivers_are_refused_where_the_settings_say_so(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    async with open_notifying_broker(tmp_path, stream, allow_private=False) as notifying:
        data = {
            "type": "Subscription",
            "entities": [{"type": "Vessel"}],
            "notification": {"endpoint": {"uri": receiver.url}},
        }
        answer = await notifying.call("POST", "/subscriptions", data)
        assert answer.status == 400
        assert answer.json()["field"] == "notification.endpoint.uri"
        data["notification"] = {"endpoint": {"uri": receiver.url.replace("127.0.0.1", "localhost")}}
        answer = await notifying.call("POST", "/subscriptions", data)
        assert answer.status == 201
        name = answer.headers["location"].rpartition("/")[2]
        await notifying.put("1", speed=1)
        async with asyncio.timeout(60):
            while (await notifying.shown(name)).get("status") != "failed":
                await asyncio.sleep(0.05)
        assert receiver.received == []


def test_a_frame_is_not_done_before_all_of_it_is_queued() -> None:
    progress = DeliveryProgress(3)
    frame = progress.begin(9, 0.0)
    assert (progress.position, progress.overdue(1.0)) == (3, [])
    frame.is_queued = True
    assert progress.position == 9


def test_the_rest_of_a_frame_that_failed_comes_again() -> None:
    progress = DeliveryProgress(3)
    progress.begin(9, 0.0)
    progress.interrupt(5)
    assert progress.position == 5
