"""Looks a city's files over without starting it: what is wrong, and where. It goes on after a fault, to find all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhinecloud import __version__
from rhinecloud.app.content import KINDS
from rhinecloud.app.foundation import MIGRATIONS, Foundation, city_content, city_terms, read_policies
from rhinecloud.app.parts import rulebook_of
from rhinecloud.app.sections import FEED, SECTIONS, gather_city
from rhinecloud.app.seed import read_seeds
from rhinecloud.app.settings import FEEDS, Settings, describe_settings
from rhinecloud.connectors.plan import CitySources, plan_feed
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.identity import IdentitySettings
from rhinecloud.incidents.agencies import read_agencies
from rhinecloud.kernel.errors import Invalid, Unavailable
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.kernel.settings import read_section
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs, find_packs
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.store.engine import StoreSettings, make_store, read_data_versions
from rhinecloud.store.migrations import DataVersion, check_not_newer
from rhinecloud.stream.settings import StreamSettings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `problem` is '' where all is well, else `field` (a setting, a file and the place in it) and `reason` in one;
    `fatal` where the city would not start.
    """

    part: str
    what: str
    problem: str = ""
    fatal: bool = False
    field: str = ""
    reason: str = ""


def survey(folder: Path, packs: Packs | None = None) -> Iterator[Finding]:
    """Look at settings, packs, vocabulary, policies, rules, feeds and agencies, in this order."""
    collector = ErrorCollector()
    try:
        settings = gather_city(folder, collector)
    except Invalid as error:
        yield from _wrong("settings", error)
        return
    if collector.found:
        yield from _wrong("settings", collector.error())
    else:
        yield Finding("settings", f"{len(settings.sections)} sections, {len(settings.feeds)} feeds")
    yield from _environment(settings)
    if settings.section("identity", IdentitySettings).open:
        yield Finding("identity", "access is open: whoever reaches the port is an administrator")
    packs = find_packs(settings.city.packs, kinds=KINDS) if packs is None else packs
    yield from _packs(packs)
    yield from _feeds(settings, packs)
    yield from _agencies(settings)
    yield from _data(settings)
    yield from _foundation(settings, packs)


def _wrong(part: str, error: Invalid, *, fatal: bool = True) -> Iterator[Finding]:
    for each in error.faults:
        yield Finding(part, each.field or part, str(each), fatal, each.field, each.reason)


def _environment(settings: Settings) -> Iterator[Finding]:
    """Name variables that look like settings and are none: nobody reads them."""
    kinds = {**SECTIONS, **{f"feeds.{name}": FEED for name in settings.feeds}}
    known = {each.environment for each in describe_settings(kinds)}
    known |= {f"{name}_FILE" for name in known}
    sections = tuple(f"RHINECLOUD_{name.upper()}_" for name in [*SECTIONS, FEEDS])
    for name in sorted(os.environ.keys() - known):
        if name.startswith(sections):
            yield from _wrong("settings", Invalid(unknown("variable", name, known), field=name), fatal=False)


def _packs(packs: Packs) -> Iterator[Finding]:
    for pack in packs.loaded:
        counts = [f"{len(found)} {folder}" for folder, found in pack.items.items() if found]
        said = ", ".join([f"{len(pack.terms)} terms", *counts])
        yield Finding("pack", f"{pack.name} {pack.manifest.pack.version}: {said}")
    for failure in packs.failed:
        yield from _wrong("pack", Invalid(failure.reason, field=failure.name), fatal=False)


