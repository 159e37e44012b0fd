"""The code of packs at work: routes, actions and workers of each, opened one by one. One that fails stops no other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.declarative import ParsedDocument
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.failures import describe_failure
from rhinecloud.kernel.settings import read_section
from rhinecloud.loader.city import CityServices, PackCity, follower_name
from rhinecloud.loader.model import LoadedPack, PackFailure, Packs
from rhinecloud.loader.rights import CHANGING_ROUTES, ROUTES
from rhinecloud.loader.routes import PREFIX, PackRoutes, as_application
from rhinecloud.pack import PackAction
from rhinecloud.part import Action, Application, ConsumerState, HttpEdge, PartContext, Worker

TABLE = "packs"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackSettings:
    """A table `[packs.<name>]`: each pack declares the settings in it."""


class RunningPacks:
    """What the packs of one space contribute to it; `failed` are those whose code could not be opened."""

    def __init__(self, context: PartContext, packs: Packs, environment: Mapping[str, str]) -> None:
        self.failed: list[PackFailure] = []
        self.actions: list[Action[Any]] = []
        self.workers: dict[str, Worker] = {}
        self._services = CityServices.of(context)
        self._edge = context.services.get(HttpEdge)
        self._routes = PackRoutes(context.access, self._allow)
        self._cities: dict[str, PackCity] = {}
        self._tables = context.tables[TABLE]
        self._environment = environment
        taken = {action.name.partition(".")[0] for action in context.actions.list()}
        for pack in packs.loaded:
            self._open_safely(pack, taken)

    def applications(self) -> dict[str, Application]:
        """Return the one application for the routes of all packs, by its prefix."""
        return {PREFIX: self._edge.around(self._routes, PREFIX.rstrip("/"))}

    def consumers(self) -> Iterable[ConsumerState]:
        """Yield the state of each follower of a pack."""
        newest = self._services.store.last_change()
        for pack, city in self._cities.items():
            for name, active in city.followers.items():
                counters = active.follower.counters
                yield ConsumerState(
                    follower_name(pack, name),
                    active.follower.lag(newest),
                    counters.failures,
                    counters.error,
                )

    def _open_safely(self, pack: LoadedPack, taken: set[str]) -> None:
        try:
            self._open(pack, taken)
        except Invalid as error:
            self._fail(pack, "; ".join(str(each) for each in error.faults))
        except Exception as error:  # noqa: BLE001 - a pack is code of others; whatever it raises is its failure alone
            reason = describe_failure(error, str(pack.pack.root))
            _log.error("the pack %s cannot be opened: %s", pack.name, reason)
            self._fail(pack, reason)

    def _open(self, pack: LoadedPack, taken: set[str]) -> None:
        declared = pack.pack
        if pack.name in taken and declared.actions:
            raise Invalid(f"a part of the city offers actions `{pack.name}.…` already")
        settings = read_pack_settings(pack, self._tables, self._environment)
        city = PackCity.of(pack, settings, self._services)
        application = None
        if declared.routes is not None:
            version = pack.manifest.pack.version
            application = as_application(declared.routes(city), pack.name, version, self._edge)
        self._cities[pack.name] = city
        if application is not None:
            self._routes.add(pack.name, application)
        for verb, action in declared.actions.items():
            self.actions.append(_bound(f"{pack.name}.{verb}", action, city))
        for name, work in declared.workers.items():
            self.workers[f"{pack.name}.{name}"] = _worker(work, city.used_by(name))

    def _fail(self, pack: LoadedPack, reason: str) -> None:
        self.failed.append(PackFailure(pack.name, reason))

    def _allow(self, actor: Actor, pack: str, is_safe: bool) -> None:
        for verb in (ROUTES,) if is_safe else (ROUTES, CHANGING_ROUTES):
            self._services.authorization.check(actor, f"{pack}.{verb}", self._services.space)


def read_pack_settings(pack: LoadedPack, tables: ParsedDocument, environment: Mapping[str, str]) -> Any:
    """Return `[packs.<name>]` as the pack's dataclass, None where it has none; raise Invalid naming each key."""
    table: ParsedDocument | dict[str, Any] = tables.part(pack.name) if pack.name in tables.data else {}
    if pack.pack.settings is not None:
        return read_section(f"{TABLE}.{pack.name}", pack.pack.settings, table, environment)
    if table:
        raise tables.key_fault((pack.name,), "the pack has no settings")
    return None


def _bound(name: str, action: PackAction[Any], city: PackCity) -> Action[Any]:
    async def run(actor: Actor, parameters: Any) -> Any:
        return await action.run(city, actor, parameters)

    return Action(name=name, summary=action.summary, parameters=action.parameters, run=run)


def _worker(work: Any, city: PackCity) -> Worker:
    async def run() -> None:
        try:
            await work(city)
        finally:  # whatever ended it: the next start goes on where this one was
            await city.close_followers()

    return run
