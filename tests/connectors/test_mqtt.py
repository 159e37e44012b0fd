"""MQTT against real servers: what is acknowledged is kept, what is not comes again, sessions outlive restarts."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from connectors.city import City, open_city, status, until
from connectors.servers import MOSQUITTO, free_port, mosquitto, nats
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.model import FeedState

SERVERS = {"mosquitto": mosquitto, "nats": nats}
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@pytest.fixture(params=[pytest.param("mosquitto", marks=needs_mosquitto), "nats"])
async def port(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[int]:
    """Run each kind of server in turn; gives its port."""
    number = free_port()
    async with SERVERS[request.param](tmp_path / "server", number):
        yield number


def publish(port: int, messages: Sequence[tuple[str, bytes]], **options: Any) -> None:
    """Publish messages with QoS 1 and wait until the server has acknowledged all."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=options.get("protocol", paho.MQTTv311))
    if "username" in options:
        client.username_pw_set(options["username"], options["password"])
    if "tls" in options:
        client.tls_set_context(options["tls"])
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [
        client.publish(topic, body, qos=1, retain=options.get("retain", False)) for topic, body in messages
    ]
    for each in sent:
        each.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


async def send(port: int, messages: Sequence[tuple[str, bytes]], **options: Any) -> None:
    await asyncio.to_thread(lambda: publish(port, messages, **options))


def reading(station: str, pm10: float) -> tuple[str, bytes]:
    return f"air/{station}", orjson.dumps({"station": station, "pm10": pm10})


async def air(city: City, port: int, limits: dict[str, Any] | None = None, **table: Any) -> Feeds:
    whole = {
        "connector": "mqtt",
        "mapping": "air",
        "topic": "air/#",
        "url": f"mqtt://127.0.0.1:{port}",
        **table,
    }
    return await city.feed(limits, **whole)


async def linked(feeds: Feeds, port: int) -> None:
    """Wait until a first message came through, so that the subscription stands."""
    async with asyncio.timeout(60):
        while not status(feeds).received:
            await send(port, [reading("first", 1)])
            await asyncio.sleep(0.05)


async def test_messages_become_entities(city: City, port: int) -> None:
    feeds = await air(city, port)
    await linked(feeds, port)
    await send(port, [reading(f"s{number}", number) for number in range(50)])
    await until(lambda: status(feeds).accepted == 51)
    stations = await city.entities("AirQualityObserved")
    assert stations["urn:ngsi-ld:AirQualityObserved:s7"]["pm10"] == 7
    assert len(stations) == 51
    assert status(feeds).state is FeedState.LIVE


async def test_what_came_while_the_city_was_away_is_delivered_when_it_is_back(
    tmp_path: Path, port: int
) -> None:
    async with open_city(tmp_path) as city:
        feeds = await air(city, port)
        await linked(feeds, port)
    await send(port, [reading(f"s{number}", number) for number in range(300)])
    async with open_city(tmp_path) as city:
        feeds = await air(city, port)
        await until(lambda: status(feeds).received >= 300)
        await until(lambda: status(feeds).accepted + status(feeds).unchanged >= 300)
        assert len(await city.entities("AirQualityObserved")) >= 300


async def test_nothing_is_acknowledged_before_it_is_committed(tmp_path: Path, port: int) -> None:
    async with open_city(tmp_path) as city:
        feeds = await air(city, port, {"drain_s": 0.05})
        await linked(feeds, port)
        city.broker.ingest = _unavailable  # type: ignore[method-assign]
        await send(port, [reading(f"s{number}", number) for number in range(5)])
        await until(lambda: "does not accept writes" in status(feeds).error)
        assert status(feeds).state is FeedState.FAILING
        await feeds.stop()
    async with open_city(tmp_path) as city:
        feeds = await air(city, port)
        await until(lambda: status(feeds).accepted >= 5)
        assert len(await city.entities("AirQualityObserved")) == 6


async def _unavailable(*arguments: Any, **options: Any) -> Any:
    from rhinecloud.store.port import StoreFull

    raise StoreFull("no room")


async def test_a_full_queue_stops_reading_and_loses_nothing(city: City, port: int) -> None:
    feeds = await air(city, port, {"queue_parcels": 10, "batch": 5})
    await linked(feeds, port)
    taken = city.broker.ingest

    async def slowly(*arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0.02)
        return await taken(*arguments, **options)

    city.broker.ingest = slowly  # type: ignore[method-assign]
    most = 0
    sending = asyncio.create_task(send(port, [reading(f"s{number}", number) for number in range(400)]))
    while len(await city.entities("AirQualityObserved")) < 401:  # one is from the time before
        most = max(most, status(feeds).waiting)
        await asyncio.sleep(0.005)
    await sending
    assert most < 60


async def test_garbage_is_a_dead_letter_with_its_topic_and_is_acknowledged(city: City, port: int) -> None:
    feeds = await air(city, port, {"message_bytes": 1000})
    await linked(feeds, port)
    await send(port, [("air/x", b'{"station": '), ("air/x", b"\xff\xfc"), ("air/y", b"x" * 2000)])
    await until(lambda: status(feeds).dead == 3)
    letters = (await feeds.deadletters.list()).items
    assert {each.origin for each in letters} == {"air/x", "air/y"}
    assert any(each.reason == "larger than 1000 bytes" for each in letters)
    assert any(each.reason.startswith("broken JSON") for each in letters)
    assert any(
        each.reason.startswith("neither JSON nor text: byte 1 (0xFF) is not in utf-8") for each in letters
    )


