"""Takes files that were edited into use without a restart: rules, mappings, layers, texts, feeds.

Everything is read and checked first. One fault refuses the whole, and what is in use stays.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from rhinecloud.app.assembly import Assembly
from rhinecloud.app.foundation import (
    Foundation,
    all_rights,
    city_terms,
    gather_city_content,
    policy_files,
    read_policies,
)
from rhinecloud.app.parts import kinds_of, read_packs
from rhinecloud.app.sections import gather_city
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, Faults
from rhinecloud.loader import Packs
from rhinecloud.part import ApplyReload, Content, Reload

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """`changed` says what is in use now; `restart` names the settings and files that differ and need a restart."""

    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class Reloader:
    """Reloads the files of one running city, one call at a time."""

    def __init__(self, foundation: Foundation, assembly: Assembly) -> None:
        self._foundation = foundation
        self._assembly = assembly
        self._busy = asyncio.Lock()
        self.reloads = 0

    async def reload(self) -> ReloadReport:
        """Read the files again and take them into use; raise Invalid naming every fault, and change nothing then."""
        try:
            return await self._reload()
        except Invalid as error:  # a fault of a file says in its text where it is
            raise Faults([Invalid(str(each)) for each in error.faults]) from None

    async def _reload(self) -> ReloadReport:
        async with self._busy:
            running = self._foundation.settings
            collector = ErrorCollector()
            settings = await asyncio.to_thread(self._read_settings, running, collector)
            packs = await asyncio.to_thread(self._read_packs, collector)
            await asyncio.to_thread(self._check_policies, packs, collector)
            content = await asyncio.to_thread(self._read_content, packs, collector)
            reload = Reload(content=content, tables=settings.tables)
            prepared = await self._prepare(reload, collector)
            collector.found = list({str(each): each for each in collector.found}.values())
            collector.finish()
            changed = [word for apply in prepared for word in await apply()]
            self.reloads += 1
            self._assembly.finish_reload()
            for each in changed:
                _log.info("reloaded: %s", each)
            return ReloadReport(tuple(changed), tuple(self._differences(settings, packs)))

    def _read_settings(self, running: LoadedSettings, collector: ErrorCollector) -> LoadedSettings:
        """Read `city.toml` and collect its faults; where it cannot be read at all, return the settings in use."""
        with collector.collect():
            return gather_city(running.folder, collector, running.overrides, running.parts)
        return running

    def _check_policies(self, packs: Packs, collector: ErrorCollector) -> None:
        """Collect the faults of policies and areas, which a restart takes into use."""
        foundation = self._foundation
        rights = all_rights(foundation.settings.parts.loaded, packs)
        with collector.collect():
            read_policies(foundation.settings.folder, foundation.context, rights)

    def _read_packs(self, collector: ErrorCollector) -> Packs:
        """Read the folders of the packs that are at work, and collect a fault of one that is broken now."""
        at_work = {pack.name for pack in self._foundation.packs.loaded}
        packs = read_packs(self._foundation.settings.parts.loaded, sorted(at_work)) if at_work else Packs()
        for failure in set(packs.failed) - set(self._foundation.packs.failed):
            collector.add(failure.reason, failure.name)
        return packs

    def _read_content(self, packs: Packs, collector: ErrorCollector) -> Content:
        foundation = self._foundation
        kinds = kinds_of(foundation.settings.parts.loaded)
        own = gather_city_content(foundation.settings.folder, foundation.context, kinds, collector)
        return packs.content(own)

    async def _prepare(self, reload: Reload, collector: ErrorCollector) -> list[ApplyReload]:
        """Let every part check what was read, and add the faults of all of them."""
        found = []
        for prepare in self._assembly.reloads():
            try:
                found.append(await prepare(reload))
            except Invalid as error:
                collector.found.extend(error.faults)
        return found

    def _differences(self, settings: LoadedSettings, packs: Packs) -> list[str]:
        """Return the sections and files that differ from those in use and need a restart; a free port is no
        difference."""
        running = self._foundation.settings
        sections = dict(settings.sections)
        if settings.server.port == 0:
            sections["server"] = replace(settings.server, port=running.server.port)
        found = [name for name, section in sections.items() if section != running.sections[name]]
        before, now = self._foundation.policy_files, policy_files(running.folder)
        found += sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        terms, _ = city_terms(running.folder, running.parts.loaded, packs, running.city.terms)
        return found if terms == self._foundation.terms else [*found, "context.jsonld"]
