"""Notifications over MQTT 3.1.1 and 5: one connection for all subscriptions of one MQTT broker, opened when needed.

Source: ETSI GS CIM 009 v1.9.1, clause 7.2.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aiomqtt
import orjson

from rhinecloud.kernel.errors import Invalid
from rhinecloud.outgoing import addresses_of
from rhinecloud.subscriptions.model import Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.message import headers_of, timeout_s_of
from rhinecloud.subscriptions.transports.port import NotDelivered, Send
from rhinecloud.subscriptions.transports.task import TaskAttempt

VERSIONS = {"mqtt3.1.1": aiomqtt.ProtocolVersion.V311, "mqtt5.0": aiomqtt.ProtocolVersion.V5}
QUALITIES = {"0": 0, "1": 1, "2": 2}
IDLE_S = 60.0
"""A connection is closed after this time without use."""


@dataclass(frozen=True, slots=True)
class MqttTarget:
    """Where an MQTT notification goes; targets with the same `broker` share a connection."""

    host: str
    port: int
    tls: bool
    username: str
    password: str
    version: str
    topic: str
    quality: int

    @property
    def broker(self) -> tuple[str, int, bool, str, str, str]:
        """What identifies the connection."""
        return (self.host, self.port, self.tls, self.username, self.password, self.version)


def read_target(uri: str, info: Mapping[str, str]) -> MqttTarget:
    """Read an MQTT endpoint's URI and its `notifierInfo`. Raise Invalid naming the member."""
    parts = urlsplit(uri)
    field = "notification.endpoint.uri"
    try:
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    except ValueError:
        raise Invalid(f"{uri!r} has an invalid port", field=field) from None
    topic = unquote(parts.path.removeprefix("/"))
    if (
        not parts.hostname
        or not topic
        or any(sign in uri for sign in "?#")
        or any(sign in topic for sign in "+#\0")
    ):
        raise Invalid(
            f"{uri!r} must be of the form mqtt[s]://[user[:password]@]host[:port]/topic", field=field
        )
    return MqttTarget(
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        version=_choose("MQTT-Version", info, VERSIONS, "mqtt5.0"),
        topic=topic,
        quality=QUALITIES[_choose("MQTT-QoS", info, QUALITIES, "0")],
    )


class MqttTransport:
    """The connections to all MQTT brokers that receive notifications."""

    def __init__(self, settings: NotificationSettings, *, allow_private: bool) -> None:
        self._settings = settings
        self._allow_private = allow_private
        self._connections: dict[tuple[object, ...], _Connection] = {}

    def sender_for(self, subscription: Subscription, link: str) -> Send:
        """Return the function that publishes to a topic of an MQTT broker."""
        endpoint = subscription.notification.endpoint
        target = read_target(endpoint.uri, {pair.key: pair.value for pair in endpoint.notifier_info})
        head = b'{"metadata":' + orjson.dumps(headers_of(subscription, link)) + b',"body":'
        timeout_s = timeout_s_of(subscription, self._settings)

        async def publish(body: bytes) -> None:
            connection = self._connections.get(target.broker)
            if connection is None:
                connection = self._connections[target.broker] = _Connection(target, self._allow_private)
            try:
                async with asyncio.timeout(timeout_s):
                    await connection.publish(target, head + body + b"}", timeout_s)
            except TimeoutError:
                await connection.close()
                raise NotDelivered("no answer in time") from None
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                await connection.close()
                raise NotDelivered(f"{type(error).__name__}: {error}") from None

        return lambda body, on_result: TaskAttempt(publish(body), on_result)

    def flush(self) -> None:
        """Do nothing: each notification is written by itself."""

    async def close(self) -> None:
        """Disconnect from every broker."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()


class _Connection:
    """One connection, opened by the first notification and again after it broke."""

    def __init__(self, target: MqttTarget, allow_private: bool) -> None:
        self._target = target
        self._allow_private = allow_private
        self._client: aiomqtt.Client | None = None
        self._opening = asyncio.Lock()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    async def publish(self, target: MqttTarget, payload: bytes, timeout_s: float) -> None:
        async with self._opening:
            if self._client is None:
                self._client = await self._open(timeout_s)
        client = self._client
        if client is None:
            raise ConnectionResetError("the connection was closed meanwhile")
        await client.publish(target.topic, payload, qos=target.quality)
        self._restart_idle_timer()

    async def close(self) -> None:
        client, self._client = self._client, None
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except (aiomqtt.MqttError, OSError):
                return  # it is closed already

    async def _open(self, timeout_s: float) -> aiomqtt.Client:
        target = self._target
        client = aiomqtt.Client(
            await self._address(),
            target.port,
            username=target.username or None,
            password=target.password or None,
            protocol=VERSIONS[target.version],
            tls_context=ssl.create_default_context() if target.tls else None,
            timeout=timeout_s,
        )
        connecting = asyncio.create_task(client.__aenter__())
        try:
            await asyncio.shield(connecting)
        except BaseException:
            connecting.add_done_callback(lambda task: _discard(client, task))
            raise
        self._watching = asyncio.create_task(self._watch(client), name=f"mqtt {target.host}")
        return client

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Notice at once when the broker disconnects, so that the next notification opens a new connection."""
        try:
            async for _ in client.messages:
                continue  # nothing is subscribed
        except aiomqtt.MqttError:
            if self._client is client:
                self._client = None

    async def _address(self) -> str:
        """Return the host to connect to; where private addresses are forbidden, the address that was checked."""
        host = self._target.host
        if self._allow_private:
            return host
        found = await addresses_of(host, self._target.port, allow_private=False)
        return host if self._target.tls else str(found[0][4][0])  # TLS verifies the name itself

    def _restart_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        loop = asyncio.get_running_loop()
        self._idle_timer = loop.call_later(IDLE_S, lambda: loop.create_task(self.close()))


def _discard(client: aiomqtt.Client, connecting: asyncio.Task[aiomqtt.Client]) -> None:
    """Close the socket of a client that did not connect, which aiomqtt leaves open."""
    if not connecting.cancelled():
        connecting.exception()
    client._client._reset_sockets()


def _choose(key: str, info: Mapping[str, str], known: Collection[str], default: str) -> str:
    value = info.get(key, default)
    if value not in known:
        raise Invalid(
            f"{key} must be one of {', '.join(known)}, not {value!r}",
            field="notification.endpoint.notifierInfo",
        )
    return value
