"""A broker with its stream and its notifier, all real, put together for tests; access is open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nkeys

from broker.assembly import ADMIN, BrokerApi
from broker.receiving import Receiver
from policies import shipped
from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.http import BrokerApplication
from rhinecloud.broker.http.rendering import Renderer
from rhinecloud.broker.http.route import HandlerContext
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.service import Broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.ids import new_urn
from rhinecloud.kernel.time import Clock, utc_now
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.stream.configuration import ServerSecrets
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.server import NatsServer
from rhinecloud.stream.settings import StreamSettings
from rhinecloud.subscriptions.delivery.deliveries import Deliveries
from rhinecloud.subscriptions.notifier import Notifier
from rhinecloud.subscriptions.rights import Present, SubscriptionRights
from rhinecloud.subscriptions.routes import subscription_routes
from rhinecloud.subscriptions.service import Subscriptions
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import HttpTransport
from rhinecloud.subscriptions.transports.mqtt import MqttTransport

QUICK = NotificationSettings(timeout_s=0.5, first_retry_s=0.05, max_retry_s=0.4, hold_s=0.3)
"""Settings under which a test need not wait long."""


@asynccontextmanager
async def open_stream(folder: Path) -> AsyncIterator[JetStream]:
    """Run a nats-server in `folder` and connect to it."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_ACCOUNT)
    secrets = ServerSecrets("house", "secret", nkeys.from_seed(seed).public_key.decode())
    server = NatsServer(StreamSettings(mqtt_port=0), folder, secrets)
    await server.start()
    stream = JetStream(server.url, credentials=("house", "secret"))
    try:
        await stream.open()
        yield stream
    finally:
        await stream.close()
        await server.stop()


@dataclass
class NotifyingBroker(BrokerApi):
    """A broker at work that notifies."""

    subscriptions: Subscriptions
    notifier: Notifier

    async def subscribe(
        self, receiver: Receiver, path: str = "/", *, actor: Actor = ADMIN, **members: Any
    ) -> str:
        """Subscribe simplified vessels to a path of a receiver; returns the subscription's id."""
        data = {
            "type": "Subscription",
            "entities": [{"type": "Vessel"}],
            "notification": {"format": "simplified", "endpoint": {"uri": receiver.url + path}},
            **members,
        }
        answer = await self.call("POST", "/subscriptions", data, actor=actor)
        assert answer.status == 201, answer.body
        return answer.headers["location"].rpartition("/")[2]

    async def put(self, name: str, **attributes: Any) -> None:
        """Create a vessel or overwrite its attributes."""
        entity = {"id": f"urn:v:{name}", "type": "Vessel", **attributes}
        answer = await self.call("POST", "/entityOperations/upsert", [entity], query="options=update")
        assert answer.status in (201, 204), answer.body

    async def shown(self, name: str) -> dict[str, Any]:
        """Give a subscription's notification member as the API shows it."""
        found: dict[str, Any] = (await self.call("GET", f"/subscriptions/{name}")).json()
        return {**found["notification"], "active": found["status"]}


@asynccontextmanager
async def open_notifying_broker(
    folder: Path,
    stream: JetStream,
    *,
    settings: NotificationSettings = QUICK,
    clock: Clock = utc_now,
    actors: tuple[Actor, ...] = (),
    allow_private: bool = True,
    present: Present = lambda actor: actor,
    kept: StoreSettings | None = None,
) -> AsyncIterator[NotifyingBroker]:
    """Open a broker with a notifier in `folder`, or `kept` elsewhere, on a running stream."""
    by_id = {actor.id.encode(): actor for actor in actors}
    broker_settings = BrokerSettings(base_url="http://127.0.0.1", allow_private_contexts=True)
    store = make_store(kept or StoreSettings(), folder)
    await store.open()
    policy = shipped()
    broker = Broker(store, policy, clock)
    contexts = Contexts(store, broker_settings, clock)
    await contexts.open()
    http = HttpTransport(settings, allow_private=allow_private)
    mqtt = MqttTransport(settings, allow_private=allow_private)
    transports = {"http": http, "https": http, "mqtt": mqtt, "mqtts": mqtt}
    deliveries = Deliveries(store, clock, settings, transports)
    notifier = Notifier(store, stream, SubscriptionRights(policy, present), clock, deliveries)
    subscriptions = Subscriptions(
        store, broker, contexts, notifier, clock, new_urn, allow_private=allow_private
    )
    await subscriptions.open()
    parts = HandlerContext(broker, contexts, Renderer(100), broker_settings, clock, clock())
    application = BrokerApplication(
        parts,
        routes_with(subscription_routes(subscriptions)),
        lambda headers: by_id.get(headers.get(b"authorization", b""), ADMIN),
    )
    tasks = [_start(subscriptions.run()), _start(Relay(store, stream, RelaySettings()).run())]
    try:
        yield NotifyingBroker(store, broker, contexts, application, parts, subscriptions, notifier)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await subscriptions.close()
        await contexts.close()
        await store.close()


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)
