"""The stream of a running city: a nats-server of our own, or one that others run."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass

import nkeys

from rhinecloud.app.core import Core
from rhinecloud.kernel.errors import Invalid
from rhinecloud.stream.configuration import Secrets
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.server import NatsServer
from rhinecloud.stream.settings import MEGABYTE, StreamSettings

EMBEDDED = "embedded"
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """The stream, its server where it is our own, and where devices of this machine reach MQTT ('' for nowhere)."""

    stream: JetStream
    server: NatsServer | None
    mqtt_url: str


async def open_upstream(core: Core, closing: AsyncExitStack) -> Upstream:
    """Start the server where it is our own and connect; raises Unavailable or Invalid."""
    settings = core.settings.section("stream", StreamSettings)
    server, url, user = None, settings.url, None
    if settings.url == EMBEDDED:
        keys = nkeys.from_seed(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_ACCOUNT))
        user = ("rhinecloud", secrets.token_urlsafe(32))
        server = NatsServer(
            settings, core.settings.data / "stream", Secrets(user[0], user[1], keys.public_key.decode())
        )
        await server.start()
        closing.push_async_callback(server.stop)
        url = server.url
    elif not settings.url.startswith(("nats://", "tls://")):
        raise Invalid("must be `embedded` or begin with nats:// or tls://", field="stream.url")
    stream = JetStream(
        url,
        credentials=user,
        keep_s=settings.keep_days * DAY_S,
        keep_bytes=settings.keep_megabytes * MEGABYTE,
        replicas=settings.replicas,
    )
    await stream.open()
    closing.push_async_callback(stream.close)
    mqtt_url = f"mqtt://127.0.0.1:{settings.mqtt_port}" if server and settings.mqtt_port else ""
    return Upstream(stream, server, mqtt_url)
