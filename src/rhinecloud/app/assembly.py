"""Opens the parts of one space in order, and joins what they contribute. It knows no part by name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Optional, TypeVar

from fastapi import APIRouter
from prometheus_client.core import Metric
from pydantic import BaseModel, create_model

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.failures import describe_failure
from rhinecloud.kernel.response_stats import ResponseStats
from rhinecloud.part import (
    Actions,
    Application,
    ApplyReload,
    ConsumerState,
    OpenPart,
    Part,
    PartContext,
    Reload,
    Worker,
)
from rhinecloud.part.discovery import PartFailure, Parts

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedPart:
    """A part, and what it contributes now that it is open."""

    part: Part
    opened: OpenPart


class Assembly:
    """The opened parts of one space."""

    def __init__(self, parts: Parts, core: frozenset[str], actions: Actions, rights: Collection[str]) -> None:
        """`core` names the parts that must open; one from elsewhere that does not is reported and left out.

        Every action must be among `rights`, the Cedar actions that parts and packs declare.
        """
        self._parts = list(parts.loaded)
        self._core = core
        self._actions = actions
        self._rights = rights
        self._opened: list[OpenedPart] = []
        self.failed: list[PartFailure] = list(parts.failed)

    async def open(self, context: PartContext, closing: AsyncExitStack) -> None:
        """Open the parts that `context.mode` needs; `closing` closes them in the reverse order."""
        for part in self._parts:
            if context.mode not in part.modes:
                continue
            try:
                opened = await closing.enter_async_context(part.open(context))
                self._add_actions(opened)
            except Exception as error:
                if part.name in self._core:
                    raise
                reason = describe_failure(error, part.open.__module__)
                _log.error("the part %s cannot be opened: %s", part.name, reason)
                _log.debug("the part %s cannot be opened", part.name, exc_info=True)
                self.failed.append(PartFailure(part.name, reason))
                continue
            self._opened.append(OpenedPart(part, opened))

    def _add_actions(self, opened: OpenPart) -> None:
        for action in opened.actions:
            if action.name not in self._rights:
                raise ValueError(f"the action {action.name} must be declared among the rights of its part")
            self._actions.add(action)

    def _is_core(self, each: OpenedPart) -> bool:
        return each.part.name in self._core

    def _fail(self, part: Part, reason: str) -> None:
        """Report a part from elsewhere once."""
        failure = PartFailure(part.name, reason)
        if failure not in self.failed:
            _log.error("the part %s fails: %s", part.name, reason)
            self.failed = [*(each for each in self.failed if each.name != part.name), failure]

    async def _call(self, each: OpenedPart, function: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """Call a function of a part; the failure of a part from elsewhere is reported, and costs no other part."""
        try:
            return await function()
        except Exception as error:
            if self._is_core(each):
                raise
            self._fail(each.part, describe_failure(error, each.part.open.__module__))
            return otherwise

    def names(self) -> list[str]:
        """Return the names of the parts that are open."""
        return [each.part.name for each in self._opened]

    def routers(self) -> list[APIRouter]:
        """Return the routers of the people's API."""
        return [router for each in self._opened for router in each.opened.routers]

    def applications(self, reserved: Collection[str] = ()) -> dict[str, Application]:
        """Return the ASGI applications by path prefix.

        A part from elsewhere is refused a prefix that contains another one, or lies in it or in one of `reserved`.
        Raise ValueError where two parts of the core do so.
        """
        found: dict[str, Application] = {}
        for each in self._opened:
            if each.opened.applications is None:
                continue
            mine = each.opened.applications()
            taken = [
                prefix
                for prefix in mine
                if any(prefix.startswith(other) or other.startswith(prefix) for other in (*found, *reserved))
            ]
            if not taken:
                found.update(mine)
            elif each.part.name in self._core:
                raise ValueError(f"{each.part.name}: the prefix {taken[0]} is taken")
            else:
                self._fail(each.part, f"the path prefix {taken[0]} is taken")
        return found

    def readable(self) -> tuple[str, ...]:
        """Return the prefixes of paths that a process which only reads answers itself, by GET."""
        return tuple(prefix for each in self._opened for prefix in each.opened.readable)

    def writable(self) -> tuple[str, ...]:
        """Return the prefixes of paths that such a process answers by any method, if it may write the store."""
        return tuple(prefix for each in self._opened for prefix in each.opened.writable)

    def origins(self) -> list[str]:
        """Return the web origins whose pages may send requests."""
        return [origin for each in self._opened for origin in each.opened.origins]

    def workers(self, reserved: Collection[str] = ()) -> Iterator[tuple[str, Worker]]:
        """Yield each worker with its name.

        A part from elsewhere of which a worker has a name that is taken, or `reserved`, gets none. Raise ValueError for
        a part of the core.
        """
        taken = set(reserved)
        for each in self._opened:
            twice = sorted(taken & each.opened.workers.keys())
            if twice and self._is_core(each):
                raise ValueError(f"{each.part.name}: the worker name {twice[0]} is taken")
            if twice:
                self._fail(each.part, f"the worker name {twice[0]} is taken, and none of its workers runs")
                continue
            taken |= each.opened.workers.keys()
            yield from each.opened.workers.items()

    async def ready(self) -> None:
        """Wait until every part is ready."""
        await asyncio.gather(
            *(self._call(each, each.opened.ready, None) for each in self._opened if each.opened.ready)
        )

    async def refresh(self) -> None:
        """Reload what another process changed."""
        for each in self._opened:
            if each.opened.refresh is not None:
                await each.opened.refresh()

    def reloads(self) -> list[Callable[[Reload], Awaitable[ApplyReload]]]:
        """Return what checks a reload, part by part."""
        return [each.opened.prepare_reload for each in self._opened if each.opened.prepare_reload is not None]

    def finish_reload(self) -> None:
        """Call the parts that act once a reload is in use."""
        for each in self._opened:
            if each.opened.reloaded is not None:
                each.opened.reloaded()

    def cached(self) -> frozenset[str]:
        """Return the kinds of records of which a reader process holds a copy."""
        return frozenset(kind for each in self._opened for kind in each.part.cached)

    async def status(self) -> dict[str, Any]:
        """Return the members of `/status` that the parts declare."""
        found: dict[str, Any] = {}
        nothing: Mapping[str, Any] = {}
        for each in self._opened:
            if each.opened.status is not None:
                found.update(await self._call(each, each.opened.status, nothing))
        return found

    async def city(self, actor: Actor | None) -> dict[str, Any]:
        """Return the members of `/city` that the parts declare, as `actor` may see them."""
        found: dict[str, Any] = {}
        nothing: Mapping[str, Any] = {}
        for each in self._opened:
            if each.opened.city is not None:
                found.update(await self._call(each, partial(each.opened.city, actor), nothing))
        return found

    def status_model(self, base: type[BaseModel]) -> type[BaseModel]:
        """Return `base` with the members that the parts add to `/status`."""
        return _joined(base, [(each.part.status, self._is_core(each)) for each in self._opened])

    def city_model(self, base: type[BaseModel]) -> type[BaseModel]:
        """Return `base` with the members that the parts add to `/city`."""
        return _joined(base, [(each.part.city, self._is_core(each)) for each in self._opened])

    def consumers(self) -> Iterator[ConsumerState]:
        """Yield the state of every consumer of changes."""
        for each in self._opened:
            if each.opened.consumers is not None:
                yield from each.opened.consumers()

    async def metrics(self) -> list[Metric]:
        """Return the metrics of one scrape."""
        found: list[Metric] = []
        for each in self._opened:
            if each.opened.metrics is not None:
                found.extend(await self._call(each, each.opened.metrics, ()))
        return found

    def requests(self) -> Iterator[tuple[str, str, ResponseStats]]:
        """Yield the counts of applications that count their own requests: method, route and counts."""
        for each in self._opened:
            if each.opened.requests is not None:
                yield from each.opened.requests()

    def route_of(self, scope: MutableMapping[str, Any]) -> str:
        """Return the route of a request, '' where no application knows it."""
        names = (each.opened.route_of(scope) for each in self._opened if each.opened.route_of is not None)
        return next(filter(None, names), "")


def _joined(base: type[BaseModel], models: Sequence[tuple[type[BaseModel] | None, bool]]) -> type[BaseModel]:
    """Return `base` with the members of models; those that are not of the core may be missing."""
    fields: dict[str, Any] = {}
    for model, is_core in models:
        for name, info in (model.model_fields if model else {}).items():
            fields[name] = (info.annotation, info) if is_core else (Optional[info.annotation], None)  # noqa: UP045
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, **fields)


def merged(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the union of mappings; raise ValueError where two have the same key."""
    found: dict[str, Any] = {}
    for table in tables:
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"declared by two parts: {', '.join(sorted(twice))}")
        found.update(table)
    return found
