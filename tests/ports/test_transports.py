"""What every transport of notifications promises: one suite, run on each, against a real receiver."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from bench.aiohttp_transport import AiohttpTransport

from broker.receiving import open_receiver
from rhinecloud.kernel.actor import Actor
from rhinecloud.subscriptions.model import Endpoint, KeyValuePair, Notification, Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import HttpTransport
from rhinecloud.subscriptions.transports.mqtt import MqttTransport
from rhinecloud.subscriptions.transports.port import NotDelivered, Transport
from subscriptions.mosquitto import MOSQUITTO, open_mosquitto

SETTINGS = NotificationSettings(timeout_s=5.0, connections=4)
LINK = '<https://city.example/context.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'


@dataclass
class Received:
    """What a receiver got: the fields beside the body, and the body."""

    fields: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


Open = Callable[[Path, int], AbstractAsyncContextManager[Received]]


@dataclass(frozen=True)
class Engine:
    """A transport, its scheme, and how a receiver of it is opened on a port."""

    make: Callable[..., Transport]
    scheme: str
    open_receiver: Open


@asynccontextmanager
async def http_receiver(_: Path, port: int) -> AsyncIterator[Received]:
    received = Received()
    async with open_receiver(port) as receiver:
        receiver.on_notification = lambda headers, body: (
            received.fields.append(headers),
            received.bodies.append(body),
        )
        yield received


@asynccontextmanager
async def mqtt_receiver(folder: Path, port: int) -> AsyncIterator[Received]:
    received = Received()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            content = json.loads(message.payload)
            received.fields.append(content["metadata"])
            received.bodies.append(content["body"])

    async with open_mosquitto(folder, port), aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("receiver", qos=1)
        listening = asyncio.create_task(listen(client))
        try:
            yield received
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


ENGINES = {
    "http": Engine(HttpTransport, "http", http_receiver),
    "aiohttp": Engine(AiohttpTransport, "http", http_receiver),
    "mqtt": Engine(MqttTransport, "mqtt", mqtt_receiver),
}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "mqtt" and MOSQUITTO is None:
        pytest.skip("needs mosquitto")
    return ENGINES[request.param]


class Sender:
    """Sends by a transport to `receiver` on a port, and notes each result."""

    def __init__(self, transport: Transport, scheme: str, port: int, *, timeout_ms: float = 0) -> None:
        endpoint = Endpoint(
            uri=f"{scheme}://127.0.0.1:{port}/receiver",
            timeout_ms=timeout_ms,
            receiver_info=[KeyValuePair("X-Room", "7")],
            notifier_info=[KeyValuePair("MQTT-QoS", "1")] if scheme == "mqtt" else [],
        )
        subscription = Subscription(
            id="urn:s:1",
            tenant="harbour",
            owner=Actor("a", "a", frozenset()),
            notification=Notification(endpoint=endpoint),
        )
        self.results: list[NotDelivered | None] = []
        self._send = transport.sender_for(subscription, LINK)
        self._transport = transport

    def start(self, value: int) -> Any:
        attempt = self._send(b'{"value":%d}' % value, self.results.append)
        self._transport.flush()
        return attempt

    async def send(self, value: int) -> NotDelivered | None:
        """Send and return the result."""
        count = len(self.results)
        self.start(value)
        await until(lambda: len(self.results) > count)
        return self.results[-1]


class Proxy:
    """A TCP server in front of a receiver that counts connections; without a target it never answers."""

    def __init__(self, target: int = 0) -> None:
        self.port = free_port()
        self.accepted = self.open = 0
        self._target = target

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        try:
            if not self._target:
                while await reader.read(65_536):
                    continue
                return
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            tasks = [asyncio.create_task(_copy(reader, forth)), asyncio.create_task(_copy(back, writer))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            forth.close()
        except ConnectionError:
            return
        finally:
            self.open -= 1
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def opened(engine: Engine, *, allow_private: bool = True) -> AsyncIterator[Transport]:
    transport = engine.make(SETTINGS, allow_private=allow_private)
    try:
        yield transport
    finally:
        await transport.close()


async def test_a_notification_arrives_with_the_fields_beside_it(engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    async with engine.open_receiver(tmp_path, port) as received, opened(engine) as transport:
        assert await Sender(transport, engine.scheme, port).send(1) is None
        await until(lambda: received.bodies == [{"value": 1}])
        [fields] = received.fields
        assert fields["Content-Type"] == "application/json"
        assert (fields["Link"], fields["NGSILD-Tenant"], fields["X-Room"]) == (LINK, "harbour", "7")


async def test_notifications_of_one_sender_arrive_in_order(engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    async with engine.open_receiver(tmp_path, port) as received, opened(engine) as transport:
        sender = Sender(transport, engine.scheme, port)
        for value in range(20):
            assert await sender.send(value) is None
        await until(lambda: [each["value"] for each in received.bodies] == list(range(20)))


async def test_many_senders_share_a_receiver(engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    async with engine.open_receiver(tmp_path, port) as received, opened(engine) as transport:
        proxy = Proxy(port)
        async with proxy.running():
            senders = [Sender(transport, engine.scheme, proxy.port) for _ in range(40)]
            assert await asyncio.gather(*[each.send(n) for n, each in enumerate(senders)]) == [None] * 40
            await until(lambda: sorted(each["value"] for each in received.bodies) == list(range(40)))
            assert proxy.accepted <= SETTINGS.connections


async def test_the_result_is_reported_once_and_never_within_the_call(engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    async with engine.open_receiver(tmp_path, port), opened(engine) as transport:
        sender = Sender(transport, engine.scheme, port)
        for value in range(3):
            count = len(sender.results)
            sender.start(value)
            assert len(sender.results) == count
            await until(lambda: len(sender.results) > count)  # noqa: B023
        assert await sender.send(3) is None
        assert sender.results == [None] * 4


async def test_where_nothing_listens_it_is_not_delivered(engine: Engine) -> None:
    async with opened(engine) as transport:
        error = await Sender(transport, engine.scheme, free_port()).send(1)
        assert error is not None
        assert not error.refused


async def test_a_receiver_that_never_answers_is_not_waited_for_longer_than_the_timeout(
    engine: Engine,
) -> None:
    async with Proxy().running() as silent, opened(engine) as transport:
        error = await Sender(transport, engine.scheme, silent.port, timeout_ms=200).send(1)
        assert error is not None
        assert "in time" in str(error)
        assert not error.refused
        await until(lambda: silent.open == 0)


async def test_a_cancelled_attempt_reports_nothing(engine: Engine) -> None:
    async with Proxy().running() as silent, opened(engine) as transport:
        sender = Sender(transport, engine.scheme, silent.port, timeout_ms=300)
        other = Sender(transport, engine.scheme, silent.port, timeout_ms=300)
        attempt = sender.start(1)
        await until(lambda: silent.accepted > 0)
        attempt.cancel()
        assert await other.send(2) is not None  # which takes as long as the first one would have
        assert sender.results == []


async def test_private_addresses_are_not_connected_to_unless_they_are_allowed(engine: Engine) -> None:
    async with Proxy().running() as silent, opened(engine, allow_private=False) as transport:
        error = await Sender(transport, engine.scheme, silent.port).send(1)
        assert error is not None
        assert "private" in str(error)
        assert silent.accepted == 0


async def test_a_receiver_that_went_away_and_came_back_is_reached_again(
    engine: Engine, tmp_path: Path
) -> None:
    port = free_port()
    async with opened(engine) as transport:
        sender = Sender(transport, engine.scheme, port)
        async with engine.open_receiver(tmp_path, port):
            assert await sender.send(1) is None
        assert await sender.send(2) is not None
        async with engine.open_receiver(tmp_path, port) as received:
            assert await sender.send(3) is None
            await until(lambda: received.bodies == [{"value": 3}])


async def test_close_ends_every_connection(engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    async with engine.open_receiver(tmp_path, port):
        proxy = Proxy(port)
        async with proxy.running():
            async with opened(engine) as transport:
                assert await Sender(transport, engine.scheme, proxy.port).send(1) is None
                assert proxy.open == 1
            await until(lambda: proxy.open == 0)
