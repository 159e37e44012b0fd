"""What a subscriber may ask of the way in which it is told: times, repeats, ends, links; and who suffers by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broker.notifying import NotifyingBroker, open_notifying_broker, open_stream
from broker.receiving import Receiver, open_receiver
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.subscriptions.settings import NotificationSettings


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


def to(receiver: Receiver, path: str = "/", **endpoint: Any) -> dict[str, Any]:
    return {"format": "simplified", "endpoint": {"uri": receiver.url + path, **endpoint}}


async def test_a_receiver_that_never_answers_delays_none_of_fifty_others(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    receiver.hang.add("/dead")
    settings = NotificationSettings(timeout_s=60.0)
    async with open_notifying_broker(tmp_path, stream, settings=settings) as notifying:
        await notifying.subscribe(receiver, "/dead")
        for number in range(50):
            await notifying.subscribe(receiver, f"/live/{number}")
        for speed in range(10):
            await notifying.put("1", speed=speed)
        live = [f"/live/{number}" for number in range(50)]
        await receiver.until(lambda: all(receiver.values("speed", path)[-1:] == [9] for path in live), 30)
        assert all(receiver.values("speed", path) == list(range(10)) for path in live)
        assert len(receiver.bodies("/dead")) == 1
        assert notifying.notifier.state().failing == 0  # it is still waited for: nobody else was


async def test_timeout_and_cooldown_are_what_the_endpoint_asks_for(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.hang.add("/slow")
    name = await notifying.subscribe(receiver, notification=to(receiver, "/slow", timeout=100, cooldown=700))
    await notifying.put("1", speed=1)
    await receiver.until(lambda: len(receiver.received) == 2)
    assert receiver.moments[1] - receiver.moments[0] >= 0.79
    assert (await notifying.shown(name))["timesFailed"] >= 1
    receiver.hang.clear()
    await receiver.until(lambda: len(receiver.received) == 3)
    assert receiver.received[0][2] == receiver.received[2][2]


async def test_pauses_between_repeats_grow_up_to_the_longest(
    notifying: NotifyingBroker, receiver: Receiver
) -> None:
    receiver.status = 503
    await notifying.subscribe(receiver)
    await notifying.put("1", speed=1)
    await receiver.until(lambda: len(receiver.received) == 7)
    pauses = [after - before for before, after in pairwise(receiver.moments)]
    assert all(least <= pause for least, pause in zip([0.025, 0.05, 0.1, 0.2, 0.2, 0.2], pauses, strict=True))
    assert len({body["id"] for body in receiver.bodies()}) == 1


async def test_an_expired_subscription_is_silent_and_says_so(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    moment = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    async with open_notifying_broker(tmp_path, stream, clock=lambda: moment[0]) as notifying:
        name = await notifying.subscribe(receiver, expiresAt="2026-11-22T12:00:10Z")
        await notifying.put("1", speed=1)
        await receiver.until(lambda: receiver.values("speed") == [1])
        moment[0] += timedelta(seconds=11)
        await notifying.put("1", speed=2)
        assert (await notifying.shown(name))["active"] == "expired"
        answer = await notifying.call(
            "PATCH", f"/subscriptions/{name}", {"expiresAt": "2027-01-01T00:00:00Z"}
        )
        assert answer.status == 204
        await notifying.put("1", speed=3)
        await receiver.until(lambda: receiver.values("speed") == [1, 3])


@pytest.mark.parametrize("join", ["inline", "flat"])
async def test_linked_entities_come_along(notifying: NotifyingBroker, receiver: Receiver, join: str) -> None:
    for name, link in (("Berth", {"port": {"object": "urn:Port"}}), ("Port", {})):
        assert (
            await notifying.call("POST", "/entities", {"id": f"urn:{name}", "type": name, **link})
        ).status == 201
    await notifying.subscribe(receiver, notification={**to(receiver), "join": join, "joinLevel": 2})
    await notifying.put("1", berth={"type": "Relationship", "object": "urn:Berth"})
    await receiver.until(lambda: len(receiver.received) == 1)
    told = receiver.received[0][2]["data"]
    if join == "inline":
        assert told[0]["berth"] == {
            "id": "urn:Berth",
            "type": "Berth",
            "port": {"id": "urn:Port", "type": "Port"},
        }
    else:
        assert [each["id"] for each in told] == ["urn:v:1", "urn:Berth", "urn:Port"]


async def test_system_attributes_are_shown_on_request(notifying: NotifyingBroker, receiver: Receiver) -> None:
    await notifying.subscribe(receiver, notification={"endpoint": {"uri": receiver.url}, "sysAttrs": True})
    await notifying.put("1", speed=1)
    await receiver.until(lambda: len(receiver.received) == 1)
    (entity,) = receiver.received[0][2]["data"]
    for shown in (entity, entity["speed"]):
        assert {"createdAt", "modifiedAt"} <= set(shown)


async def test_counters_of_repeats_survive_a_restart(
    tmp_path: Path, stream: JetStream, receiver: Receiver
) -> None:
    receiver.status = 400
    async with open_notifying_broker(tmp_path, stream) as notifying:
        name = await notifying.subscribe(receiver)
        await notifying.put("1", speed=1)
        async with asyncio.timeout(60):
            while not (await notifying.shown(name)).get("dropped"):
                await asyncio.sleep(0.02)
        before = await notifying.shown(name)
    async with open_notifying_broker(tmp_path, stream) as notifying:
        after = await notifying.shown(name)
        assert after == before
        assert (after["timesSent"], after["timesFailed"], after["dropped"]) == (5, 5, 1)
