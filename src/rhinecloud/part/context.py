"""What a part is given when it is opened: the space that it works in, and everything that the layers below offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.declarative import ParsedDocument
from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.region import ANYWHERE, CityArea
from rhinecloud.part.access import Access
from rhinecloud.part.actions import Actions
from rhinecloud.part.content import Content
from rhinecloud.part.services import Services

S = TypeVar("S")

LogRequest = Callable[[Mapping[str, Any], int, float, int], None]
"""Writes one request: its ASGI scope, the status, seconds, and bytes of the answer."""


class Mode(Enum):
    """For what a part is opened."""

    RUNNING = "running"
    """A running city: with stream, workers and every route."""
    OFFLINE = "offline"
    """The command line beside a city that does not run: state and past, no stream."""
    READER = "reader"
    """A process that answers reads beside the one that runs the city: state only."""


class Settings(Protocol):
    """The settings of one city, read once."""

    @property
    def folder(self) -> Path:
        """Return the city's folder."""
        ...

    @property
    def device_topics(self) -> Sequence[str]:
        """Return the first levels of the topics below which devices may publish."""
        ...

    def section(self, name: str, kind: type[S]) -> S:
        """Return a section as the dataclass that its part declares."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the city is reached: `url` by clients, `mqtt_url` by devices of this machine ('' for nowhere).

    `host` is the address that it listens on. `expected` are local endpoints (host and port) that another part is about
    to open, each with what opens it; parts add to it while they are opened.
    """

    url: str
    https: bool = False
    mqtt_url: str = ""
    host: str = "127.0.0.1"
    expected: dict[tuple[str, int | None], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartContext:
    """One space: its settings, folders, clock, vocabulary, content, and the services of the parts below.

    `space` is the NGSI-LD tenant; `folder` is the city's folder, `data` the one that the city writes, `tables` the
    tables of `city.toml` that a part reads by name. `vocabulary` is the city's compiled @context, `terms` what it was
    compiled from. `area` is where the city is. `describe` returns what `/city` shows an actor; `log_request` writes a
    line of the access log, where there is one.
    """

    space: str
    folder: Path
    data: Path
    settings: Settings
    tables: Mapping[str, ParsedDocument]
    clock: Clock
    started_at: datetime
    vocabulary: Context
    terms: Mapping[str, Any]
    content: Content
    services: Services
    actions: Actions
    access: Access
    addresses: Addresses
    describe: Callable[[Actor | None], Awaitable[Mapping[str, Any]]]
    area: CityArea = ANYWHERE
    zone: tzinfo = UTC
    """The city's time zone."""
    log_request: LogRequest | None = None
    mode: Mode = Mode.RUNNING
