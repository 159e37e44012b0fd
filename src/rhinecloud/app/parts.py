"""The parts that only a running city has, made of the core and of each other: stream, consumers, rules, feeds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rhinecloud.app.core import Core
from rhinecloud.app.gate import Gate
from rhinecloud.app.settings import ServerSettings
from rhinecloud.app.upstream import Upstream, open_upstream
from rhinecloud.broker.live import LiveFeed, LiveSettings
from rhinecloud.broker.relay import Relay, RelaySettings
from rhinecloud.broker.subscriptions.http_endpoint import HttpEndpoint
from rhinecloud.broker.subscriptions.mqtt_endpoint import MqttEndpoint
from rhinecloud.broker.subscriptions.notifier import Notifier
from rhinecloud.broker.subscriptions.service import Subscriptions
from rhinecloud.broker.subscriptions.settings import NotificationSettings
from rhinecloud.connectors.feeds import Feeds, World
from rhinecloud.connectors.plan import CitySources, plan_feeds
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
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


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that runs beside the core."""

    upstream: Upstream
    relay: Relay
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
    core: Core, gate: Gate, feeds: Mapping[str, FeedSettings], closing: AsyncExitStack
) -> Parts:
    """Open the stream and make the rest; `closing` learns what is to be closed, in the right order."""
    upstream = await open_upstream(core, closing)
    notifier, subscriptions = _make_subscriptions(core, upstream)
    live = LiveFeed(
        upstream.stream,
        core.policy,
        gate.of_websocket,
        core.context,
        core.settings.section("live", LiveSettings),
        tenant=core.tenant,
    )
    await subscriptions.open()
    closing.push_async_callback(subscriptions.close)
    await live.open()
    incidents = Incidents(core.broker, core.context, core.clock, new_urn, core.tenant)
    escalation = Escalation(
        incidents,
        core.broker,
        core.context,
        core.clock,
        core.settings.section("incidents", IncidentSettings),
        core.tenant,
    )
    return Parts(
        upstream=upstream,
        relay=Relay(core.store, upstream.stream, core.settings.section("relay", RelaySettings)),
        notifier=notifier,
        subscriptions=subscriptions,
        live=live,
        risk=_make_risk(core, upstream),
        alerts=Alerts(core.broker, core.context, core.tenant),
        incidents=incidents,
        escalation=escalation,
        records=Records(incidents, core.history, core.broker, core.context, core.tenant),
        feeds=_make_feeds(core, upstream, feeds),
    )


def rulebook_of(core: Core) -> Rulebook:
    """Read the rules of packs and city; the city's come last and may word a pack's rule its own way."""
    own = [core.settings.folder / path for path in core.settings.section("risk", RiskSettings).rules]
    paths = [rule for pack in core.packs.loaded for rule in pack.rules]
    return read_rulebook([*paths, *(path for path in own if path.exists())], core.context)


def _make_subscriptions(core: Core, upstream: Upstream) -> tuple[Notifier, Subscriptions]:
    settings = core.settings.section("notifications", NotificationSettings)
    private = settings.may_reach_private(core.settings.section("server", ServerSettings).host)
    http = HttpEndpoint(settings, allow_private=private)
    mqtt = MqttEndpoint(settings, allow_private=private)
    notifier = Notifier(
        core.store,
        upstream.stream,
        core.policy,
        core.clock,
        settings,
        {"http": http, "https": http, "mqtt": mqtt, "mqtts": mqtt},
    )
    subscriptions = Subscriptions(
        core.store, core.broker, core.contexts, notifier, core.clock, new_urn, allow_private=private
    )
    return notifier, subscriptions


def _make_risk(core: Core, upstream: Upstream) -> Risk:
    return Risk(
        rulebook_of(core),
        core.broker,
        core.store,
        upstream.stream,
        core.clock,
        core.settings.section("risk", RiskSettings),
        core.tenant,
    )


def _make_feeds(core: Core, upstream: Upstream, feeds: Mapping[str, FeedSettings]) -> Feeds:
    limits = core.settings.section("connectors", ConnectorSettings)
    password = core.identity.tokens.lend(part("connectors")) if upstream.mqtt_url else ""
    sources = CitySources(
        core.settings.folder, core.packs.mappings(), upstream.mqtt_url, "connectors", password
    )
    plans = plan_feeds(feeds, limits, sources)
    return Feeds(plans, limits, World(core.broker, core.context, core.store, core.clock))
