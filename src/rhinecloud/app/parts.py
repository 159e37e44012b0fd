"""The parts that only a running city has, made of the foundation and of each other: stream, consumers, rules, feeds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rhinecloud.app.foundation import Foundation
from rhinecloud.app.gate import Gate
from rhinecloud.app.settings import ServerSettings
from rhinecloud.app.upstream import Upstream, open_upstream
from rhinecloud.broker.live import LiveFeed, LiveSettings
from rhinecloud.broker.recorder import Recorder
from rhinecloud.broker.relay import Relay, RelaySettings
from rhinecloud.broker.subscriptions.http_endpoint import HttpEndpoint
from rhinecloud.broker.subscriptions.mqtt_endpoint import MqttEndpoint
from rhinecloud.broker.subscriptions.notifier import Notifier
from rhinecloud.broker.subscriptions.rights import Rights
from rhinecloud.broker.subscriptions.service import Subscriptions
from rhinecloud.broker.subscriptions.settings import NotificationSettings
from rhinecloud.connectors.feeds import Feeds, World
from rhinecloud.connectors.plan import CitySources, plan_feeds
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.identity.presence import Presence
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.records import Records
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.ids import new_urn
from rhinecloud.risk.alerts import Alerts
from rhinecloud.risk.consumer import Risk
from rhinecloud.risk.rulebook import Rulebook, read_rulebook
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.stream.settings import StreamSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that runs beside the foundation."""

    upstream: Upstream
    relay: Relay
    recorder: Recorder
    notifier: Notifier
    subscriptions: Subscriptions
    live: LiveFeed
    risk: Risk
    alerts: Alerts
    incidents: Incidents
    escalation: Escalation
    records: Records
    feeds: Feeds


async def make_parts(
    foundation: Foundation, gate: Gate, feeds: Mapping[str, FeedSettings], closing: AsyncExitStack
) -> Parts:
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
    return Parts(
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
        records=Records(
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
    paths = [rule for pack in foundation.packs.loaded for rule in pack.rules]
    return read_rulebook([*paths, *(path for path in own if path.exists())], foundation.context)


def _make_subscriptions(foundation: Foundation, upstream: Upstream) -> tuple[Notifier, Subscriptions]:
    settings = foundation.settings.section("notifications", NotificationSettings)
    private = settings.may_reach_private(foundation.settings.section("server", ServerSettings).host)
    http = HttpEndpoint(settings, allow_private=private)
    mqtt = MqttEndpoint(settings, allow_private=private)
    notifier = Notifier(
        foundation.store,
        upstream.stream,
        Rights(foundation.policy, Presence(foundation.identity, foundation.clock).of),
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


def _make_risk(foundation: Foundation, upstream: Upstream) -> Risk:
    return Risk(
        rulebook_of(foundation),
        foundation.broker,
        foundation.store,
        upstream.stream,
        foundation.clock,
        foundation.settings.section("risk", RiskSettings),
        foundation.tenant,
    )


def _make_feeds(foundation: Foundation, upstream: Upstream, feeds: Mapping[str, FeedSettings]) -> Feeds:
    limits = foundation.settings.section("connectors", ConnectorSettings)
    password = foundation.identity.tokens.lend(part("connectors")) if upstream.mqtt_url else ""
    sources = CitySources(
        foundation.settings.folder,
        foundation.packs.mappings(),
        upstream.mqtt_url,
        "connectors",
        password,
        foundation.settings.section("stream", StreamSettings).devices_topics,
    )
    plans = plan_feeds(feeds, limits, sources)
    return Feeds(
        plans, limits, World(foundation.broker, foundation.context, foundation.store, foundation.clock)
    )
