"""A city's settings: one file, `city.toml`, each section owned by a part, all read once.

An unknown section or key is an error that names it. The environment overrides the file, flags of the command line
override both.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from rhinecloud.kernel.checks import PORT, address, between, more_than
from rhinecloud.kernel.declarative import ParsedDocument, parse_file, plain_document
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.kernel.settings import SettingDescription, describe, override, read_section, setting
from rhinecloud.ngsild.region import CityArea, check_position, read_region
from rhinecloud.part.discovery import Parts
from rhinecloud.stream.settings import StreamSettings

FILE = "city.toml"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class CitySettings:
    """Section `[city]`: name, place and data of the city."""

    name: str = setting("City", "The city's name, as people see it.")
    tenant: str = setting("", "The tenant whose data the operations centre shows; empty: the default tenant.")
    bbox: tuple[float, ...] = setting(
        (), "West, south, east, north of the city's area; west > east only across the antimeridian.", unit="°"
    )
    surroundings_km: float = setting(
        25.0,
        "Margin around `bbox` that counts as the city's surroundings: the default `area` of a feed, and "
        "`in_surroundings` of rules.",
        unit="km",
        check=between(0, 20_000),
    )
    centre: tuple[float, ...] = setting(
        (), "Longitude and latitude of the map's centre; empty: that of `bbox`.", unit="°"
    )
    zoom: float = setting(11.0, "The initial zoom of the map.", check=between(0, 24))
    tiles_url: str = setting(
        "",
        "URL of raster or (ending in `.pbf`) vector tiles, with `{z}`, `{x}`, `{y}`; empty: the bundled map.",
    )
    languages: tuple[str, ...] = setting(
        ("de", "en"), "Languages of the operations centre, the first one by default."
    )
    timezone: str = setting("Europe/Berlin", "The city's time zone (IANA name), in which times are shown.")
    packs: tuple[str, ...] = setting(
        ("*",), "Packs to load by name; `*`: all that are installed; `!port`: all except this one."
    )
    terms: dict[str, str] = setting(
        {}, "For a short name that packs use with different meanings: the pack whose meaning clients get."
    )
    data: Path = setting(Path("data"), "Folder of the city's data, relative to the city's folder.")

    def __post_init__(self) -> None:
        collector = ErrorCollector()
        for check in (self._check_area, self._check_time_zone, self._check_tiles):
            with collector.collect():
                check()
        if not self.languages:
            collector.add("must name one language at least", "city.languages")
        collector.finish()

    def middle(self) -> tuple[float, float] | None:
        """Return longitude and latitude of the map's centre, None where the settings do not define it."""
        if self.centre:
            return self.centre[0], self.centre[1]
        if self.bbox:
            west, south, east, north = self.bbox
            middle = (west + east + (360 if west > east else 0)) / 2
            return middle - 360 if middle > 180 else middle, (south + north) / 2
        return None

    def area(self) -> CityArea:
        """Return where the city is, and its surroundings."""
        if not self.bbox:
            return CityArea()
        region = read_region(self.bbox, "city.bbox")
        return CityArea(region, region.grown(self.surroundings_km))

    def _check_area(self) -> None:
        collector = ErrorCollector()
        region = None
        if self.bbox:
            with collector.collect():
                region = read_region(self.bbox, "city.bbox")
        if self.centre:
            with collector.collect():
                check_position(self.centre, "city.centre")
        collector.finish()
        if region is not None and self.centre and not region.contains(*self.centre):
            raise Invalid(
                f"must be within `bbox`, not {list(self.centre)}; the longitude comes first",
                field="city.centre",
            )

    def _check_time_zone(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            hint = unknown("time zone", self.timezone, available_timezones())
            reason = hint if "did you mean" in hint else "must be a time zone, such as `Europe/Berlin`"
            raise Invalid(f"{reason}, not {self.timezone!r}", field="city.timezone") from None

    def _check_tiles(self) -> None:
        if self.tiles_url and not all(hole in self.tiles_url for hole in ("{z}", "{x}", "{y}")):
            raise Invalid(
                f"must contain {{z}}, {{x}} and {{y}}, not {self.tiles_url!r}", field="city.tiles_url"
            )


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Section `[server]`: the addresses of the city."""

    host: str = setting("127.0.0.1", "Address to listen on; `0.0.0.0`: all addresses of the machine.")
    port: int = setting(8080, "TCP port of HTTP and WebSockets; 0: a free port.", check=PORT)
    workers: int = setting(
        1,
        "Processes that handle requests; with more than one, each reads entities itself and forwards other requests. "
        "With several machines, only the leader has more than one.",
        check=between(1, 256),
    )
    public_url: str = setting(
        "",
        "Public URL of the city behind a proxy, such as `https://city.example`.",
        check=address("https", "http"),
    )
    inside_url: str = setting(
        "",
        "URL of this process for the others that share its PostgreSQL database; empty: `host` and `port`.",
        check=address("https", "http"),
    )
    allow_open_to_network: bool = setting(
        False, 'Permit `access = "open"` although `host` can be reached from other machines.'
    )
    tls_certificate: str = setting("", "PEM file of the certificate for HTTPS; empty: plain HTTP.")
    tls_key: str = setting("", "PEM file of the certificate's key.")
    max_body_bytes: int = setting(
        1 << 20,
        "Largest body of a request to the people's API; the broker has a limit of its own.",
        unit="bytes",
    )
    stop_s: float = setting(5.0, "Longest time to stop the city.", unit="s", check=more_than(0))

    @property
    def url(self) -> str:
        """Return the address of the server on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def __post_init__(self) -> None:
        if bool(self.tls_certificate) != bool(self.tls_key):
            missing = "tls_key" if self.tls_certificate else "tls_certificate"
            raise Invalid(
                "must be set: HTTPS needs both a certificate and its key", field=f"server.{missing}"
            )

    @property
    def https(self) -> bool:
        """Return whether people use the city over HTTPS."""
        return bool(self.tls_certificate) or self.public_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Return whether only this machine can reach the city."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Every section by name, the tables that parts read themselves, and their folder and file."""

    folder: Path
    sections: Mapping[str, Any]
    tables: Mapping[str, ParsedDocument] = field(default_factory=dict)
    source: ParsedDocument = field(default_factory=lambda: plain_document({}), repr=False)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Flags of the command line, by section."""
    parts: Parts = field(default_factory=Parts, repr=False)
    """The parts that read these settings."""

    def section(self, name: str, kind: type[S]) -> S:
        """Return a section as its part's dataclass; raise TypeError where it is another one."""
        found = self.sections[name]
        if not isinstance(found, kind):
            raise TypeError(f"section {name} is a {type(found).__name__}")
        return found

    @property
    def device_topics(self) -> tuple[str, ...]:
        """Return the first levels of the topics below which devices may publish."""
        return self.section("stream", StreamSettings).devices_topics

    @property
    def city(self) -> CitySettings:
        """Return the settings `[city]`."""
        return self.section("city", CitySettings)

    @property
    def server(self) -> ServerSettings:
        """Return the settings `[server]`."""
        return self.section("server", ServerSettings)

    @property
    def data(self) -> Path:
        """Return the absolute path of the data folder."""
        return (self.folder / self.city.data).resolve()


def read_settings(
    folder: Path,
    kinds: Mapping[str, type],
    environment: Mapping[str, str],
    collector: ErrorCollector,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    tables: Mapping[str, type[Any]] = MappingProxyType({}),
) -> LoadedSettings:
    """Return the settings of `city.toml` in a folder, or of the file itself; `kinds` are the sections' dataclasses.

    `tables` are further tables, each with the type of an entry: a dataclass where entries have names, else a model.

    Faults are added to `collector`, and their section has its defaults; raise Invalid where the file cannot be read.
    """
    path = folder if folder.suffix == ".toml" else folder / FILE
    [document] = parse_file(path, path.name if path.is_file() else str(path))
    further = {
        name: _tables_of(name, document, collector, named=is_dataclass(kind)) for name, kind in tables.items()
    }
    _require_tables(document, kinds, tables, collector)
    sections: dict[str, Any] = {}
    for name, kind in kinds.items():
        sections[name] = kind()
        with collector.collect():
            is_table = isinstance(document.data.get(name), dict)
            read: Any = read_section(name, kind, document.part(name) if is_table else {}, environment)
            sections[name] = override(name, read, (overrides or {}).get(name, {}))
    return LoadedSettings(path.parent.resolve(), sections, further, document, overrides or {})


def describe_settings(kinds: Mapping[str, type]) -> list[SettingDescription]:
    """Return every setting, section by section."""
    return [each for name, kind in kinds.items() for each in describe(name, kind)]


def _tables_of(
    name: str, document: ParsedDocument, collector: ErrorCollector, *, named: bool
) -> ParsedDocument:
    """Return the tables `[name.<key>]` or `[[name]]`; none where the value is something else."""
    if name not in document.data:
        return plain_document({} if named else [], name)
    value = document.data[name]
    entries = value.values() if named and isinstance(value, dict) else value
    if isinstance(value, dict if named else list) and all(isinstance(each, dict) for each in entries):
        return document.part(name)
    reason = f"must be tables: [{name}.<name>]" if named else f"must be tables: [[{name}]]"
    collector.found.append(document.key_fault((name,), reason))
    return plain_document({} if named else [], name)


def _require_tables(
    document: ParsedDocument, kinds: Mapping[str, type], tables: Iterable[str], collector: ErrorCollector
) -> None:
    known = [*kinds, *tables]
    for name, table in document.data.items():
        if name not in known:
            collector.found.append(document.key_fault((name,), unknown("section", name, known)))
        elif name in kinds and not isinstance(table, dict):
            collector.found.append(document.key_fault((name,), f"must be a table: [{name}]"))
