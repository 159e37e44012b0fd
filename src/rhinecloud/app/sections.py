"""Which section of `city.toml` belongs to which part."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rhinecloud.app.health import HealthSettings
from rhinecloud.app.logs import LogSettings
from rhinecloud.app.metrics import MetricsSettings
from rhinecloud.app.settings import CitySettings, ServerSettings, Settings, read_settings
from rhinecloud.app.telemetry import TelemetrySettings
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.changes.relay import RelaySettings
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.history.settings import HistorySettings
from rhinecloud.identity import IdentitySettings
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.kernel.settings import read_section
from rhinecloud.live import LiveSettings
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.simulator.settings import SimulatorSettings
from rhinecloud.store.engine import StoreSettings
from rhinecloud.stream.settings import StreamSettings
from rhinecloud.subscriptions.settings import NotificationSettings

SECTIONS: Mapping[str, type] = {
    "city": CitySettings,
    "server": ServerSettings,
    "log": LogSettings,
    "metrics": MetricsSettings,
    "health": HealthSettings,
    "telemetry": TelemetrySettings,
    "identity": IdentitySettings,
    "store": StoreSettings,
    "stream": StreamSettings,
    "relay": RelaySettings,
    "history": HistorySettings,
    "broker": BrokerSettings,
    "notifications": NotificationSettings,
    "live": LiveSettings,
    "connectors": ConnectorSettings,
    "risk": RiskSettings,
    "incidents": IncidentSettings,
    "simulator": SimulatorSettings,
}
"""Section name and the dataclass that reads it, in the order of the settings page."""

FILES = (
    *(("server", "tls_certificate"), ("server", "tls_key")),
    *(("stream", "mqtt_certificate"), ("stream", "mqtt_key"), ("stream", "credentials")),
)
"""Settings that name a file, from the city's folder where the path is not absolute."""

FEED = FeedSettings
"""What each table `[feeds.<name>]` is read into."""


def read_city(folder: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Read the settings of the city in `folder`; raises Invalid naming all that is wrong."""
    collector = ErrorCollector()
    settings = gather_city(folder, collector, overrides)
    collector.finish()
    return settings


def gather_city(
    folder: Path, collector: ErrorCollector, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Settings:
    """Read the settings as far as they can be read, see `read_settings`."""
    settings = read_settings(folder, SECTIONS, os.environ, collector, overrides)
    for check in (_require_safe, _require_ports, _require_simulator):
        with collector.collect():
            check(settings)
    with collector.collect():
        return _with_files(settings)
    return settings


def own_origins(settings: Settings) -> list[str]:
    """List the origins whose pages may call the city."""
    public = [settings.server.public_url] if settings.server.public_url else []
    return [*settings.section("broker", BrokerSettings).cors_origins, *public]


def is_shared(settings: Settings) -> bool:
    """Tell whether several processes may write the store."""
    return settings.section("store", StoreSettings).shared


def read_feeds(settings: Settings) -> dict[str, FeedSettings]:
    """Read each feed's table; raises Invalid naming what is wrong."""
    feeds, collector = {}, ErrorCollector()
    for name, table in settings.feeds.items():
        with collector.collect():
            feeds[name] = read_section(f"feeds.{name}", FEED, table, os.environ)
    collector.finish()
    return feeds


def _with_files(settings: Settings) -> Settings:
    """Take the files that settings name from the city's folder; raises Invalid where one is not there."""
    sections, collector = dict(settings.sections), ErrorCollector()
    for section, name in FILES:
        written = getattr(sections[section], name)
        if not written:
            continue
        path = settings.folder / written
        if not path.is_file():
            collector.add(f"there is no file {path}", f"{section}.{name}")
        sections[section] = replace(sections[section], **{name: type(written)(path)})
    collector.finish()
    return replace(settings, sections=sections)


def _require_ports(settings: Settings) -> None:
    """Refuse one port for two purposes."""
    stream = settings.section("stream", StreamSettings)
    taken: dict[int, str] = {}
    collector = ErrorCollector()
    ports = [("server.port", settings.server.port), ("stream.mqtt_port", stream.mqtt_port)]
    for place, port in [*ports, ("stream.port", stream.port)]:
        if port and port in taken:
            collector.add(f"{port} is the port of {taken[port]} already", place)
        taken[port] = place
    collector.finish()


def _require_simulator(settings: Settings) -> None:
    """Refuse a simulator that has nothing to play, or whose sensors would not be heard."""
    simulator = settings.section("simulator", SimulatorSettings)
    topics = settings.section("stream", StreamSettings).devices_topics
    collector = ErrorCollector()
    if simulator.enabled and not (settings.folder / simulator.scenario).is_file():
        collector.add(f"there is no file {settings.folder / simulator.scenario}", "simulator.scenario")
    if simulator.enabled and not any(f"{simulator.topic}/".startswith(f"{topic}/") for topic in topics):
        below = " or ".join(f"`{topic}/`" for topic in topics)
        collector.add(f"must lie below {below}, where devices may publish", "simulator.topic")
    collector.finish()


def _require_safe(settings: Settings) -> None:
    """Refuse to let the network in where everybody is an administrator."""
    server = settings.server
    access = settings.section("identity", IdentitySettings)
    if access.open and not server.loopback and not server.allow_open_to_network:
        raise Invalid(
            f'`access = "open"` makes everybody an administrator, and {server.host} can be reached from other '
            "machines; use accounts, listen on 127.0.0.1, or set server.allow_open_to_network = true",
            field="identity.access",
        )
