"""Devices sign in to the MQTT port with the city's credentials and do no more than they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import nats
import pytest

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid, Unauthenticated
from rhinecloud.stream import callout
from rhinecloud.stream.callout import permissions_of
from rhinecloud.stream.revocation import DeviceRevocation
from rhinecloud.stream.settings import StreamSettings
from stream.running import USER, Running, free_port, running

ACTORS = {
    "gauge-token": Actor("urn:rhinecloud:token:gauge-7", "gauge-7", frozenset({Role.DEVICE})),
    "lamp-token": Actor("urn:rhinecloud:token:lamp.1", "lamp.1", frozenset({Role.DEVICE})),
    "reader-token": Actor("urn:rhinecloud:token:reader", "reader", frozenset({Role.READER})),
    "house-token": Actor("part:connectors", "connectors", frozenset({Role.SYSTEM})),
}


async def authenticate(_user: str, password: str) -> Actor | None:
    if password == "locked":
        raise Unauthenticated("locked out")
    return ACTORS.get(password)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, authenticate, mqtt_port=free_port()) as it:
        yield it


def client(it: Running, password: str | None, name: str = "", **options: object) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        it.settings.mqtt_port,
        username="anything" if password else None,
        password=password,
        identifier=name or None,
        **options,  # type: ignore[arg-type]
    )


async def next_message(listener: aiomqtt.Client) -> tuple[str, bytes]:
    async with asyncio.timeout(60):
        async for message in listener.messages:
            assert isinstance(message.payload, bytes)
            return str(message.topic), message.payload
    raise AssertionError("no message came")


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_device_reports(it: Running, qos: int) -> None:
    async with client(it, "house-token") as house, client(it, "gauge-token") as device:
        await house.subscribe("devices/#", qos=qos)
        await device.publish("devices/gauge-7/level", b"3.5", qos=qos)
        assert await next_message(house) == ("devices/gauge-7/level", b"3.5")


@pytest.mark.parametrize("password", ["wrong", "locked", "reader-token", None])
async def test_who_is_no_device_is_refused(it: Running, password: str | None) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with client(it, password):
            raise AssertionError("signed in")


async def test_where_access_is_open_anyone_may(tmp_path: Path) -> None:
    async def welcome(_user: str, _password: str) -> Actor:
        return Actor("open", "open", frozenset({Role.ADMIN}))

    async with running(tmp_path, welcome, mqtt_port=free_port()) as it, client(it, None) as one:
        await one.subscribe("devices/#", qos=1)
        await one.publish("devices/a", b"1", qos=1)
        assert await next_message(one) == ("devices/a", b"1")


async def test_a_device_hears_its_own_commands_only(it: Running) -> None:
    async with client(it, "gauge-token") as gauge, client(it, "house-token") as house:
        await gauge.subscribe("commands/gauge-7/#", qos=1)
        await house.publish("commands/lamp.1/on", b"other", qos=1)
        await house.publish("commands/gauge-7/interval", b"own", qos=1)
        assert await next_message(gauge) == ("commands/gauge-7/interval", b"own")


@pytest.mark.parametrize(
    "topic", ["commands/#", "commands/lamp.1/#", "devices/#", "#", "city/changes", "$SYS/#"]
)
async def test_a_device_may_not_listen_elsewhere(it: Running, topic: str) -> None:
    async with client(it, "gauge-token") as gauge, client(it, "house-token") as house:
        [code] = await gauge.subscribe(topic, qos=1)
        assert getattr(code, "value", code) == 128
        await house.publish("commands/lamp.1/on", b"x", qos=1)


@pytest.mark.parametrize(
    "topic", ["city/changes", "commands/gauge-7/x", "elsewhere", "$JS/API/STREAM/DELETE/CHANGES"]
)
async def test_what_a_device_publishes_elsewhere_reaches_nobody(it: Running, topic: str) -> None:
    heard: list[str] = []

    async def note(message: object) -> None:
        heard.append(message.subject)  # type: ignore[attr-defined]

    await it.house.subscribe(topic.replace("/", "."), cb=note)
    await it.stream.client.subscribe(topic.replace("/", "."), cb=note)
    async with client(it, "house-token") as house, client(it, "gauge-token") as device:
        await house.subscribe("devices/#", qos=1)
        try:
            await device.publish(topic, b"x", qos=0)
            await device.publish("devices/gauge-7/after", b"y", qos=1)
            await next_message(house)
        except (aiomqtt.MqttError, TimeoutError):
            pass  # the server may cut the connection instead
    await it.house.flush()
    await it.stream.client.flush()
    assert heard == []
    assert await it.stream.last() == 0


async def test_a_durable_session_gets_what_came_while_it_was_away(it: Running) -> None:
    async with client(it, "house-token", "feed", clean_session=False) as house:
        await house.subscribe("devices/#", qos=1)
    async with client(it, "gauge-token") as device:
        for number in range(20):
            await device.publish("devices/gauge-7/level", str(number).encode(), qos=1)
    async with client(it, "house-token", "feed", clean_session=False) as house:
        got = [await next_message(house) for _ in range(20)]
    assert [int(payload) for _, payload in got] == list(range(20))


async def test_a_full_stop_in_a_name_is_one_level(it: Running) -> None:
    async with client(it, "lamp-token") as lamp, client(it, "house-token") as house:
        await lamp.subscribe("commands/lamp.1/on", qos=1)
        await house.publish("commands/lamp.1/on", b"now", qos=1)
        assert await next_message(lamp) == ("commands/lamp.1/on", b"now")


async def test_mqtt_5_is_not_spoken_by_this_server(it: Running) -> None:
    """The day this fails, the documentation may promise MQTT 5."""
    with pytest.raises(aiomqtt.MqttError):
        async with client(it, "gauge-token", protocol=aiomqtt.ProtocolVersion.V5, timeout=2):
            raise AssertionError("signed in")


@pytest.mark.parametrize("name", ["", "a/b", "#", "+", "a>b", "a*", "a b"])
def test_a_name_that_reaches_beyond_a_level_opens_nothing(name: str) -> None:
    assert (
        permissions_of(Actor("id", name, frozenset({Role.DEVICE})), StreamSettings(), monitors=False) is None
    )


async def test_further_topics_are_opened_to_devices(tmp_path: Path) -> None:
    settings = {"mqtt_port": free_port(), "devices_topic": ("devices", "plant/north")}
    async with (
        running(tmp_path, authenticate, **settings) as it,
        client(it, "gauge-token") as gauge,
        client(it, "house-token") as house,
    ):
        await house.subscribe("plant/north/+/telemetry", qos=1)
        await gauge.publish("plant/north/7/telemetry", b"1", qos=1)
        assert await next_message(house) == ("plant/north/7/telemetry", b"1")


@pytest.mark.parametrize("topic", ["", "#", "plant/+", "$SYS", "city", "city/changes", "a//b", ">"])
def test_a_topic_that_opens_more_than_itself_is_refused(topic: str) -> None:
    with pytest.raises(Invalid) as caught:
        StreamSettings(devices_topic=("devices", topic))
    assert caught.value.field == "stream.devices_topic"


async def test_a_device_signs_in_by_mqtt_only(it: Running) -> None:
    with pytest.raises(nats.errors.Error):
        await nats.connect(
            it.server.url, user="anything", password="gauge-token", allow_reconnect=False, connect_timeout=2
        )


async def test_a_device_may_not_take_the_client_id_of_one_of_the_citys_feeds(it: Running) -> None:
    async with client(it, "house-token", "rhinecloud-air-1234") as house:
        await house.subscribe("devices/#", qos=1)
        with pytest.raises(aiomqtt.MqttError):
            async with client(it, "gauge-token", "rhinecloud-air-1234"):
                raise AssertionError("signed in")
        async with client(it, "gauge-token", "gauge") as gauge:
            await gauge.publish("devices/gauge-7/level", b"1", qos=1)
        assert await next_message(house) == ("devices/gauge-7/level", b"1")


@pytest.mark.parametrize(("user", "password"), [("u" * 60_000, "p"), ("u", "p" * 60_000)])
async def test_a_long_name_or_password_is_refused_before_anybody_looks_at_it(
    tmp_path: Path, user: str, password: str
) -> None:
    asked: list[str] = []

    async def note(user: str, _password: str) -> Actor | None:
        asked.append(user)
        return None

    async with running(tmp_path, note, mqtt_port=free_port()) as it:
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client(
                "127.0.0.1", it.settings.mqtt_port, username=user, password=password, timeout=60
            ):
                raise AssertionError("signed in")
    assert asked == []


async def test_sign_ins_beyond_those_that_may_wait_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callout, "CONCURRENT", 1)
    monkeypatch.setattr(callout, "MOST_WAITING", 3)
    waits, refusals = asyncio.Event(), 0

    async def slow(_user: str, password: str) -> Actor | None:
        await waits.wait()
        return ACTORS.get(password)

    async def sign_in(it: Running, number: int) -> str:
        nonlocal refusals
        try:
            async with client(it, "gauge-token", f"g{number}"):
                return "in"
        except aiomqtt.MqttError:
            refusals += 1
            if refusals == 3:  # the last one: only now may those that wait be answered
                waits.set()
            return "refused"

    async with running(tmp_path, slow, mqtt_port=free_port()) as it:
        outcomes = await asyncio.gather(*(sign_in(it, number) for number in range(6)))
    assert sorted(outcomes) == ["in"] * 3 + ["refused"] * 3


async def is_cut(device: aiomqtt.Client) -> bool:
    """Wait until the server ends a connection; return whether it did so in a minute."""
    try:
        async with asyncio.timeout(60):
            async for _ in device.messages:
                pass
    except aiomqtt.MqttError:
        return True
    except TimeoutError:
        return False
    return False


async def test_a_revoked_device_is_cut_at_once_and_others_feel_nothing(it: Running) -> None:
    permitted = {each.id for each in ACTORS.values()}
    system = await nats.connect(it.server.url, user=f"{USER[0]}-watch", password=USER[1])
    revocation = DeviceRevocation(system, lambda: permitted)
    watching = asyncio.create_task(revocation.watch())
    try:
        async with client(it, "lamp-token") as lamp, client(it, "house-token") as house:
            await house.subscribe("devices/#", qos=1)
            async with client(it, "gauge-token", "gauge") as gauge:
                revocation.notice(ACTORS["gauge-token"].id)
                assert await is_cut(gauge)
            await lamp.publish("devices/lamp", b"on", qos=1)
            assert await next_message(house) == ("devices/lamp", b"on")
            permitted.discard(ACTORS["lamp-token"].id)
            await revocation.review()
            assert await is_cut(lamp)
            assert revocation.disconnected == 2
    finally:
        watching.cancel()
        await system.close()
