"""What MQTT clients make the server keep is bounded, and apart from the log of changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from pathlib import Path

import aiomqtt
import nats
import pytest

from rhinecloud.stream.devices import STORES, MqttUsage
from rhinecloud.stream.server_log import LONGEST, ServerLog
from stream.running import USER, Running, frame, free_port, running
from stream.test_callout import authenticate, client, next_message

SMALL = {"keep_megabytes": 8, "mqtt_megabytes": 16}
BIG = b"x" * 60_000


def usage(it: Running, name: str) -> MqttUsage:
    return next(each for each in it.devices.usage if each.name == name)


async def flood(it: Running, count: int = 249) -> None:
    """Publish retained messages as one device."""
    async with client(it, "gauge-token", "flood") as device:
        for number in range(count):
            await device.publish(f"devices/x{number}/junk", BIG, qos=1, retain=True)


async def retained(it: Running, topic: str) -> bytes:
    """Return a retained message; after a start the server reads them while it lets clients in already."""
    async with asyncio.timeout(60):
        while True:
            async with client(it, "house-token", "reader") as house:
                await house.subscribe(topic, qos=1)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        return (await next_message(house))[1]


async def test_retained_messages_leave_the_log_of_changes_its_space(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with running(tmp_path, authenticate, mqtt_port=port, **SMALL) as it:
        await it.stream.publish(frame(1))
        await flood(it)
        for number in range(2, 50):
            await it.stream.publish(frame(number))
        await it.devices.refresh()
        assert usage(it, "retained").full
        assert usage(it, "retained").bytes <= usage(it, "retained").limit_bytes == 4 << 20
        async with client(it, "house-token", "feed") as house, client(it, "lamp-token") as lamp:
            await house.subscribe("devices/lamp.1/#", qos=1)
            await lamp.publish("devices/lamp.1/on", b"1", qos=1)
            assert await next_message(house) == ("devices/lamp.1/on", b"1")
    async with running(tmp_path, authenticate, mqtt_port=port, **SMALL) as it:
        assert await it.stream.last() == 49
        await it.stream.publish(frame(50))
        assert await retained(it, "devices/x0/junk") == BIG
    assert "MQTT: the store `retained` is full; see stream.mqtt_megabytes" in caplog.messages
    assert sum("unable to store retained message" in each for each in caplog.messages) == 1


async def test_a_retained_message_may_be_replaced_and_deleted_while_the_store_is_full(tmp_path: Path) -> None:
    async with running(tmp_path, authenticate, mqtt_port=free_port(), **SMALL) as it:
        await flood(it)
        async with client(it, "gauge-token", "flood") as device:
            await device.publish("devices/x0/junk", b"new", qos=1, retain=True)
            for number in range(1, 70):
                await device.publish(f"devices/x{number}/junk", b"", qos=1, retain=True)
        async with client(it, "house-token", "feed") as house:
            await house.subscribe("devices/#", qos=1)
            assert await next_message(house) == ("devices/x0/junk", b"new")
        await it.devices.refresh()
        assert not usage(it, "retained").full


async def test_messages_that_wait_are_bounded_and_a_device_is_not_told_that_one_is_kept_which_is_not(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, authenticate, mqtt_port=free_port(), **SMALL) as it:
        async with client(it, "house-token", "feed", clean_session=False) as house:
            await house.subscribe("devices/#", qos=1)
        kept = 0
        with pytest.raises(aiomqtt.MqttError):
            async with client(it, "gauge-token", "g", timeout=3) as device:
                for number in range(249):
                    await device.publish(f"devices/x{number}", BIG, qos=1)
                    kept += 1
        assert 100 < kept < 140
        await it.stream.publish(frame(1))
        async with client(it, "house-token", "feed", clean_session=False) as house:
            got = [await next_message(house) for _ in range(kept)]
        assert [topic for topic, _ in got] == [f"devices/x{number}" for number in range(kept)]


async def test_sessions_are_bounded_and_those_that_are_there_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, authenticate, mqtt_port=free_port(), mqtt_sessions=5, **SMALL) as it:
        for number in range(5):
            async with client(it, "house-token", f"s{number}", clean_session=False) as one:
                await one.subscribe("devices/#", qos=1)
        with pytest.raises(aiomqtt.MqttError):
            async with client(it, "gauge-token", "one-too-many", timeout=2):
                raise AssertionError("signed in")
        await it.devices.refresh()
        assert usage(it, "sessions").full
        async with client(it, "house-token", "s0", clean_session=False) as one:
            await it.house.flush()
            await one.publish("devices/a", b"1", qos=1)
            assert await next_message(one) == ("devices/a", b"1")


async def test_subscriptions_that_the_server_must_keep_are_bounded(tmp_path: Path) -> None:
    async with (
        running(tmp_path, authenticate, mqtt_port=free_port(), mqtt_sessions=3, **SMALL) as it,
        client(it, "gauge-token") as device,
    ):
        codes = [(await device.subscribe(f"commands/gauge-7/{number}", qos=1))[0] for number in range(8)]
    refused = [getattr(code, "value", code) for code in codes].count(128)
    assert refused >= 2


async def test_qos_2_messages_that_are_never_released_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, authenticate, mqtt_port=free_port(), **SMALL) as it:
        context = it.house.jetstream()
        with pytest.raises(nats.js.errors.APIError):
            for number in range(100):
                await context.publish(f"$MQTT.qos2.in.x.{number}", BIG)
        await it.stream.publish(frame(1))


async def test_stores_of_an_earlier_release_move_and_get_their_limits(tmp_path: Path) -> None:
    """They lay in the account of the log of changes, without a limit, and could have filled it."""
    port = free_port()
    async with running(tmp_path, authenticate, mqtt_port=port, keep_megabytes=8, mqtt_megabytes=512) as it:
        for number in range(1, 20):
            await it.stream.publish(frame(number))
        async with client(it, "house-token", "feed", clean_session=False) as house:
            await house.subscribe("devices/#", qos=1)
        async with client(it, "gauge-token") as device:
            await device.publish("devices/gauge-7/level", b"3", qos=1)
        await flood(it)
        for store in STORES:
            config = (await it.house.jetstream().stream_info(store.stream)).config
            await it.house.jetstream().update_stream(
                config.evolve(max_bytes=-1, discard="old", discard_new_per_subject=False)
            )
    folder = tmp_path / "jetstream"
    for store in STORES:
        (folder / "DEVICES" / "streams" / store.stream).rename(folder / "CITY" / "streams" / store.stream)
    async with running(tmp_path, authenticate, mqtt_port=port, **SMALL) as it:
        assert await it.stream.last() == 19
        await it.stream.publish(frame(20))
        assert {each.limit_bytes for each in it.devices.usage} == {8 << 20, 4 << 20, 2 << 20, 1 << 20}
        assert all(each.bytes <= each.limit_bytes for each in it.devices.usage)
        async with client(it, "house-token", "feed", clean_session=False) as house:
            assert (await next_message(house))[0].startswith("devices/")
        async with client(it, "lamp-token") as lamp:
            await lamp.publish("devices/lamp.1/on", b"1", qos=1)


async def test_stores_that_the_server_made_anew_get_their_limits_again(tmp_path: Path) -> None:
    async with running(tmp_path, authenticate, mqtt_port=free_port(), **SMALL) as it:
        for store in STORES:
            await it.house.jetstream().delete_stream(store.stream)
        async with client(it, "gauge-token") as device:
            await device.publish("devices/gauge-7/level", b"3", qos=1)
        await it.devices.refresh()
        assert usage(it, "retained").limit_bytes == 4 << 20


def test_lines_of_one_kind_are_written_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    server_log = ServerLog(lambda: now)
    for number in range(500):
        server_log.write(
            logging.WARNING, f'"c{number}" - cannot store "a\\"{number}", topic "{"t" * 60_000}"'
        )
    server_log.write(logging.WARNING, "another matter")
    now = 61.0
    server_log.write(logging.WARNING, '"c" - cannot store "7", topic "t"')
    assert len(caplog.messages) == 3
    assert max(map(len, caplog.messages)) < LONGEST + 50
    assert caplog.messages[-1].endswith("(499 more like it before)")


def test_a_client_id_that_the_server_refuses_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    server_log = ServerLog(lambda: 0.0)
    server_log.write(logging.WARNING, 'mid:5 - "host.name" - invalid character in client ID "host.name"')
    server_log.write(logging.WARNING, 'mid:5 - "" - unacceptable protocol version of 132')
    assert "an MQTT client id must not hold `.`" in caplog.messages[0]
    assert "try_private false" in caplog.messages[1]


async def test_a_line_of_any_length_does_not_stop_the_server(tmp_path: Path) -> None:
    """A topic has up to 64 KB, and the server writes it down where it cannot keep a message."""
    async with running(tmp_path, authenticate, mqtt_port=free_port(), **SMALL) as it:
        await flood(it)
        async with client(it, "gauge-token", "long", timeout=5) as device:
            for number in range(40):
                await device.publish(f"devices/{number}/" + "\u00fc" * 30_000, BIG, qos=1, retain=True)
        await it.stream.publish(frame(1))


def test_the_document_for_the_server_names_no_limit_less(tmp_path: Path) -> None:
    from rhinecloud.stream.configuration import ServerSecrets, write_configuration
    from rhinecloud.stream.settings import StreamSettings

    path = write_configuration(StreamSettings(**SMALL), tmp_path, 1, ServerSecrets(*USER, "A"))
    document = json.loads(path.read_text())
    limits = [each["jetstream"]["max_file"] for each in document["accounts"].values() if "jetstream" in each]
    assert sum(limits) <= document["jetstream"]["max_file_store"]
