"""Which section of `city.toml` belongs to which part."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rhinecloud.app.settings import CitySettings, ServerSettings, Settings, read_settings
from rhinecloud.broker.live import LiveSettings
from rhinecloud.broker.relay import RelaySettings
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.broker.subscriptions.settings import NotificationSettings
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.history.settings import HistorySettings
from rhinecloud.identity import IdentitySettings
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import read_section
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.simulator.settings import SimulatorSettings
from rhinecloud.store.engine import StoreSettings
from rhinecloud.stream.settings import StreamSettings

SECTIONS: Mapping[str, type] = {
    "city": CitySettings,
    "server": ServerSettings,
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

FEED = FeedSettings
"""What each table `[feeds.<name>]` is read into."""


def read_city(folder: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Read the settings of the city in `folder`; raises Invalid naming what is wrong."""
    settings = read_settings(folder, SECTIONS, os.environ, overrides)
    _require_safe(settings)
    return settings


def read_feeds(settings: Settings) -> dict[str, FeedSettings]:
    """Read each feed's table; raises Invalid naming what is wrong."""
    return {
        name: read_section(f"feeds.{name}", FEED, table, os.environ) for name, table in settings.feeds.items()
    }


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
