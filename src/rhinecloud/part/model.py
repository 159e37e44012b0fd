"""The `Part` value, and what an opened part contributes to a running city."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from prometheus_client.core import Metric
from pydantic import BaseModel

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.declarative import ParsedDocument
from rhinecloud.kernel.response_stats import ResponseStats
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.migration import Migration
from rhinecloud.ngsild.region import ANYWHERE, CityArea
from rhinecloud.part.actions import Action
from rhinecloud.part.content import Content, ContentKind
from rhinecloud.part.context import Mode, PartContext, Settings
from rhinecloud.part.problems import ErrorRow
from rhinecloud.part.rights import Rights
from rhinecloud.part.services import Services
from rhinecloud.part.web import WebModule

Worker = Callable[[], Coroutine[Any, Any, None]]
"""Makes a coroutine that works until it is cancelled; it is started again after a pause when it raises."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
"""An ASGI application."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `rhinecloud check` looked at.

    `problem` is '' where all is well; `field` names a setting, or a file and the place in it. `fatal` where the city
    would not start.
    """

    part: str
    what: str
    problem: str = ""
    fatal: bool = False
    field: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFiles:
    """What a part's `check` looks at: the settings and files of a city that is not opened."""

    folder: Path
    settings: Settings
    tables: Mapping[str, ParsedDocument]
    vocabulary: Context
    content: Content
    services: Services
    area: CityArea = ANYWHERE
    zone: tzinfo = UTC
    """The city's time zone."""


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """How a consumer of changes does: how many it is behind, its failures, and what is wrong now ('' for nothing).

    `working` says that it does its work all the same: then `error` is advice.
    """

    name: str
    lag: int = 0
    failures: int = 0
    error: str = ""
    working: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """What was read again without a restart: the files of packs and city, and the tables that parts read themselves."""

    content: Content
    tables: Mapping[str, Any]


ApplyReload = Callable[[], Awaitable[Sequence[str]]]
"""Takes what was read again into use; returns a sentence for each thing that changed."""


@dataclass(slots=True, kw_only=True)
class OpenPart:
    """What a part contributes once it is open; all of it is optional.

    `routers` are mounted under `/api/v1`; `applications` returns ASGI applications by path prefix, once every part is
    open; `origins` are web origins whose pages may call. `workers` run in the background under their names once every
    part is open; `ready` returns when the part does what others rely on. `actions` can be called by name.

    `status` and `city` return the members that the part's models of these names declare, `metrics` the figures of one
    scrape, `consumers` the state of those that follow the changes. An application that counts and names its requests
    itself says so by `requests` (method, route, counts) and `route_of`.

    Processes that only read (`Mode.READER`) answer requests themselves whose path begins with one of `readable`, by
    GET, and with one of `writable`, by any method, where they may write the store; the running city answers all others.

    `prepare_reload` checks what was read again and returns what takes it into use; it raises Invalid where anything is
    wrong, and then nothing at all is taken into use; `reloaded` is called once everything is in use. `refresh` reads
    again, in a process that only reads, what the running city changed of the records that the part names as `cached`.
    """

    routers: Sequence[APIRouter] = ()
    readable: Sequence[str] = ()
    writable: Sequence[str] = ()
    applications: Callable[[], Mapping[str, Application]] | None = None
    origins: Sequence[str] = ()
    workers: Mapping[str, Worker] = field(default_factory=dict)
    actions: Sequence[Action[Any]] = ()
    ready: Callable[[], Awaitable[None]] | None = None
    status: Callable[[], Awaitable[Mapping[str, Any]]] | None = None
    city: Callable[[Actor | None], Awaitable[Mapping[str, Any]]] | None = None
    metrics: Callable[[], Awaitable[Iterable[Metric]]] | None = None
    consumers: Callable[[], Iterable[ConsumerState]] | None = None
    requests: Callable[[], Iterable[tuple[str, str, ResponseStats]]] | None = None
    route_of: Callable[[MutableMapping[str, Any]], str] | None = None
    refresh: Callable[[], Awaitable[None]] | None = None
    prepare_reload: Callable[[Reload], Awaitable[ApplyReload]] | None = None
    reloaded: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Everything that a part contributes, declared in one place.

    `name` is the word of the package, the URL, the folder of tests and the docs page; `open` opens the part in one
    space. Parts are opened in the order of their layers and closed in the reverse one; `modes` says for what.

    `settings` maps a section of `city.toml` to the frozen dataclass that reads it; `tables` names further tables there
    that the part reads itself, each with what one entry is: a dataclass of settings where entries have names
    (`[feeds.<name>]`), a `DeclarativeModel` where they have none (`[[agencies]]`).
    `check_settings` raises Invalid where settings that are each sound do not fit together; `check` looks at the files
    of a city for `rhinecloud check`.

    `vocabulary` are JSON-LD terms for the city's @context; `indexes` names attributes that need an index. `records` are
    kinds of records in the store that belong to the part, each with a sentence; those in `cached` are copied by
    processes that only read. `migrations` bring data of an older version up to date when a city's store is opened.
    `status` and `city` are models of what the part adds to `/status` and `/city`. `commands` imports and returns a
    typer application, mounted as `rhinecloud <name>`.
    """

    name: str
    summary: str
    open: Callable[[PartContext], AbstractAsyncContextManager[OpenPart]]
    settings: Mapping[str, type[Any]] = field(default_factory=dict)
    tables: Mapping[str, type[Any]] = field(default_factory=dict)
    vocabulary: Mapping[str, Any] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    content: tuple[ContentKind[Any], ...] = ()
    indexes: tuple[str, ...] = ()
    records: Mapping[str, str] = field(default_factory=dict)
    migrations: tuple[Migration, ...] = ()
    cached: frozenset[str] = frozenset()
    errors: tuple[ErrorRow, ...] = ()
    status: type[BaseModel] | None = None
    city: type[BaseModel] | None = None
    commands: Callable[[], Any] | None = None
    web: tuple[WebModule, ...] = ()
    check_settings: Callable[[Settings], None] | None = None
    check: Callable[[CheckFiles], Iterable[Finding]] | None = None
    modes: frozenset[Mode] = frozenset({Mode.RUNNING})
