"""What every process of a city opens first: the engines of state and history, identity, policy, and packs' content.

The parts use it (`assembly`): all of them in a running city, some in a reader process or offline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from rhinecloud import __version__
from rhinecloud.app.folder import DataFolder
from rhinecloud.app.parts import kinds_of, migrations_of, read_packs, rights_of
from rhinecloud.app.records import StoreRecords
from rhinecloud.app.settings import CitySettings, LoadedSettings
from rhinecloud.app.telemetry import TelemetrySettings, make_telemetry
from rhinecloud.audit import AuditSettings, AuditTrail
from rhinecloud.history.port import History
from rhinecloud.history.settings import HistorySettings
from rhinecloud.history.sqlite import HotTable
from rhinecloud.identity import Identity, IdentitySettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.kernel.time import Clock
from rhinecloud.loader import Packs, TermConflict, merge_contexts
from rhinecloud.loader.content import Items, gather_content
from rhinecloud.loader.context import TermConflicts
from rhinecloud.loader.folder import CONTEXT, read_terms
from rhinecloud.loader.rights import rights_of_pack
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.pack.installed import InstalledPacks
from rhinecloud.part import ContentKind, ContentSource, Part, Rights, Services, WebModules
from rhinecloud.policy import Authorization, Denied, Policies, PolicySource, read_areas
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.migrations import migrate_data, require_current
from rhinecloud.store.port import Store


class Foundation:
    """State, history, identity, policy and packs of one city, from `open` to `close`; `services` has them for parts."""

    def __init__(
        self,
        settings: LoadedSettings,
        clock: Clock,
        packs: Packs | None = None,
        *,
        reads_only: bool = False,
        faulty: ErrorCollector | None = None,
    ) -> None:
        """Read the city's files; raise Invalid for a fault. Nothing is opened yet.

        With `faulty` the faults of content are added to it, and the files that have one are left out.

        With `reads_only` it is opened by `open_to_read`, beside the process that runs the city.
        """
        self.settings = settings
        self.clock = clock
        self.started_at: datetime = clock()
        parts = settings.parts.loaded
        self.migrations = migrations_of(parts)
        kinds = kinds_of(parts)
        self.packs = read_packs(parts, settings.city.packs, packs)
        terms, self.disagreements = city_terms(settings.folder, parts, self.packs, settings.city.terms)
        self.terms = terms
        self.context: Context = compile_context(terms, {})
        collector = ErrorCollector() if faulty is None else faulty
        own_content = gather_city_content(settings.folder, self.context, kinds, collector)
        if faulty is None:
            collector.finish()
        self.content = self.packs.content(own_content)
        self.folder = DataFolder(settings.data)
        store = settings.section("store", StoreSettings)
        wanted = (name for each in parts for name in each.indexes)
        own = (self.context.name(name) for name in (*wanted, *store.indexes))
        indexes = dict.fromkeys((*own, *self.packs.indexes()))
        self.telemetry = make_telemetry(settings.section("telemetry", TelemetrySettings))
        self.store = make_store(store, settings.data, reads_only=reads_only, indexes=tuple(indexes))
        if self.telemetry is not None:
            self.store = self.telemetry.around_store(self.store)
        timeline = settings.section("history", HistorySettings).timeline_types
        self.history = HotTable(settings.data / "history.db", timeline)
        self.policy = Authorization(
            read_policies(settings.folder, self.context, all_rights(parts, self.packs)),
            clock,
            ZoneInfo(settings.city.timezone),
        )
        self.policy_files = policy_files(settings.folder)
        self.audit = AuditTrail(settings.data / "audit", settings.section("audit", AuditSettings), clock)
        self.policy.on_denied(self._record_refusal)
        self.identity = Identity(
            StoreRecords(self.store), settings.section("identity", IdentitySettings), clock
        )
        self.services = Services()
        self.services.add(Store, self.store)
        self.services.add(History, self.history)
        self.services.add(Authorization, self.policy)
        self.services.add(AuditTrail, self.audit)
        self.services.add(Identity, self.identity)
        self.services.add(Packs, self.packs)
        own_pages = [page for part in parts for page in part.web]
        of_packs = [page for each in self.packs.loaded for page in each.pack.web]
        self.services.add(WebModules, WebModules((*own_pages, *of_packs)))
        self.services.add(TermConflicts, TermConflicts(self.disagreements))
        self.services.add(
            InstalledPacks,
            InstalledPacks(
                self.packs.mappings(),
                self.packs.codecs(),
                self.packs.contexts(),
                {each.name: each.reason for each in self.packs.failed},
            ),
        )
        self._opened: list[str] = []
        self.first_password = ""

    @property
    def city(self) -> CitySettings:
        """Return the settings `[city]`."""
        return self.settings.city

    @property
    def tenant(self) -> str:
        """Return the city's own tenant."""
        return self.city.tenant

    async def open(self, *, leads: bool = True) -> None:
        """Lock the data folder, open the engines, and migrate the data; raise InUse or Unavailable.

        A process that does not lead does not migrate: it raises DataTooOld for data of an older version.
        """
        self.folder.take()
        try:
            for name in ("store", "history"):
                await getattr(self, name).open()
                self._opened.append(name)
            if leads:
                await migrate_data(self.store, self.migrations, self.clock, __version__)
            else:
                await require_current(self.store, self.migrations, __version__)
            self.first_password = await self.identity.open()
        except BaseException:
            await self.close()
            raise

    async def open_to_read(self) -> None:
        """Open what is needed to read entities, without changes; raise DataTooOld before the leader has migrated."""
        await self.store.open()
        self._opened.append("store")
        await require_current(self.store, self.migrations, __version__)
        await self.identity.read()

    async def close(self) -> None:
        """Save what is in memory, and close everything in the reverse order."""
        if "history" in self._opened:  # else it was opened to read
            await self.identity.flush()
        while self._opened:
            await getattr(self, self._opened.pop()).close()
        if self.telemetry is not None:
            await self.telemetry.close()
        self.audit.close()
        self.folder.release()

    def _record_refusal(self, denied: Denied) -> None:
        self.audit.refuse(denied.actor, denied.action, denied.resource, ", ".join(denied.policies))