def _foundation(settings: Settings, packs: Packs) -> Iterator[Finding]:
    """Look at what everything else stands on; where it stands, at rules and entities."""
    collector = ErrorCollector()
    with collector.collect():
        terms, _ = city_terms(settings.folder, packs, settings.city.terms)
        read_policies(settings.folder, compile_context(terms, {}))
    with collector.collect():
        city_content(settings.folder, core_context())
    with collector.collect():
        make_store(settings.section("store", StoreSettings), settings.data)
    if collector.found:
        yield from _wrong("city", collector.error())
        return
    foundation = Foundation(settings, utc_now, packs)
    for disagreement in foundation.disagreements:
        problem = Invalid(str(disagreement), field=disagreement.term)
        yield from _wrong("context", problem, fatal=False)
    yield from _rules(foundation)
    try:
        yield Finding("entities", f"{len(read_seeds(settings.folder, foundation.context))} from the start")
    except Invalid as error:
        yield from _wrong("entities", error)


def _rules(foundation: Foundation) -> Iterator[Finding]:
    settings = foundation.settings.section("risk", RiskSettings)
    rulebook = rulebook_of(foundation)
    yield Finding("rules", f"{len(rulebook.rules)} rules")
    for problem in rulebook.problems:
        yield Finding("rules", problem.file, str(problem), field=problem.file, reason=str(problem))
    collector = ErrorCollector()
    for path in settings.rules:
        if settings.rules != RiskSettings().rules and not (foundation.settings.folder / path).exists():
            collector.add(f"there is no {foundation.settings.folder / path}", "risk.rules")
    known = {rule.id for rule in rulebook.rules}
    for rule_id in settings.off:
        if rule_id not in known:
            collector.add(unknown(f"rule {rule_id!r}", rule_id, known), "risk.off")
    if collector.found:
        yield from _wrong("rules", collector.error(), fatal=False)


def _feeds(settings: Settings, packs: Packs) -> Iterator[Finding]:
    limits = settings.section("connectors", ConnectorSettings)
    stream = settings.section("stream", StreamSettings)
    mqtt = f"mqtt://127.0.0.1:{stream.mqtt_port}" if stream.mqtt_port else ""
    sources = CitySources(
        settings.folder,
        packs.mappings(),
        mqtt,
        mqtt_topics=stream.devices_topics,
        codecs=packs.codecs(),
        contexts=packs.contexts(),
    )
    for name, table in settings.feeds.items():
        collector = ErrorCollector()
        with collector.collect():
            plan_feed(name, _feed(name, table, collector), limits, sources)
        if collector.found:
            yield from _wrong("feed", collector.error())
        else:
            yield Finding("feed", f"{name}: {table.get('connector', '')}")


def _feed(name: str, table: Mapping[str, Any], collector: ErrorCollector) -> FeedSettings:
    """Read a feed's table; what is wrong goes to `collector`, and the rest is read as if that were not there."""
    try:
        return read_section(f"feeds.{name}", FEED, table, os.environ)
    except Invalid as error:
        collector.found.extend(error.faults)
        wrong = {each.field.removeprefix(f"feeds.{name}.").partition(".")[0] for each in error.faults}
        sound = {key: value for key, value in table.items() if key not in wrong}
        return read_section(f"feeds.{name}", FEED, sound, {})


def _data(settings: Settings) -> Iterator[Finding]:
    """Compare the version of each part's stored data with what this software works with."""
    try:
        found = read_data_versions(settings.section("store", StoreSettings), settings.data)
        if found is not None:
            check_not_newer(found, MIGRATIONS, __version__)
    except Unavailable as error:
        yield Finding("data", "store", str(error), fatal=True, field="store.url", reason=str(error))
        return
    except Invalid:  # no engine is named: `_foundation` says so
        return
    for name, own in MIGRATIONS.items():
        version = found.get(name, DataVersion()).number if found is not None else len(own)
        goes_on = f", brought to version {len(own)} at the next start" if version < len(own) else ""
        yield Finding("data", f"{name}: version {version}{goes_on}")


def _agencies(settings: Settings) -> Iterator[Finding]:
    try:
        yield Finding("agencies", f"{len(read_agencies(settings.agencies))} agencies")
    except Invalid as error:
        yield from _wrong("agencies", error)
