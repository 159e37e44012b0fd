"""Notifications over MQTT (clause 7.2), heard by a real client of a real MQTT broker."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest

from broker.notifying import NotifyingBroker, open_notifying_broker, open_stream
from rhinecloud.kernel.errors import Invalid
from rhinecloud.subscriptions.transports.mqtt import read_target
from subscriptions.mosquitto import MOSQUITTO, open_mosquitto

PASSWORDS, OPENSSL = shutil.which("mosquitto_passwd"), shutil.which("openssl")


@pytest.fixture
async def notifying(tmp_path: Path) -> AsyncIterator[NotifyingBroker]:
    async with open_stream(tmp_path / "stream") as stream, open_notifying_broker(tmp_path, stream) as opened:
        yield opened


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def subscribe(notifying: NotifyingBroker, uri: str, **info: str) -> str:
    notifier_info = [{"key": key.replace("_", "-"), "value": value} for key, value in info.items()]
    endpoint: dict[str, Any] = {"uri": uri, "receiverInfo": [{"key": "Room", "value": "7"}]}
    if notifier_info:
        endpoint["notifierInfo"] = notifier_info
    data = {
        "type": "Subscription",
        "entities": [{"type": "Vessel"}],
        "notification": {"format": "simplified", "endpoint": endpoint},
    }
    answer = await notifying.call("POST", "/subscriptions", data)
    assert answer.status == 201, answer.body
    return answer.headers["location"].rpartition("/")[2]


@pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto")
@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
@pytest.mark.parametrize("quality", ["0", "1", "2"])
async def test_a_change_is_published_with_metadata(
    tmp_path: Path, notifying: NotifyingBroker, version: str, quality: str
) -> None:
    port = free_port()
    async with open_mosquitto(tmp_path, port), aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("city/#", qos=2)
        await subscribe(
            notifying, f"mqtt://127.0.0.1:{port}/city/vessels", MQTT_Version=version, MQTT_QoS=quality
        )
        await notifying.put("1", speed=3)
        async with asyncio.timeout(60):
            message = await anext(aiter(client.messages))
        assert (str(message.topic), message.qos) == ("city/vessels", int(quality))
        told = orjson.loads(message.payload)
        assert told["metadata"]["Content-Type"] == "application/json"
        assert told["metadata"]["Room"] == "7"
        assert "json-ld#context" in told["metadata"]["Link"]
        assert told["body"]["data"] == [{"id": "urn:v:1", "type": "Vessel", "speed": 3}]


@pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto")
async def test_a_broker_that_went_away_is_notified_when_it_is_back(
    tmp_path: Path, notifying: NotifyingBroker
) -> None:
    port = free_port()
    name = await subscribe(notifying, f"mqtt://127.0.0.1:{port}/city", MQTT_QoS="1")
    await notifying.put("1", speed=3)
    async with asyncio.timeout(60):
        while (await notifying.shown(name)).get("status") != "failed":
            await asyncio.sleep(0.05)
    async with open_mosquitto(tmp_path, port), aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("city", qos=1)
        await notifying.put("1", speed=4)
        async with asyncio.timeout(60):
            async for message in client.messages:
                if orjson.loads(message.payload)["body"]["data"][0]["speed"] == 4:
                    break
    shown = await notifying.shown(name)
    assert (shown["status"], shown["timesSent"] - shown["timesFailed"]) == ("ok", 2)


@pytest.mark.skipif(
    MOSQUITTO is None or PASSWORDS is None or OPENSSL is None, reason="needs mosquitto and openssl"
)
async def test_mqtts_proves_both_sides(
    tmp_path: Path, notifying: NotifyingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key, passwords = (tmp_path / name for name in ("cert.pem", "key.pem", "passwords"))
    request = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    named = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    made = ("-keyout", key, "-out", certificate)
    subprocess.run([str(OPENSSL), *request, *made, *named], check=True, capture_output=True)
    subprocess.run([str(PASSWORDS), "-b", "-c", passwords, "city", "p@ss"], check=True, capture_output=True)
    for path in (key, passwords):
        path.chmod(0o644)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    port = free_port()
    secure = (f"certfile {certificate}", f"keyfile {key}", f"password_file {passwords}")
    context = ssl.create_default_context()
    async with open_mosquitto(tmp_path, port, *secure, anonymous="false"):
        async with aiomqtt.Client(
            "localhost", port, username="city", password="p@ss", tls_context=context
        ) as client:
            await client.subscribe("city", qos=1)
            stranger = await subscribe(notifying, f"mqtts://city:guess@localhost:{port}/city", MQTT_QoS="1")
            await subscribe(notifying, f"mqtts://city:p%40ss@localhost:{port}/city", MQTT_QoS="1")
            await notifying.put("1", speed=3)
            async with asyncio.timeout(60):
                message = await anext(aiter(client.messages))
                while (await notifying.shown(stranger)).get("status") != "failed":
                    await asyncio.sleep(0.02)
            assert orjson.loads(message.payload)["body"]["data"][0]["speed"] == 3


def test_a_target_is_read_from_its_uri() -> None:
    target = read_target("mqtts://me:p%40ss@broker.example/a/b", {})
    assert (target.host, target.port, target.tls) == ("broker.example", 8883, True)
    assert (target.username, target.password, target.topic) == ("me", "p@ss", "a/b")
    assert (target.version, target.quality) == ("mqtt5.0", 0)
    for uri in (
        "mqtt://broker.example",
        "mqtt:///topic",
        "mqtt://broker.example/a/#",
        "mqtt://b.example:x/t",
    ):
        with pytest.raises(Invalid, match=r"notification.endpoint.uri"):
            read_target(uri, {})
