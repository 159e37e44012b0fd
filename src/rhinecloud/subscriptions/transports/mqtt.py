"""Notifications over MQTT 3.1.1 and 5: one connection for all subscriptions of one MQTT broker, opened when needed.

Source: ETSI GS CIM 009 v1.9.1, clause 7.2.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aiomqtt
import orjson

from rhinecloud.kernel.errors import Invalid
from rhinecloud.outgoing import addresses_of
from rhinecloud.subscriptions.model.subscription import Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import headers_of
from rhinecloud.subscriptions.transports.port import Hear, NotDelivered, Send

log = logging.getLogger(__name__)

SCHEMES = ("mqtt", "mqtts")
VERSIONS = {"mqtt3.1.1": aiomqtt.ProtocolVersion.V311, "mqtt5.0": aiomqtt.ProtocolVersion.V5}
QUALITIES = {"0": 0, "1": 1, "2": 2}
IDLE_S = 60.0
"""A connection that nobody uses for so long is closed."""


@dataclass(frozen=True, slots=True)
class MqttTarget:
    """Where an MQTT notification goes; equal brokers share a connection."""

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
        """What makes two targets share a connection."""
        return (self.host, self.port, self.tls, self.username, self.password, self.version)


def read_target(uri: str, info: Mapping[str, str]) -> MqttTarget:
    """Read an MQTT endpoint's URI and its `notifierInfo`; raises Invalid naming the member."""
    parts = urlsplit(uri)
    field = "notification.endpoint.uri"
    try:
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    except ValueError:
        raise Invalid(f"{uri!r} has an impossible port", field=field) from None
    topic = unquote(parts.path.removeprefix("/"))
    if (
        not parts.hostname
        or not topic
        or any(sign in uri for sign in "?#")
        or any(sign in topic for sign in "+#\0")
    ):
        raise Invalid(
            f"{uri!r} is not of the form mqtt[s]://[user[:password]@]host[:port]/topic", field=field
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

    def way_to(self, subscription: Subscription, link: str) -> Send:
        """Make the way to a topic of an MQTT broker."""
        endpoint = subscription.notification.endpoint
        target = read_target(endpoint.uri, {pair.key: pair.value for pair in endpoint.notifier_info})
        head = b'{"metadata":' + orjson.dumps(headers_of(subscription, link)) + b',"body":'
        timeout_s = endpoint.timeout_ms / 1000 or self._settings.timeout_s

        async def publish(body: bytes) -> None:
            connection = self._connections.get(target.broker)
            if connection is None:
                connection = self._connections[target.broker] = _Connection(target, self._allow_private)
            try:
                async with asyncio.timeout(min(timeout_s, self._settings.max_timeout_s)):
                    await connection.publish(target, head + body + b"}")
            except TimeoutError:
                await connection.close()
                raise NotDelivered("no answer in time") from None
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                await connection.close()
                raise NotDelivered(f"{type(error).__name__}: {error}") from None

        name = f"publish {target.host}"
        return lambda body, hear: _Publishing(asyncio.create_task(publish(body), name=name), hear)

    def flush(self) -> None:
        """Do nothing: each notification leaves by itself."""

    async def close(self) -> None:
        """Take leave of every broker."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()


class _Publishing:
    """A notification on its way; an error that is ours counts as a refusal, so that it is given up in the end."""

    def __init__(self, task: asyncio.Task[None], hear: Hear) -> None:
        self._task = task
        self._hear: Hear | None = hear
        task.add_done_callback(self._end)

    def cancel(self) -> None:
        self._hear = None
        self._task.cancel()

    def _end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._hear is None:
            return
        if error is None or isinstance(error, NotDelivered):
            self._hear(error)
        else:
            log.error("a notification cannot be published", exc_info=error)
            self._hear(NotDelivered(f"{type(error).__name__}: {error}", refused=True))


class _Connection:
    """One connection, opened by the first who publishes and again after it broke."""

    def __init__(self, target: MqttTarget, allow_private: bool) -> None:
        self._target = target
        self._allow_private = allow_private
        self._client: aiomqtt.Client | None = None
        self._opening = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    async def publish(self, target: MqttTarget, payload: bytes) -> None:
        async with self._opening:
            if self._client is None:
                self._client = await self._open()
        client = self._client
        if client is None:
            raise ConnectionResetError("the connection was closed meanwhile")
        await client.publish(target.topic, payload, qos=target.quality)
        self._rest()

    async def close(self) -> None:
        client, self._client = self._client, None
        if self._idle is not None:
            self._idle.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except (aiomqtt.MqttError, OSError):
                return  # it is gone already

    async def _open(self) -> aiomqtt.Client:
        target = self._target
        client = aiomqtt.Client(
            await self._address(),
            target.port,
            username=target.username or None,
            password=target.password or None,
            protocol=VERSIONS[target.version],
            tls_context=ssl.create_default_context() if target.tls else None,
        )
        await client.__aenter__()
        self._watching = asyncio.create_task(self._watch(client), name=f"mqtt {target.host}")
        return client

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Learn at once that the broker has gone, so that the next notification finds a fresh connection."""
        try:
            async for _ in client.messages:
                continue  # nobody subscribes here
        except aiomqtt.MqttError:
            if self._client is client:
                self._client = None

    async def _address(self) -> str:
        """Give the host to connect to: where private ones are forbidden, the address that was judged."""
        host = self._target.host
        if self._allow_private:
            return host
        found = await addresses_of(host, self._target.port, allow_private=False)
        return host if self._target.tls else str(found[0][4][0])  # TLS proves a name itself

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S, lambda: loop.create_task(self.close()))


def _choose(key: str, info: Mapping[str, str], known: Collection[str], default: str) -> str:
    value = info.get(key, default)
    if value not in known:
        raise Invalid(
            f"{key} is {value!r}; known: {', '.join(known)}", field="notification.endpoint.notifierInfo"
        )
    return value
