"""Checks a city's files without starting it, and lists every fault with its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from rhinecloud import __version__
from rhinecloud.app.foundation import Foundation, all_rights, city_terms, gather_city_content, read_policies
from rhinecloud.app.parts import kinds_of, migrations_of, read_packs
from rhinecloud.app.sections import gather_city, sections_of, tables_of
from rhinecloud.app.settings import LoadedSettings, describe_settings
from rhinecloud.identity import IdentitySettings
from rhinecloud.kernel.errors import Invalid, Unavailable
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.part import CheckFiles, Finding, Part
from rhinecloud.store.engine import StoreSettings, make_store, read_data_versions
from rhinecloud.store.migrations import DataVersion, check_not_newer


def check_city(folder: Path, packs: Packs | None = None) -> Iterator[Finding]:
    """Check settings, parts, packs, vocabulary and policies, and then the files of each part."""
    collector = ErrorCollector()
    try:
        settings = gather_city(folder, collector)
    except Invalid as error:
        yield from _faults("settings", error)
        return
    parts = settings.parts
    if collector.found:
        yield from _faults("settings", collector.error())
    else:
        tables = ", ".join(f"{len(table.data)} {name}" for name, table in sorted(settings.tables.items()))
        yield Finding("settings", ", ".join(filter(None, [f"{len(settings.sections)} sections", tables])))
    if settings.section("identity", IdentitySettings).open:
        yield Finding("identity", "access is open: every client of the port is an administrator")
    for failure in parts.failed:
        yield from _faults("part", Invalid(failure.reason, field=failure.name), fatal=False)
    packs = read_packs(parts.loaded, settings.city.packs, packs)
    yield from _environment(settings, parts.loaded, packs)
    yield from _packs(packs)
    yield from _data(settings, parts.loaded)
    yield from _foundation(settings, packs, parts.loaded)


def _faults(part: str, error: Invalid, *, fatal: bool = True) -> Iterator[Finding]:
    for each in error.faults:
        yield Finding(part, each.field or part, str(each), fatal, each.field, each.reason)


def _environment(settings: LoadedSettings, parts: Sequence[Part], packs: Packs) -> Iterator[Finding]:
    """Report variables of the environment that look like settings but are not read."""
    sections, tables = sections_of(parts), tables_of(parts)
    kinds = dict(sections)
    for table, kind in tables.items():
        if is_dataclass(kind):
            kinds |= {f"{table}.{name}": kind for name in settings.tables[table].data}
    kinds |= packs.settings()
    known = {each.environment for each in describe_settings(kinds)}
    known |= {f"{name}_FILE" for name in known}
    prefixes = tuple(f"RHINECLOUD_{name.upper()}_" for name in [*sections, *tables])
    for name in sorted(os.environ.keys() - known):
        if name.startswith(prefixes):
            yield from _faults("settings", Invalid(unknown("variable", name, known), field=name), fatal=False)


def _packs(packs: Packs) -> Iterator[Finding]:
    for pack in packs.loaded:
        counts = [f"{len(found)} {folder}" for folder, found in pack.items.items() if found]
        summary = ", ".join([f"{len(pack.terms)} terms", *counts])
        yield Finding("pack", f"{pack.name} {pack.manifest.pack.version}: {summary}")
    for failure in packs.failed:
        yield from _faults("pack", Invalid(failure.reason, field=failure.name), fatal=False)


def _foundation(settings: LoadedSettings, packs: Packs, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check the foundation; where it can be read, all files of each part that have no fault of their own."""
    collector = ErrorCollector()
    with collector.collect():
        terms, _ = city_terms(settings.folder, parts, packs, settings.city.terms)
        read_policies(settings.folder, compile_context(terms, {}), all_rights(parts, packs))
    with collector.collect():
        make_store(settings.section("store", StoreSettings), settings.data)
    if collector.found:
        gather_city_content(settings.folder, core_context(), kinds_of(parts), collector)
        yield from _faults("city", collector.error())
        return
    foundation = Foundation(settings, utc_now, packs, faulty=collector)
    if collector.found:
        yield from _faults("city", collector.error())
    for disagreement in foundation.disagreements:
        term, said = disagreement.term, str(disagreement)
        yield Finding("context", term, said, field=term, reason=said)
    files = CheckFiles(
        folder=settings.folder,
        settings=settings,
        tables=settings.tables,
        vocabulary=foundation.context,
        content=foundation.content,
        services=foundation.services,
        area=settings.city.area(),
        zone=ZoneInfo(settings.city.timezone),
    )
    for part in parts:
        if part.check is not None:
            yield from part.check(files)


def _data(settings: LoadedSettings, parts: Iterable[Part]) -> Iterator[Finding]:
    """Compare the version of each part's stored data with that of this software."""
    migrations = migrations_of(parts)
    try:
        found = read_data_versions(settings.section("store", StoreSettings), settings.data)
        if found is None:  # a fresh city: there is nothing to migrate
            return
        check_not_newer(found, migrations, __version__)
    except Unavailable as error:
        yield Finding("data", "store", str(error), fatal=True, field="store.url", reason=str(error))
        return
    except Invalid:  # the URL names no engine: `_foundation` reports it
        return
    for name, own in migrations.items():
        version = found.get(name, DataVersion()).number
        migration = f", migrated to version {len(own)} at the next start" if version < len(own) else ""
        yield Finding("data", f"{name}: version {version}{migration}")
