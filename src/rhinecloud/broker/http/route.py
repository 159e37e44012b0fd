"""A route of the API, and what every handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.http.body_admission import Admission
from rhinecloud.broker.http.media import DOCUMENT, Media
from rhinecloud.broker.http.parameter_cache import ParameterCache
from rhinecloud.broker.http.rendering import Renderer
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response
from rhinecloud.broker.pseudonym import Pseudonym
from rhinecloud.broker.service import Broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.time import Clock


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """What the handlers work with; the application is made with one."""

    broker: Broker
    contexts: Contexts
    renderer: Renderer
    settings: BrokerSettings
    clock: Clock
    started_at: datetime
    pseudonym: Pseudonym = field(default_factory=lambda: Pseudonym(""))
    admission: Admission = field(default_factory=Admission)
    parameters: ParameterCache = field(default_factory=ParameterCache)


DONE = ((204, ""),)
CREATED = ((201, ""),)

Handle = Callable[[HandlerContext, Request], Awaitable[Response]]
"""A handler: parse, call, render. It raises RhineCloudErrors, which the application turns into ProblemDetails."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method of a resource: `path` below `/ngsi-ld/v1` with `{variables}`, the function, the parameters it allows
    (None: any), the operation's name in clause 4.20, and the representations of its responses, if any.

    For the OpenAPI document: `body` names the schema of its request body, `answers` each status of success with the
    schema of its body, '' for none. A route without answers is not implemented.
    """

    verb: str
    path: str
    handle: Handle
    operation: str
    parameters: frozenset[str] | None = field(default_factory=frozenset)
    offers: tuple[Media, ...] = DOCUMENT
    anonymous: bool = False
    body: str = ""
    answers: tuple[tuple[int, str], ...] = ()


class RouteTable:
    """The routes below `/ngsi-ld/v1`; parts above the broker add theirs while they are opened."""

    def __init__(self) -> None:
        self._more: list[Route] = []

    @property
    def more(self) -> tuple[Route, ...]:
        """Return what other parts added."""
        return tuple(self._more)

    def extend(self, routes: Iterable[Route]) -> None:
        """Add routes of another part."""
        self._more.extend(routes)
