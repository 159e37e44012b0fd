"""The stream of a running city: a nats-server of our own, or one that others run."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack

import nats
from nats.aio.client import Client

from rhinecloud.app.foundation import Foundation
from rhinecloud.kernel.actor import Actor
from rhinecloud.policy import Action
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
    """Start the server where it is our own and connect; raises Unavailable."""
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
            devices = await _look_after_devices(settings, server, user[1], closing)
        await _answer_devices(foundation, settings, issuer, url, user, closing)
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


async def _look_after_devices(
    settings: StreamSettings, server: NatsServer, password: str, closing: AsyncExitStack
) -> DeviceStores:
    """Give what the server keeps for devices its limits, before any of them can sign in."""
    client = await _connect(server.url, (server.secrets.devices, password), "devices", closing)
    stores = DeviceStores(client, settings)
    await stores.open()
    watching = asyncio.create_task(stores.watch(), name="mqtt stores")
    closing.push_async_callback(_end, watching)
    return stores


async def _answer_devices(
    foundation: Foundation,
    settings: StreamSettings,
    issuer: JwtIssuer,
    url: str,
    user: tuple[str, str],
    closing: AsyncExitStack,
) -> None:
    """Answer the server's questions about devices that sign in, and show out those that may stay no longer."""

    async def authenticate(name: str, secret: str) -> Actor:
        actor = await foundation.identity.authenticate_device(name, secret)
        foundation.policy.check(actor, Action.PUBLISH, foundation.tenant)
        return actor

    def monitors(actor: Actor) -> bool:
        return foundation.policy.allows(actor, Action.MONITOR_DEVICES, foundation.tenant)

    callout = Callout(issuer, authenticate, monitors, settings, foundation.clock)
    await callout.listen(await _connect(url, user, "callout", closing))
    watcher = (ServerSecrets(*user, issuer.public).watch, user[1])
    guard = DeviceRevocation(await _connect(url, watcher, "guard", closing), foundation.identity.standing)
    foundation.identity.tell_ends(guard.notice)
    watching = asyncio.create_task(guard.watch(), name="guard")
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
