"""Takes files that were edited into use without a restart: rules, mappings, layers, texts, feeds.

Everything is read and checked first. One fault refuses the whole, and what is in use stays.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from rhinecloud.app.assembly import Assembly
from rhinecloud.app.foundation import Foundation, city_terms, gather_city_content
from rhinecloud.app.parts import kinds_of, read_packs
from rhinecloud.app.sections import read_city
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, Faults
from rhinecloud.loader import Packs
from rhinecloud.part import ApplyReload, Content, Reload

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """`changed` says what is in use now; `restart` names the settings that differ and need a restart."""

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
            settings = await asyncio.to_thread(read_city, running.folder, running.overrides)
            packs = await asyncio.to_thread(self._read_packs, settings)
            collector = ErrorCollector()
            content = await asyncio.to_thread(self._read_content, packs, collector)
            reload = Reload(content=content, tables=settings.tables)
            prepared = await self._prepare(reload, collector)
            collector.finish()
            changed = [word for apply in prepared for word in await apply()]
            self.reloads += 1
            self._assembly.finish_reload()
            for each in changed:
                _log.info("reloaded: %s", each)
            return ReloadReport(tuple(changed), tuple(self._differences(settings, packs)))

    def _read_packs(self, settings: LoadedSettings) -> Packs:
        """Read the folders of the packs that are at work; raise Invalid for one that is broken now."""
        at_work = {pack.name for pack in self._foundation.packs.loaded}
        packs = read_packs(self._foundation.settings.parts.loaded, sorted(at_work)) if at_work else Packs()
        collector = ErrorCollector()
        for failure in set(packs.failed) - set(self._foundation.packs.failed):
            collector.add(failure.reason, failure.name)
        collector.finish()
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
        """Return the sections, and `context.jsonld`, that differ from those in use; a free port is no difference."""
        running = self._foundation.settings
        sections = dict(settings.sections)
        if settings.server.port == 0:
            sections["server"] = replace(settings.server, port=running.server.port)
        found = [name for name, section in sections.items() if section != running.sections[name]]
        terms, _ = city_terms(running.folder, running.parts.loaded, packs, running.city.terms)
        return found if terms == self._foundation.terms else [*found, "context.jsonld"]