async def test_a_server_that_falls_and_comes_back_is_found_again(tmp_path: Path, city: City) -> None:
    port, folder = free_port(), tmp_path / "server"
    async with nats(folder, port):
        feeds = await air(city, port)
        await linked(feeds, port)
    await until(lambda: status(feeds).state is FeedState.FAILING)
    async with nats(folder, port):
        await until(lambda: status(feeds).state is not FeedState.FAILING)
        before = status(feeds).received
        await send(port, [reading("again", 5)])
        await until(lambda: status(feeds).received > before)


@needs_mosquitto
async def test_a_bridge_of_mosquitto_delivers_with_the_settings_of_the_docs(
    tmp_path: Path, city: City
) -> None:
    """The docs name these lines; with the client id that mosquitto makes itself, `host.connection`, it is refused."""
    port, bridge_port = free_port(), free_port()
    lines = [
        "connection city",
        f"address 127.0.0.1:{port}",
        "topic # out 1 air/ air/",
        "remote_clientid bridge-of-the-port",
        "try_private false",
        "notifications false",
        "bridge_protocol_version mqttv311",
    ]
    async with nats(tmp_path / "server", port):
        feeds = await air(city, port)
        await linked(feeds, port)
        before = status(feeds).received
        async with mosquitto(tmp_path / "bridge", bridge_port, *lines):
            await send(bridge_port, [reading("bridged", 7)])
            await until(lambda: status(feeds).received > before)


@needs_mosquitto
async def test_mqtt_5_with_a_password(tmp_path: Path, city: City) -> None:
    port, folder = free_port(), tmp_path / "server"
    folder.mkdir()
    passwords = folder / "passwords"
    tool = Path(str(MOSQUITTO)).with_name("mosquitto_passwd")
    candidates = [tool, Path("/usr/bin/mosquitto_passwd")]
    program = next((each for each in candidates if each.exists()), None)
    if program is None:
        pytest.skip("mosquitto_passwd is not installed")
    subprocess.run([program, "-b", "-c", passwords, "city", "secret"], check=True, capture_output=True)
    passwords.chmod(0o644)
    async with mosquitto(folder, port, "allow_anonymous false", f"password_file {passwords}"):
        wrong = await air(city, port, username="city", password="guess")
        await until(lambda: status(wrong).state is FeedState.FAILING)
        assert "rejects the connection" in status(wrong).error
        await wrong.stop()
        feeds = await air(city, port, username="city", password="secret", mqtt_version="5")
        await asyncio.sleep(0.3)
        await send(port, [reading("a", 3)], username="city", password="secret", protocol=paho.MQTTv5)
        await until(lambda: status(feeds).accepted == 1)


@needs_mosquitto
async def test_tls_with_the_operators_own_authority(tmp_path: Path, city: City) -> None:
    port, folder = free_port(), tmp_path / "server"
    folder.mkdir()
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    await asyncio.to_thread(
        lambda: subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "1",
                "-keyout",
                key,
                "-out",
                certificate,
                *subject,
            ],
            check=True,
            capture_output=True,
        )
    )
    key.chmod(0o644)
    async with mosquitto(folder, port, f"certfile {certificate}", f"keyfile {key}"):
        distrusting = await air(city, port, url=f"mqtts://127.0.0.1:{port}")
        await until(lambda: "certificate" in status(distrusting).error.lower())
        await distrusting.stop()
        feeds = await air(city, port, url=f"mqtts://127.0.0.1:{port}", tls_ca=str(certificate))
        await asyncio.sleep(0.3)
        trusting = ssl.create_default_context(cafile=str(certificate))
        await send(port, [reading(f"s{number}", number) for number in range(100)], tls=trusting)
        await until(lambda: status(feeds).accepted == 100)


@needs_mosquitto
async def test_a_retained_message_is_read_and_its_deletion_is_no_reading(tmp_path: Path, city: City) -> None:
    port = free_port()
    async with mosquitto(tmp_path / "server", port):
        await send(port, [reading("kept", 9)], retain=True)
        feeds = await air(city, port)
        await until(lambda: status(feeds).accepted == 1)
        await send(port, [("air/kept", b"")], retain=True)
        await asyncio.sleep(0.2)
        assert (status(feeds).received, status(feeds).dead) == (1, 0)


async def test_a_server_that_does_not_speak_delays_no_one(city: City) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    from connectors.servers import tcp_server

    async with tcp_server(mute) as port:
        feeds = await air(city, port, {"connect_timeout_s": 0.3})
        await until(lambda: status(feeds).state is FeedState.FAILING)
        assert "did not answer within 0.3 s" in status(feeds).error
        await feeds.stop()
        assert status(feeds).state is FeedState.STOPPED


async def test_the_topics_of_a_declared_mapping_are_subscribed_to(city: City, port: int) -> None:
    (city.root / "box.yaml").write_text(
        'topic: "boxes/{box}/pm"\nid: "urn:ngsi-ld:AirQualityObserved:{box}"\ntype: AirQualityObserved\n'
        "attributes: { pm10: { from: value, unit: GQ } }\n"
    )
    city.mqtt_url = f"mqtt://127.0.0.1:{port}"
    feeds = await city.feed(connector="mqtt", mapping="box.yaml")
    async with asyncio.timeout(60):
        await feeds.listening()
    await send(port, [("boxes/seven/pm", b"12.5"), ("elsewhere", b"1")])
    await until(lambda: status(feeds).accepted == 1)
    assert (await city.entities("AirQualityObserved"))["urn:ngsi-ld:AirQualityObserved:seven"]["pm10"] == 12.5
