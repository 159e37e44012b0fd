"""The parts that a city has whether it runs or not: state, past, identity, policy, packs, broker.

The running city adds stream, consumers, feeds and doors (`city`); the command line opens just this where no city runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from rhinecloud import __version__
from rhinecloud.app.content import KINDS
from rhinecloud.app.folder import DataFolder
from rhinecloud.app.records import StoreRecords
from rhinecloud.app.settings import CitySettings, Settings
from rhinecloud.app.telemetry import TelemetrySettings, make_telemetry
from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.service import Broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.history.settings import HistorySettings
from rhinecloud.history.sqlite import HotTable
from rhinecloud.identity import Identity, IdentitySettings
from rhinecloud.incidents.migrations import MIGRATIONS as INCIDENT_MIGRATIONS
from rhinecloud.incidents.related import INDEXED
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import Clock
from rhinecloud.loader import Packs, TermConflict, find_packs, merge_contexts
from rhinecloud.loader.content import Items, read_content
from rhinecloud.loader.folder import CONTEXT, read_terms
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.part import ContentSource
from rhinecloud.policy import Authorization, Policies, PolicySource, read_areas
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.migrations import Migrations, migrate_data, require_current

MIGRATIONS: Migrations = MappingProxyType({"incidents": INCIDENT_MIGRATIONS})
"""What brings the data of each part up to date, by the part's name."""


class Foundation:
    """State, past, identity, policy, packs and broker of one city, from `open` to `close`."""

    def __init__(
        self, settings: Settings, clock: Clock, packs: Packs | None = None, *, reads_only: bool = False
    ) -> None:
        """Put the parts together; raises Invalid where a file of the city is wrong. Nothing is opened yet.

        What `reads_only` is opened by `open_to_read`, beside the process that runs the city.
        """
        self.settings = settings
        self.clock = clock
        self.started_at: datetime = clock()
        self.packs = find_packs(settings.city.packs, kinds=KINDS) if packs is None else packs
        terms, self.disagreements = city_terms(settings.folder, self.packs, settings.city.terms)
        self.terms = terms
        self.context: Context = compile_context(terms, {})
        self.content = self.packs.content(city_content(settings.folder, self.context))
        self.folder = DataFolder(settings.data)
        store = settings.section("store", StoreSettings)
        own = (self.context.name(name) for name in (INDEXED, *store.indexes))
        indexes = dict.fromkeys((*own, *self.packs.indexes()))
        self.telemetry = make_telemetry(settings.section("telemetry", TelemetrySettings))
        self.store = make_store(store, settings.data, reads_only=reads_only, indexes=tuple(indexes))
        if self.telemetry is not None:
            self.store = self.telemetry.around_store(self.store)
        timeline = settings.section("history", HistorySettings).timeline_types
        self.history = HotTable(settings.data / "history.db", timeline)
        self.policy = Authorization(
            read_policies(settings.folder, self.context), clock, ZoneInfo(settings.city.timezone)
        )
        self.identity = Identity(
            StoreRecords(self.store), settings.section("identity", IdentitySettings), clock
        )
        limit = settings.section("broker", BrokerSettings).max_attributes
        self.broker = Broker(self.store, self.policy, clock, max_attributes=limit)
        self.contexts = Contexts(self.store, broker_settings(settings), clock, city={"@context": terms})
        self._opened: list[str] = []
        self.first_password = ""

    @property
    def city(self) -> CitySettings:
        """Give `[city]`."""
        return self.settings.city

    @property
    def tenant(self) -> str:
        """Give the tenant that the city itself works in."""
        return self.city.tenant

    async def open(self, *, leads: bool = True) -> None:
        """Take the data folder, open the engines, and bring the data up to date; raises InUse or Unavailable.

        A process that does not lead leaves data of an older version alone and raises DataTooOld.
        """
        self.folder.take()
        try:
            for name in ("store", "history"):
                await getattr(self, name).open()
                self._opened.append(name)
            if leads:
                await migrate_data(self.store, MIGRATIONS, self.clock, __version__)
            else:
                await require_current(self.store, MIGRATIONS, __version__)
            self.first_password = await self.identity.open()
            await self.contexts.open()
            self._opened.append("contexts")
        except BaseException:
            await self.close()
            raise

    async def open_to_read(self) -> None:
        """Open what the reading of entities needs, and change nothing; raise DataTooOld before the leader migrated."""
        for name in ("store", "contexts"):
            await getattr(self, name).open()
            self._opened.append(name)
        await require_current(self.store, MIGRATIONS, __version__)
        await self.identity.read()

    async def read_again(self) -> None:
        """Read anew what another process changed of accounts, tokens and @contexts."""
        await self.identity.read()
        await self.contexts.read()

    async def close(self) -> None:
        """Write down what is in hand and release everything, in the reverse order."""
        if "history" in self._opened:  # else nothing was to be changed here
            await self.identity.flush()
        while self._opened:
            await getattr(self, self._opened.pop()).close()
        if self.telemetry is not None:
            await self.telemetry.close()
        self.folder.release()


def broker_settings(settings: Settings) -> BrokerSettings:
    """Give `[broker]` with the address at which clients reach the city, for @contexts that are served under it."""
    own, server = settings.section("broker", BrokerSettings), settings.server
    return replace(own, base_url=(own.base_url or server.public_url or server.url).rstrip("/"))


def city_terms(
    folder: Path, packs: Packs, chosen: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, object], list[TermConflict]]:
    """Return the terms of core, packs and city, and those on which packs disagree and the city has not decided.

    Raises Invalid for a bad `context.jsonld` or choice of the city.
    """
    own = read_terms(folder / CONTEXT)
    of_packs = [(each.name, each.terms) for each in packs.loaded]
    merged = merge_contexts(core_vocabulary()["@context"], of_packs, own, chosen)
    return merged.terms, [each for each in merged.conflicts if not each.counts]


def city_content(folder: Path, context: Context) -> Items:
    """Read the city's own files of each kind; raises Invalid naming every fault."""
    own = [kind for kind in KINDS if kind.in_city]
    return read_content(own, ContentSource("city", folder, context))


def read_policies(folder: Path, vocabulary: Context) -> Policies:
    """Read all policies with the city's own, `policies/*.cedar`, and its areas, `areas/*.geojson`; raise Invalid."""
    sources = []
    for path in sorted((folder / "policies").glob("*.cedar")):
        owner = f"policies/{path.name}"
        try:
            sources.append(PolicySource(owner, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"cannot be read: {error}", field=owner) from None
    return Policies((), sources, vocabulary, read_areas(folder / "areas"))
