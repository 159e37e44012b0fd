"""A stream that runs for a test: a real nats-server with a port and a folder of its own, and a connection to it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.time import utc_now
from rhinecloud.policy import Authorization, CoreAction
from rhinecloud.stream.callout import Authenticate, Callout, JwtIssuer
from rhinecloud.stream.configuration import ServerSecrets
from rhinecloud.stream.devices import DeviceStores
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.port import Frame
from rhinecloud.stream.server import NatsServer
from rhinecloud.stream.settings import StreamSettings

USER = ("house", "secret")


@dataclass
class Running:
    """A server and a connected stream."""

    settings: StreamSettings
    server: NatsServer
    stream: JetStream
    issuer: JwtIssuer
    devices: DeviceStores
    house: Client
    """A connection of the city to the account of the devices."""

    def connect(self, **options: Any) -> JetStream:
        """Make another connection, not yet open."""
        return JetStream(self.server.url, credentials=USER, **options)


@asynccontextmanager
async def running(
    folder: Path, authenticate: Authenticate | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """Run a server in `folder`, without MQTT unless `mqtt_port` is given, and connect."""
    chosen = StreamSettings(**{"mqtt_port": 0, **settings})
    issuer = JwtIssuer()
    server = NatsServer(chosen, folder, ServerSecrets(*USER, issuer.public))
    await server.start()
    stream = JetStream(server.url, credentials=USER)
    house = await nats.connect(server.url, user=server.secrets.devices, password=USER[1])
    try:
        await stream.open()
        devices = DeviceStores(house, chosen)
        await devices.open()
        policy, find = Authorization(), authenticate or refuse

        async def permitted(user: str, password: str) -> Actor | None:
            actor = await find(user, password)
            if actor is not None:
                policy.check(actor, CoreAction.PUBLISH)
            return actor

        def monitors(actor: Actor) -> bool:
            return policy.allows(actor, CoreAction.MONITOR_DEVICES)

        await Callout(issuer, permitted, monitors, chosen, utc_now).listen(stream.client)
        yield Running(chosen, server, stream, issuer, devices, house)
    finally:
        await house.close()
        await stream.close()
        await server.stop()


async def refuse(_user: str, _password: str) -> Actor | None:
    """Let nobody in."""
    return None


def frame(first: int, last: int = 0) -> Frame:
    """Make a frame of made-up changes."""
    last = last or first
    return Frame(first, last, b"[" + b",".join(b'{"seq":%d}' % seq for seq in range(first, last + 1)) + b"]")


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