def all_rights(parts: Sequence[Part], packs: Packs) -> list[tuple[str, Rights]]:
    """Return what parts and packs contribute to authorization."""
    of_parts = rights_of(parts)
    known = [action.name for _, rights in of_parts for action in rights.actions]
    return [*of_parts, *((each.name, rights_of_pack(each, known)) for each in packs.loaded)]


def city_terms(
    folder: Path, parts: Iterable[Part], packs: Packs, chosen: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, object], list[TermConflict]]:
    """Return the terms of core, parts, packs and city, and those on which two disagree and the city has not decided.

    Raise Invalid for a bad `context.jsonld` or choice of the city.
    """
    own = read_terms(folder / CONTEXT)
    of_parts = [(each.name, each.vocabulary) for each in parts if each.vocabulary]
    of_packs = [(each.name, each.terms) for each in packs.loaded]
    merged = merge_contexts(core_vocabulary()["@context"], [*of_parts, *of_packs], own, chosen)
    return merged.terms, [each for each in merged.conflicts if not each.counts]


def gather_city_content(
    folder: Path, context: Context, kinds: Iterable[ContentKind[Any]], collector: ErrorCollector
) -> Items:
    """Read the city's own files of each kind; add the faults to the collector and leave those files out."""
    own = [kind for kind in kinds if kind.in_city]
    return gather_content(own, ContentSource("city", folder, context), collector)


def policy_files(folder: Path) -> dict[str, bytes]:
    """Return what the city's own policies and areas are read from: each file's name with a digest."""
    paths = [*(folder / "policies").glob("*.cedar"), *(folder / "areas").glob("*.geojson")]
    found = {}
    for path in paths:
        with suppress(OSError):
            found[f"{path.parent.name}/{path.name}"] = hashlib.sha256(path.read_bytes()).digest()
    return found


def read_policies(folder: Path, vocabulary: Context, rights: Sequence[tuple[str, Rights]]) -> Policies:
    """Read all policies with the city's own, `policies/*.cedar`, and its areas, `areas/*.geojson`; raise Invalid."""
    sources = []
    for path in sorted((folder / "policies").glob("*.cedar")):
        owner = f"policies/{path.name}"
        try:
            sources.append(PolicySource(owner, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"cannot read the file: {error}", field=owner) from None
    return Policies(rights, sources, vocabulary, read_areas(folder / "areas"))
