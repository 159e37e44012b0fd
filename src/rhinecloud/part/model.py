"""The `Part` value, and what an opened part contributes to a running city."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from prometheus_client.core import Metric
from pydantic import BaseModel

from rhinecloud.ngsild.migration import Migration
from rhinecloud.part.actions import Action
from rhinecloud.part.content import Content, ContentKind
from rhinecloud.part.context import PartContext, Settings
from rhinecloud.part.problems import ErrorRow
from rhinecloud.part.rights import Rights
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
    content: Content


@dataclass(slots=True, kw_only=True)
class OpenPart:
    """What a part contributes once it is open; all of it is optional.

    `routers` are mounted under `/api/v1`; `applications` are ASGI applications by path prefix. `workers` run in the
    background under their names; `actions` can be called by name. `status` returns the members that the part's model
    of the same name declares, `metrics` the figures of one scrape, `health` a reason by name ('' where all is well).
    `reload` takes content that was read again and found sound.
    """

    routers: Sequence[APIRouter] = ()
    applications: Mapping[str, Application] = field(default_factory=dict)
    workers: Mapping[str, Worker] = field(default_factory=dict)
    actions: Sequence[Action[Any]] = ()
    status: Callable[[], Awaitable[Mapping[str, Any]]] | None = None
    metrics: Callable[[], Awaitable[Iterable[Metric]]] | None = None
    health: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    reload: Callable[[Content], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Everything that a part contributes, declared in one place.

    `name` is the word of the package, the URL, the folder of tests and the docs page. `settings` maps a section of
    `city.toml` to the frozen dataclass that reads it. `vocabulary` are JSON-LD terms for the city's @context. `records`
    are kinds of records in the store that belong to the part, each with a sentence. `migrations` bring data of an older
    version up to date when a city's store is opened. `commands` imports and returns a
    typer application, mounted as `rhinecloud <name>`. `open` opens the part in one space; parts are opened in order of
    their layers, and closed in the reverse one. `offline` says that it is opened for the command line too, where no
    city runs.
    """

    name: str
    summary: str
    open: Callable[[PartContext], AbstractAsyncContextManager[OpenPart]]
    settings: Mapping[str, type[Any]] = field(default_factory=dict)
    vocabulary: Mapping[str, Any] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    content: tuple[ContentKind[Any], ...] = ()
    records: Mapping[str, str] = field(default_factory=dict)
    migrations: tuple[Migration, ...] = ()
    errors: tuple[ErrorRow, ...] = ()
    status: type[BaseModel] | None = None
    commands: Callable[[], Any] | None = None
    web: tuple[WebModule, ...] = ()
    check: Callable[[CheckFiles], Iterable[Finding]] | None = None
    offline: bool = False
