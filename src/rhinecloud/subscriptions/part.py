"""What subscriptions contribute: `/ngsi-ld/v1/subscriptions`, and notifications to receivers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from pydantic import BaseModel

from rhinecloud.audit import AuditTrail
from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.http.route import RouteTable
from rhinecloud.broker.pseudonym import Pseudonym
from rhinecloud.broker.service import Broker
from rhinecloud.identity import Identity
from rhinecloud.identity.presence import Presence
from rhinecloud.kernel.ids import new_urn
from rhinecloud.part import ConsumerState, Mode, OpenPart, Part, PartContext
from rhinecloud.part.metrics import PREFIX
from rhinecloud.policy import Authorization
from rhinecloud.store.port import Store
from rhinecloud.stream.connection import StreamConnection
from rhinecloud.subscriptions.delivery.deliveries import Deliveries
from rhinecloud.subscriptions.notifier import Notifier
from rhinecloud.subscriptions.rights import SubscriptionRights
from rhinecloud.subscriptions.routes import subscription_routes
from rhinecloud.subscriptions.service import Subscriptions
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import HttpTransport
from rhinecloud.subscriptions.transports.mqtt import MqttTransport
from rhinecloud.subscriptions.transports.port import Transport

UNREADABLE = "records in the store could not be read at the start: the log names them"
NO_OWNER = (
    "subscriptions are paused because their owner is gone or may not subscribe, see their statusReason: {}"
)


class SubscriptionStatus(BaseModel):
    """How many subscriptions there are."""

    subscriptions: int


def _make(context: PartContext) -> tuple[Notifier, Subscriptions]:
    services, clock = context.services, context.clock
    settings = context.settings.section("notifications", NotificationSettings)
    private = settings.may_reach_private(context.addresses.host)
    http = HttpTransport(settings, allow_private=private, via=services.get(Pseudonym).via)
    mqtt = MqttTransport(settings, allow_private=private)
    store = services.get(Store)
    present = Presence(services.get(Identity), clock).of
    rights = SubscriptionRights(services.get(Authorization), present, services.get(AuditTrail))
    transports: dict[str, Transport] = {"http": http, "https": http, "mqtt": mqtt, "mqtts": mqtt}
    deliveries = Deliveries(store, clock, settings, transports)
    notifier = Notifier(store, services.get(StreamConnection).stream, rights, clock, deliveries)
    broker, contexts = services.get(Broker), services.get(Contexts)
    return notifier, Subscriptions(store, broker, contexts, notifier, clock, new_urn, allow_private=private)


@asynccontextmanager
async def open_subscriptions(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the service and its notifier, where the city runs; else the routes alone, which answer 501."""
    table = context.services.get(RouteTable)
    if context.mode is not Mode.RUNNING:
        table.extend(subscription_routes(None))
        yield OpenPart()
        return
    notifier, subscriptions = _make(context)
    table.extend(subscription_routes(subscriptions))
    await subscriptions.open()

    async def status() -> dict[str, int]:
        return {"subscriptions": subscriptions.count()}

    def consumers() -> Iterable[ConsumerState]:
        state = subscriptions.state()
        advice = NO_OWNER.format(state.ownerless) if state.ownerless else ""
        if state.unreadable:
            advice = UNREADABLE
        yield ConsumerState("notifier", state.lag, state.unreadable, advice, working=True)

    async def metrics() -> list[Metric]:
        sent = CounterMetricFamily(
            f"{PREFIX}notifications",
            "Notifications by outcome; `retried` are attempts after one that failed.",
            labels=["outcome"],
        )
        for outcome, count in notifier.outcomes().items():
            sent.add_metric([outcome], count)
        return [sent, GaugeMetricFamily(f"{PREFIX}subscriptions", "Subscriptions.", subscriptions.count())]

    try:
        yield OpenPart(
            workers={"notifier": subscriptions.run}, status=status, consumers=consumers, metrics=metrics
        )
    finally:
        await subscriptions.close()


PART = Part(
    name="subscriptions",
    summary="Notifies receivers of the changes that they subscribed to, over HTTP and MQTT.",
    open=open_subscriptions,
    settings={"notifications": NotificationSettings},
    records={
        "subscription": "A subscription.",
        "pending-notification": "Notifications that wait for a receiver that is away.",
        "subscription-counters": "What became of a subscription's notifications.",
    },
    status=SubscriptionStatus,
    modes=frozenset({Mode.RUNNING, Mode.OFFLINE}),
)
