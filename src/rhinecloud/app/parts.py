"""The parts that only a running city has, made of the foundation and of each other: stream, consumers, rules, feeds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.settings import ServerSettings
from rhinecloud.app.stream_connection import StreamConnection, open_upstream
from rhinecloud.changes.recorder import Recorder
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.changes.shared import SharedFollower
from rhinecloud.connectors.feeds import Feeds, IngestContext
from rhinecloud.connectors.plan import CitySources, plan_feeds
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.identity.presence import Presence
from rhinecloud.incidents.cascade import DeletionCascade
from rhinecloud.incidents.consumer import IncidentConsumer
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.timelines import Timelines
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.ids import new_urn
from rhinecloud.live import LiveFeed, LiveSettings
from rhinecloud.risk.alerts import Alerts
from rhinecloud.risk.consumer import Risk
from rhinecloud.risk.content import RULES
from rhinecloud.risk.rulebook import Rulebook, read_rulebook
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.stream.settings import StreamSettings
from rhinecloud.subscriptions.notifier import Notifier
from rhinecloud.subscriptions.rights import SubscriptionRights
from rhinecloud.subscriptions.service import Subscriptions
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import HttpTransport
from rhinecloud.subscriptions.transports.mqtt import MqttTransport


@dataclass(frozen=True, slots=True)
class CityParts:
    """Everything that runs beside the foundation."""

    upstream: StreamConnection
    relay: Relay
    recorder: Recorder
    notifier: Notifier
    subscriptions: Subscriptions
    live: LiveFeed
    risk: Risk
    alerts: Alerts
    incidents: Incidents
    escalation: Escalation
    incident_consumer: IncidentConsumer
    incident_follower: SharedFollower
    timelines: Timelines
    feeds: Feeds


async def make_parts(
    foundation: Foundation, gate: Authentication, feeds: Mapping[str, FeedSettings], closing: AsyncExitStack
) -> CityParts:
    """Open the stream and make the rest; `closing` learns what is to be closed, in the right order."""
    upstream = await open_upstream(foundation, closing)
    notifier, subscriptions = _make_subscriptions(foundation, upstream)
    live = LiveFeed(
        upstream.stream,
        foundation.policy,
        gate.of_websocket,
        foundation.context,
        foundation.settings.section("live", LiveSettings),
        tenant=foundation.tenant,
    )
    await subscriptions.open()
    closing.push_async_callback(subscriptions.close)
    await live.open()
    foundation.identity.tell_ends(live.notice)
    incidents = Incidents(foundation.broker, foundation.context, foundation.clock, new_urn, foundation.tenant)
    escalation = Escalation(
        incidents,
        foundation.broker,
        foundation.context,
        foundation.clock,
        foundation.settings.section("incidents", IncidentSettings),
        foundation.tenant,
    )
    cascade = DeletionCascade(foundation.broker, incidents.related, foundation.tenant)
    consumer = IncidentConsumer(escalation, cascade, foundation.tenant)
    return CityParts(
        upstream=upstream,
        relay=Relay(foundation.store, upstream.stream, foundation.settings.section("relay", RelaySettings)),
        recorder=Recorder(foundation.history, upstream.stream),
        notifier=notifier,
        subscriptions=subscriptions,
        live=live,
        risk=_make_risk(foundation, upstream),
        alerts=Alerts(foundation.broker, foundation.context, foundation.tenant),
        incidents=incidents,
        escalation=escalation,
        incident_consumer=consumer,
        incident_follower=SharedFollower("incidents", upstream.stream, select=consumer.selection),
        timelines=Timelines(
            incidents,
            foundation.history,
            foundation.broker,
            foundation.context,
            foundation.tenant,
            foundation.identity.accounts.name_of,
        ),
        feeds=_make_feeds(foundation, upstream, feeds),
    )


def rulebook_of(foundation: Foundation) -> Rulebook:
    """Read the rules of packs and city; the city's come last and may word a pack's rule its own way."""
    own = [
        foundation.settings.folder / path for path in foundation.settings.section("risk", RiskSettings).rules
    ]
    of_packs = [rule for rules in foundation.content.values(RULES) for rule in rules]
    return read_rulebook([path for path in own if path.exists()], foundation.context, of_packs)


def _make_subscriptions(foundation: Foundation, upstream: StreamConnection) -> tuple[Notifier, Subscriptions]:
    settings = foundation.settings.section("notifications", NotificationSettings)
    private = settings.may_reach_private(foundation.settings.section("server", ServerSettings).host)
    http = HttpTransport(settings, allow_private=private)
    mqtt = MqttTransport(settings, allow_private=private)
    notifier = Notifier(
        foundation.store,
        upstream.stream,
        SubscriptionRights(foundation.policy, Presence(foundation.identity, foundation.clock).of),
        foundation.clock,
        settings,
        {"http": http, "https": http, "mqtt": mqtt, "mqtts": mqtt},
    )
    subscriptions = Subscriptions(
        foundation.store,
        foundation.broker,
        foundation.contexts,
        notifier,
        foundation.clock,
        new_urn,
        allow_private=private,
    )
    return notifier, subscriptions


def _make_risk(foundation: Foundation, upstream: StreamConnection) -> Risk:
    return Risk(
        rulebook_of(foundation),
        foundation.broker,
        foundation.store,
        upstream.stream,
        foundation.clock,
        foundation.settings.section("risk", RiskSettings),
        foundation.tenant,
    )


def _make_feeds(
    foundation: Foundation, upstream: StreamConnection, feeds: Mapping[str, FeedSettings]
) -> Feeds:
    limits = foundation.settings.section("connectors", ConnectorSettings)
    password = foundation.identity.tokens.lend(part("connectors")) if upstream.mqtt_url else ""
    sources = CitySources(
        foundation.settings.folder,
        foundation.packs.mappings(),
        upstream.mqtt_url,
        "connectors",
        password,
        foundation.settings.section("stream", StreamSettings).devices_topics,
        codecs=foundation.packs.codecs(),
        contexts=foundation.packs.contexts(),
    )
    plans = plan_feeds(feeds, limits, sources)
    return Feeds(
        plans,
        limits,
        IngestContext(foundation.broker, foundation.context, foundation.store, foundation.clock),
    )
