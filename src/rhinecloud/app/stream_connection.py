"""The stream of a running city: the embedded nats-server, or one that runs elsewhere."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack

import nats
from nats.aio.client import Client

from rhinecloud.app.foundation import Foundation
from rhinecloud.kernel.actor import Actor
from rhinecloud.policy import CoreAction
from rhinecloud.stream.callout import Callout, JwtIssuer
from rhinecloud.stream.configuration import ServerSecrets
from rhinecloud.stream.connection import StreamConnection
from rhinecloud.stream.devices import DeviceStores
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.revocation import DeviceRevocation
from rhinecloud.stream.server import NatsServer
from rhinecloud.stream.settings import EMBEDDED, MEGABYTE, StreamSettings

DAY_S = 86_400.0


async def open_stream(foundation: Foundation, closing: AsyncExitStack) -> StreamConnection:
    """Start the embedded server where the settings say so, and connect; raise Unavailable."""
    settings = foundation.settings.section("stream", StreamSettings)
    server, url, user, devices = None, settings.url, None, None
    if settings.url == EMBEDDED:
        issuer, user = JwtIssuer(), ("rhinecloud", secrets.token_urlsafe(32))
        server = NatsServer(
            settings, foundation.settings.data / "stream", ServerSecrets(*user, issuer.public)
        )
        await server.start()
        closing.push_async_callback(server.stop)
        url = server.url
        if settings.mqtt_port:
            devices = await _open_device_stores(settings, server, user[1], closing)
        await _open_callout(foundation, settings, issuer, url, user, closing)
    stream = JetStream(
        url,
        credentials=user,
        credentials_file=str(settings.credentials or ""),
        keep_s=settings.keep_days * DAY_S,
        keep_bytes=settings.keep_megabytes * MEGABYTE,
        replicas=settings.replicas,
    )
    await stream.open()
    closing.push_async_callback(stream.close)
    mqtt_url = f"mqtt://127.0.0.1:{settings.mqtt_port}" if server and settings.mqtt_port else ""
    if foundation.telemetry is not None:
        stream = foundation.telemetry.around_stream(stream)
    return StreamConnection(stream, server, mqtt_url, devices)


async def _open_device_stores(
    settings: StreamSettings, server: NatsServer, password: str, closing: AsyncExitStack
) -> DeviceStores:
    """Set the limits of the stores of devices, before a device can sign in."""
    client = await _connect(server.url, (server.secrets.devices, password), "devices", closing)
    stores = DeviceStores(client, settings)
    await stores.open()
    watching = asyncio.create_task(stores.watch(), name="mqtt stores")
    closing.push_async_callback(_end, watching)
    return stores


async def _open_callout(
    foundation: Foundation,
    settings: StreamSettings,
    issuer: JwtIssuer,
    url: str,
    user: tuple[str, str],
    closing: AsyncExitStack,
) -> None:
    """Authenticate devices that sign in, and disconnect those whose permission ends."""

    async def authenticate(name: str, secret: str) -> Actor:
        actor = await foundation.identity.authenticate_device(name, secret)
        foundation.policy.check(actor, CoreAction.PUBLISH, foundation.tenant)
        return actor

    def monitors(actor: Actor) -> bool:
        return foundation.policy.allows(actor, CoreAction.MONITOR_DEVICES, foundation.tenant)

    callout = Callout(issuer, authenticate, monitors, settings, foundation.clock)
    await callout.listen(await _connect(url, user, "callout", closing))
    watcher = (ServerSecrets(*user, issuer.public).watch, user[1])
    client = await _connect(url, watcher, "revocation", closing)
    revocation = DeviceRevocation(client, foundation.identity.active_actor_ids)
    foundation.identity.on_rights_ended(revocation.notice)
    watching = asyncio.create_task(revocation.watch(), name="revocation")
    closing.push_async_callback(_end, watching)


async def _connect(url: str, user: tuple[str, str], name: str, closing: AsyncExitStack) -> Client:
    client = await nats.connect(
        url, user=user[0], password=user[1], name=name, max_reconnect_attempts=-1, reconnect_time_wait=0.2
    )
    closing.push_async_callback(client.close)
    return client


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
