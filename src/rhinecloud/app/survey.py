"""Looks a city's files over without starting it: what is wrong, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rhinecloud.app.foundation import Foundation
from rhinecloud.app.parts import rulebook_of
from rhinecloud.app.sections import read_city, read_feeds
from rhinecloud.app.seed import read_seeds
from rhinecloud.connectors.plan import CitySources, plan_feed
from rhinecloud.connectors.settings import ConnectorSettings
from rhinecloud.identity import IdentitySettings
from rhinecloud.incidents.agencies import read_agencies
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs
from rhinecloud.stream.settings import StreamSettings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `problem` is '' where all is well; `fatal` where the city would not start."""

    part: str
    what: str
    problem: str = ""
    fatal: bool = False


def survey(folder: Path, packs: Packs | None = None) -> Iterator[Finding]:
    """Look at settings, packs, vocabulary, policies, rules, feeds and agencies, in this order."""
    try:
        settings = read_city(folder)
        foundation = Foundation(settings, utc_now, packs)
    except Invalid as error:
        yield Finding("settings", str(folder), str(error), fatal=True)
        return
    yield Finding("settings", f"{len(settings.sections)} sections, {len(settings.feeds)} feeds")
    if settings.section("identity", IdentitySettings).open:
        yield Finding("identity", "access", "open: whoever reaches the port is an administrator")
    yield from _packs(foundation)
    yield from _rules(foundation)
    yield from _feeds(foundation)
    yield from _entities(foundation)


def _packs(foundation: Foundation) -> Iterator[Finding]:
    for pack in foundation.packs.loaded:
        counts = f"{len(pack.context)} terms, {len(pack.rules)} rule files, {len(pack.layers)} layers"
        yield Finding("pack", f"{pack.name} {pack.version}: {counts}")
    for failure in foundation.packs.failed:
        yield Finding("pack", failure.name, failure.reason)
    for disagreement in foundation.disagreements:
        yield Finding("context", disagreement.term, str(disagreement))


def _rules(foundation: Foundation) -> Iterator[Finding]:
    rulebook = rulebook_of(foundation)
    yield Finding("rules", f"{len(rulebook.rules)} rules")
    for problem in rulebook.problems:
        yield Finding("rules", problem.file, str(problem))


def _feeds(foundation: Foundation) -> Iterator[Finding]:
    limits = foundation.settings.section("connectors", ConnectorSettings)
    stream = foundation.settings.section("stream", StreamSettings)
    mqtt = f"mqtt://127.0.0.1:{stream.mqtt_port}" if stream.mqtt_port else ""
    sources = CitySources(
        foundation.settings.folder,
        foundation.packs.mappings(),
        mqtt,
        mqtt_topics=stream.devices_topics,
    )
    try:
        feeds = read_feeds(foundation.settings)
    except Invalid as error:
        yield Finding("feed", "city.toml", str(error), fatal=True)
        return
    for name, feed in feeds.items():
        try:
            plan_feed(name, feed, limits, sources)
            yield Finding("feed", f"{name}: {feed.connector}")
        except Invalid as error:
            yield Finding("feed", name, str(error), fatal=True)


def _entities(foundation: Foundation) -> Iterator[Finding]:
    settings = foundation.settings
    try:
        yield Finding("agencies", f"{len(read_agencies(settings.agencies))} agencies")
    except Invalid as error:
        yield Finding("agencies", "city.toml", str(error), fatal=True)
    try:
        yield Finding("entities", f"{len(read_seeds(settings.folder, foundation.context))} from the start")
    except Invalid as error:
        yield Finding("entities", "entities", str(error), fatal=True)
