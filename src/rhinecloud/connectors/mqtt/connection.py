"""One MQTT connection on the event loop: paho-mqtt implements the protocol, the loop watches its socket.

paho's own loops (a thread, or a blocking call) have no back-pressure; here the socket is not read while the feed's
queue is full, and a message is acknowledged when its parcel is settled.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.kernel.time import Clock
from rhinecloud.pack.codec import Parcel

READS_AT_ONCE = 100
IN_FLIGHT = 500
SESSION_S = 7 * 24 * 3600
"""How long an MQTT 5 server keeps the session while disconnected; with 3.1.1 the server decides."""


@dataclass(frozen=True, slots=True)
class MqttServer:
    """The server and the credentials; `version` is 3.1.1 or 5."""

    host: str
    port: int
    client_id: str
    version: str = "3.1.1"
    username: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None
    connect_timeout_s: float = 10.0
    keep_alive_s: int = 30


class MqttConnection:
    """Connects with a durable session, subscribes with QoS 1, and passes messages on until the connection is lost."""

    def __init__(self, server: MqttServer, inlet: Inlet, clock: Clock) -> None:
        self._server = server
        self._inlet = inlet
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._greeted: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: asyncio.Future[Sequence[ReasonCode]] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._arrived = 0
        self._reader: int | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._client = self._make_client()

    async def open(self, topics: Sequence[str]) -> None:
        """Connect and subscribe; raise LinkBroken."""
        try:
            async with asyncio.timeout(self._server.connect_timeout_s):
                await self._connect()
                await self._or_lost(self._greeted)
                self._client.subscribe([(topic, 1) for topic in topics])
                codes = await self._or_lost(self._subscribed)
        except TimeoutError:
            raise LinkBroken(
                f"the server did not answer within {self._server.connect_timeout_s:g} s"
            ) from None
        refused = [topic for topic, code in zip(topics, codes, strict=False) if code.is_failure]
        if refused:
            raise LinkBroken(f"the server rejects the subscription to {', '.join(refused)}")
        self._inlet.connected()

    async def watch(self) -> None:
        """Keep the connection alive until it is lost, then raise LinkBroken."""
        while not self._lost.done():
            self._check(self._client.loop_misc())
            await asyncio.wait([self._lost], timeout=1.0)
        raise LinkBroken(self._lost.result())

    def close(self) -> None:
        """Disconnect, so that the server keeps the session and does not publish a last will."""
        self._lose("closed")
        if self._resuming is not None:
            self._resuming.cancel()
        self._client.disconnect()
        self._client.loop_write()
        self._forget_socket()
        self._client.on_socket_close = None
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def _make_client(self) -> paho.Client:
        server = self._server
        five = server.version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=server.client_id,
            clean_session=None if five else False,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = server.connect_timeout_s
        if server.username:
            client.username_pw_set(server.username, server.password)
        if server.tls is not None:
            client.tls_set_context(server.tls)
        client.on_connect = self._on_connect
        client.on_connect_fail = None
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_written
        return client

    async def _connect(self) -> None:
        """Connect in a thread, because paho blocks; a daemon thread, which does not delay the end of the process."""
        done: asyncio.Future[None] = self._loop.create_future()

        def connect() -> None:
            error: Exception | None = None
            try:
                self._client.connect(
                    self._server.host,
                    self._server.port,
                    self._server.keep_alive_s,
                    clean_start=False if self._server.version == "5" else paho.MQTT_CLEAN_START_FIRST_ONLY,
                    properties=_connect_properties() if self._server.version == "5" else None,
                )
            except (OSError, ValueError) as problem:
                error = problem
            late = self._client.socket() if self._lost.done() else None
            if late is not None:  # closed while it connected
                late.close()
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_finish, done, error)

        threading.Thread(target=connect, name=f"mqtt connect {self._server.host}", daemon=True).start()
        await done

    async def _or_lost(self, expected: asyncio.Future[Any]) -> Any:
        await asyncio.wait([expected, self._lost], return_when=asyncio.FIRST_COMPLETED)
        if expected.done():
            return expected.result()
        raise LinkBroken(self._lost.result())

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lose(f"the connection broke: {paho.error_string(code)}")

    # Callbacks of paho, on the event loop unless noted otherwise.

    def _on_connect(self, client: Any, userdata: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        del client, userdata, flags, properties
        if code.is_failure:
            self._lose(f"the server rejects the connection: {code}")
        elif not self._greeted.done():
            self._greeted.set_result(None)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, code: ReasonCode, properties: Any
    ) -> None:
        del client, userdata, flags, properties
        self._loop.call_soon_threadsafe(self._lose, f"the connection broke: {code}")

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, codes: Any, properties: Any) -> None:
        del client, userdata, mid, properties
        if not self._subscribed.done():
            self._subscribed.set_result(codes)

    def _on_message(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        del client, userdata
        self._arrived += 1
        settle = partial(self._acknowledge, message.mid, message.qos) if message.qos else None
        if not message.payload:  # an empty payload deletes a retained message
            self._inlet.touch()
            if settle is not None:
                settle()
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._inlet.push(
            Parcel(
                bytes(message.payload),
                self._clock(),
                origin=topic,
                settle=settle,
                retained=bool(message.retain),
            )
        )

    def _acknowledge(self, mid: int, qos: int) -> None:
        """Acknowledge on this connection only, because the message ids are new on the next one."""
        if not self._lost.done():
            self._client.ack(mid, qos)

    def _on_socket_open(
        self, client: Any, userdata: Any, connection: Any
    ) -> None:  # in the connecting thread
        del client, userdata
        self._loop.call_soon_threadsafe(self._watch_socket, connection.fileno())

    def _on_socket_close(self, client: Any, userdata: Any, connection: Any) -> None:
        del client, userdata
        if connection.fileno() >= 0:
            self._loop.remove_writer(connection.fileno())
        self._forget_socket()

    def _on_want_write(
        self, client: Any, userdata: Any, connection: Any
    ) -> None:  # also in the connecting thread
        del client, userdata
        self._loop.call_soon_threadsafe(self._watch_writable, connection.fileno())

    def _on_written(self, client: Any, userdata: Any, connection: Any) -> None:
        del client, userdata
        if connection.fileno() >= 0:
            self._loop.remove_writer(connection.fileno())

    # Callbacks of the event loop.

    def _watch_socket(self, number: int) -> None:
        if self._lost.done():
            return
        self._reader = number
        self._loop.add_reader(number, self._readable)

    def _watch_writable(self, number: int) -> None:
        if not self._lost.done() and self._client.socket() is not None:
            self._loop.add_writer(number, self._writable)

    def _forget_socket(self) -> None:
        if self._reader is not None:
            self._loop.remove_reader(self._reader)
            self._loop.remove_writer(self._reader)
            self._reader = None

    def _writable(self) -> None:
        self._check(self._client.loop_write())

    def _readable(self) -> None:
        """Read while there is data and space in the queue, for a limited number of packets."""
        for _ in range(READS_AT_ONCE):
            if self._inlet.full:
                self._pause()
                return
            before = self._arrived
            self._check(self._client.loop_read())
            connection = self._client.socket()
            undelivered = connection is not None and getattr(connection, "pending", int)() > 0
            if self._lost.done() or (self._arrived == before and not undelivered):
                return

    def _pause(self) -> None:
        if self._reader is not None and self._resuming is None:
            self._loop.remove_reader(self._reader)
            self._resuming = self._loop.create_task(self._resume())

    async def _resume(self) -> None:
        await self._inlet.wait_for_space()
        self._resuming = None
        if self._reader is not None and not self._lost.done():
            self._loop.add_reader(self._reader, self._readable)
            self._readable()


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_S
    properties.ReceiveMaximum = IN_FLIGHT
    return properties


def _finish(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(LinkBroken(f"no connection: {error}"))
