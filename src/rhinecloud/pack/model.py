"""A pack: one domain of the city as data first and Python second.

A pack's folder holds `pack.toml`, `context.jsonld` and a folder for each kind of content that a part declares
(`types/`, `rules/`, `layers/`, …), which the loader reads. The `Pack` value adds what needs Python.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from rhinecloud.kernel.actor import Actor
from rhinecloud.pack.city import City
from rhinecloud.pack.codec import Codec
from rhinecloud.pack.mapping import Mapping
from rhinecloud.part import WebModule
from rhinecloud.part.model import Application

P = TypeVar("P", bound=BaseModel)

MakeCodec = Callable[[], Codec]
"""Makes the codec of one feed."""

MakeRoutes = Callable[[City], Application]
"""Makes a pack's routes over a running city: an ASGI application, a FastAPI application or a FastAPI router.

Paths begin after `/packs/<pack>`."""

PackWorker = Callable[[City], Coroutine[Any, Any, None]]
"""Works until it is cancelled: a plan, a forecast, a synchronisation. It is started again after a pause when it
raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackAction(Generic[P]):
    """A command that others call by the name `<pack>.<verb>`, under the policy and on record.

    `run` gets the city (acting as the pack), who calls, and the validated parameters; it returns JSON. `roles` are
    those whom the policy permits to call it, beside administrators; the city's own policies may forbid it.
    """

    summary: str
    parameters: type[P]
    run: Callable[[City, Actor, P], Awaitable[Any]]
    roles: frozenset[str] = frozenset({"operator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What a pack declares by the entry point `rhinecloud.packs`; importing it does nothing.

    `name` is that of the manifest, `root` the folder of `pack.toml`. `mappings`, `codecs`, `actions` and `workers` are
    called `<pack>.<name>`. `settings` is a dataclass of `setting(...)`s, read from `[packs.<name>]` of `city.toml`.
    """

    name: str
    root: Path
    mappings: MappingType[str, Mapping] = field(default_factory=dict)
    codecs: MappingType[str, MakeCodec] = field(default_factory=dict)
    routes: MakeRoutes | None = None
    actions: MappingType[str, PackAction[Any]] = field(default_factory=dict)
    workers: MappingType[str, PackWorker] = field(default_factory=dict)
    settings: type[Any] | None = None
    web: tuple[WebModule, ...] = ()
