"""A city's settings: one file, `city.toml`, each section owned by a part, all read once.

An unknown section or key is an error that names it. The environment outweighs the file, flags of the command line
outweigh both.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import Described, describe, read_section, setting

FILE = "city.toml"
FEEDS = "feeds"
AGENCIES = "agencies"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class CitySettings:
    """Section `[city]`: what the city is and where it lies."""

    name: str = setting("City", "The city's name, as people read it.")
    tenant: str = setting("", "The tenant whose data the operations centre shows; empty: the default one.")
    bbox: tuple[float, ...] = setting((), "West, south, east, north of the city's area.", unit="°")
    centre: tuple[float, ...] = setting(
        (), "Longitude and latitude of the map's middle; empty: of `bbox`.", unit="°"
    )
    zoom: float = setting(11.0, "The map's zoom at the start.")
    tiles_url: str = setting(
        "",
        "Address of raster or (ending in `.pbf`) vector tiles, with `{z}`, `{x}`, `{y}`; empty: the bundled map.",
    )
    languages: tuple[str, ...] = setting(
        ("de", "en"), "Languages of the operations centre, the first one by default."
    )
    timezone: str = setting("Europe/Berlin", "The city's time zone (IANA name): how times are shown.")
    packs: tuple[str, ...] = setting(("*",), "Packs to load by name; `*`: all that are installed.")
    data: Path = setting(Path("data"), "Folder of everything the city keeps, relative to the city's folder.")

    def __post_init__(self) -> None:
        _require_numbers(self.bbox, 4, "city.bbox", "west, south, east, north")
        _require_numbers(self.centre, 2, "city.centre", "longitude, latitude")

    def middle(self) -> tuple[float, float] | None:
        """Give longitude and latitude of the map's middle, where the settings say anything about it."""
        if self.centre:
            return self.centre[0], self.centre[1]
        if self.bbox:
            west, south, east, north = self.bbox
            return (west + east) / 2, (south + north) / 2
        return None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Section `[server]`: where the city listens."""

    host: str = setting("127.0.0.1", "Address to listen on; `0.0.0.0` for all of the machine's.")
    port: int = setting(8080, "TCP port of every HTTP door; 0 takes a free one.")
    public_url: str = setting(
        "", "Where people reach the city, such as `https://city.example`, behind a proxy."
    )
    allow_open_to_network: bool = setting(
        False, 'Let `access = "open"` stand although `host` can be reached from other machines.'
    )
    tls_certificate: str = setting("", "PEM file of the certificate to serve HTTPS with; empty: plain HTTP.")
    tls_key: str = setting("", "PEM file of the certificate's key.")
    max_body_bytes: int = setting(
        1 << 20, "Largest body of a request to the people's API; the broker has its own.", unit="bytes"
    )
    stop_s: float = setting(5.0, "Longest time that a stop may take.", unit="s")

    @property
    def https(self) -> bool:
        """Tell whether people reach the city by HTTPS."""
        return bool(self.tls_certificate) or self.public_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach the city."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Settings:
    """Every section by name, the tables of feeds and agencies, and the folder that they were read from."""

    folder: Path
    sections: Mapping[str, Any]
    feeds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    agencies: tuple[Mapping[str, Any], ...] = ()

    def section(self, name: str, kind: type[S]) -> S:
        """Give a section as its part's dataclass."""
        found = self.sections[name]
        if not isinstance(found, kind):
            raise TypeError(f"section {name} is a {type(found).__name__}")
        return found

    @property
    def city(self) -> CitySettings:
        """Give `[city]`."""
        return self.section("city", CitySettings)

    @property
    def server(self) -> ServerSettings:
        """Give `[server]`."""
        return self.section("server", ServerSettings)

    @property
    def data(self) -> Path:
        """Give the data folder, absolute."""
        return (self.folder / self.city.data).resolve()


def read_settings(
    folder: Path,
    kinds: Mapping[str, type],
    environment: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Read `city.toml` of a folder, or the file itself; `kinds` name each section's dataclass.

    Raises Invalid naming the file, the section or the key that is wrong.
    """
    path = folder if folder.suffix == ".toml" else folder / FILE
    tables = _read_file(path)
    feeds, agencies = tables.pop(FEEDS, {}), tables.pop(AGENCIES, [])
    _require_tables(tables, kinds)
    if not isinstance(feeds, dict) or not all(isinstance(feed, dict) for feed in feeds.values()):
        raise Invalid("must hold one table a feed: [feeds.<name>]", field=FEEDS)
    if not isinstance(agencies, list) or not all(isinstance(agency, dict) for agency in agencies):
        raise Invalid("must be tables: [[agencies]]", field=AGENCIES)
    sections = {}
    for name, kind in kinds.items():
        read: Any = read_section(name, kind, tables.get(name, {}), environment)
        flags = {key: value for key, value in (overrides or {}).get(name, {}).items() if value is not None}
        if flags:
            present = {item: getattr(read, item) for item in kind.__dataclass_fields__}  # type: ignore[attr-defined]
            read = kind(**{**present, **flags})
        sections[name] = read
    return Settings(path.parent.resolve(), sections, feeds, tuple(agencies))


def describe_settings(kinds: Mapping[str, type]) -> list[Described]:
    """List every setting there is, section by section."""
    return [each for name, kind in kinds.items() for each in describe(name, kind)]


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"cannot be read: {error.strerror}", field=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"is not TOML: {error}", field=str(path)) from None


def _require_tables(tables: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for name, table in tables.items():
        if name not in kinds:
            known = ", ".join([*sorted(kinds), f"{FEEDS}.<name>", AGENCIES])
            raise Invalid(f"unknown section; known here: {known}", field=name)
        if not isinstance(table, dict):
            raise Invalid("must be a table", field=name)


def _require_numbers(values: tuple[Any, ...], count: int, place: str, what: str) -> None:
    if values and (len(values) != count or not all(isinstance(each, int | float) for each in values)):
        raise Invalid(f"must be {what}", field=place)
