"""The sections of `city.toml` by part, and the reading of the whole file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rhinecloud.app.assembly import merged
from rhinecloud.app.health import HealthSettings
from rhinecloud.app.logs import LogSettings
from rhinecloud.app.metrics import MetricsSettings
from rhinecloud.app.parts import find_parts
from rhinecloud.app.settings import CitySettings, LoadedSettings, ServerSettings, read_settings
from rhinecloud.app.telemetry import TelemetrySettings
from rhinecloud.identity import IdentitySettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.part import Part
from rhinecloud.part.discovery import Parts
from rhinecloud.store.engine import StoreSettings
from rhinecloud.stream.settings import StreamSettings

OWN: Mapping[str, type[Any]] = {
    "city": CitySettings,
    "server": ServerSettings,
    "log": LogSettings,
    "metrics": MetricsSettings,
    "health": HealthSettings,
    "telemetry": TelemetrySettings,
    "store": StoreSettings,
    "stream": StreamSettings,
}
"""The sections of the assembly and of the engines; those of the parts are added."""

FILES = (
    *(("server", "tls_certificate"), ("server", "tls_key")),
    *(("stream", "mqtt_certificate"), ("stream", "mqtt_key"), ("stream", "credentials")),
)
"""Settings that name a file, relative to the city's folder."""


def sections_of(parts: Iterable[Part]) -> dict[str, type[Any]]:
    """Return each section's name and the dataclass that reads it, in the order of the settings page."""
    return merged([OWN, *(part.settings for part in parts)])


def tables_of(parts: Iterable[Part]) -> dict[str, type[Any]]:
    """Return the tables that parts read themselves, each with the model of an entry."""
    return merged(part.tables for part in parts)


def read_city(folder: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> LoadedSettings:
    """Return the settings of the city in `folder`; raise Invalid, or Faults, with every fault."""
    collector = ErrorCollector()
    settings = gather_city(folder, collector, overrides)
    collector.finish()
    return settings


def gather_city(
    folder: Path,
    collector: ErrorCollector,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    known: Parts | None = None,
) -> LoadedSettings:
    """Return the settings, and add every fault to `collector`; see `read_settings`. `known` are the parts, if found."""
    found = find_parts() if known is None else known
    parts = found.loaded
    settings = read_settings(
        folder, sections_of(parts), os.environ, collector, overrides, tables=tables_of(parts)
    )
    settings = replace(settings, parts=found)
    for check in (_require_safe, _require_ports, *(part.check_settings for part in parts)):
        if check is None:
            continue
        with collector.collect():
            check(settings)
    with collector.collect():
        settings = _with_files(settings)
    collector.found = list(map(settings.source.placed, collector.found))
    return settings


def is_shared(settings: LoadedSettings) -> bool:
    """Return whether several processes may write the store."""
    return settings.section("store", StoreSettings).shared


def _with_files(settings: LoadedSettings) -> LoadedSettings:
    """Return the settings with absolute paths of files; raise Invalid where a file does not exist."""
    sections, collector = dict(settings.sections), ErrorCollector()
    for section, name in FILES:
        written = getattr(sections[section], name)
        if not written:
            continue
        path = settings.folder / written
        if not path.is_file():
            collector.add(f"must be an existing file, not {path}", f"{section}.{name}")
        sections[section] = replace(sections[section], **{name: type(written)(path)})
    collector.finish()
    return replace(settings, sections=sections)


def _require_ports(settings: LoadedSettings) -> None:
    """Raise Invalid where one port has two purposes."""
    stream = settings.section("stream", StreamSettings)
    taken: dict[int, str] = {}
    collector = ErrorCollector()
    ports = [("server.port", settings.server.port), ("stream.mqtt_port", stream.mqtt_port)]
    for place, port in [*ports, ("stream.port", stream.port)]:
        if port and port in taken:
            collector.add(f"must not be {port}, which is {taken[port]}", place)
        taken[port] = place
    collector.finish()


def _require_safe(settings: LoadedSettings) -> None:
    """Raise Invalid where open access can be reached from other machines."""
    server = settings.server
    access = settings.section("identity", IdentitySettings)
    if access.open and not server.loopback and not server.allow_open_to_network:
        raise Invalid(
            f'must not be "open" while {server.host} can be reached from other machines, because every client is an '
            "administrator; use accounts, listen on 127.0.0.1, or set server.allow_open_to_network = true",
            field="identity.access",
        )
