"""What connectors contribute: the feeds of a city, their dead letters, and `/feeds` and `/deadletters`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from pydantic import BaseModel, Field

from rhinecloud.broker.service import Broker
from rhinecloud.connectors.content import FIXTURES, MAPPINGS
from rhinecloud.connectors.feeds import Feeds, IngestContext, UnavailableFeed
from rhinecloud.connectors.mapping import DeclaredMapping
from rhinecloud.connectors.plan import CitySources, FeedPlan, plan_feed, plan_feeds
from rhinecloud.connectors.routes import FeedView, deadletter_routes, feed_routes, mapping_routes
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.connectors.trial import MappingTrial
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.declarative import ParsedDocument
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.kernel.faults import ErrorCollector, Faults
from rhinecloud.kernel.settings import read_section
from rhinecloud.pack.installed import InstalledPacks
from rhinecloud.part import ApplyReload, CheckFiles, Finding, OpenPart, Part, PartContext, Reload
from rhinecloud.part.metrics import PREFIX
from rhinecloud.store.port import Store
from rhinecloud.stream.settings import StreamSettings

TABLE = "feeds"
READY_S = 30.0
"""How long an expected endpoint may take to open, on a slow machine with cold caches."""
OUTCOMES = ("received", "accepted", "unchanged", "late", "ignored", "dead", "dropped", "outside")


class FeedsStatus(BaseModel):
    """The feeds, and messages a second of all of them."""

    feeds: list[FeedView]
    messages_per_s: float = Field(description="Messages a second of all feeds over the last minute")


def read_feeds(tables: ParsedDocument) -> dict[str, FeedSettings]:
    """Return each table `[feeds.<name>]` as settings; raise Invalid naming everything that is wrong."""
    feeds, collector = {}, ErrorCollector()
    for name in tables.data:
        with collector.collect():
            feeds[name] = read_section(f"{TABLE}.{name}", FeedSettings, tables.part(name), os.environ)
    collector.finish()
    return feeds


def find_unavailable(feeds: Mapping[str, FeedSettings], packs: InstalledPacks) -> list[UnavailableFeed]:
    """Return the feeds whose mapping or codec is of a pack that could not be loaded; the others run."""
    return [
        UnavailableFeed(name, feed.connector, f"the pack {pack} could not be loaded: {packs.failed[pack]}")
        for name, feed in feeds.items()
        for pack in sorted({each.partition(".")[0] for each in (feed.mapping, feed.connector)})
        if pack in packs.failed
    ]


class CityFeeds:
    """The feeds of one space, started once their peers are available."""

    def __init__(self, context: PartContext) -> None:
        services, stream = context.services, context.settings.section("stream", StreamSettings)
        limits = context.settings.section("connectors", ConnectorSettings)
        own_mqtt = context.addresses.mqtt_url
        packs = services.get(InstalledPacks)
        sources = CitySources(
            context.folder,
            packs.mappings,
            own_mqtt,
            "connectors",
            context.access.token_for(part("connectors")) if own_mqtt else "",
            stream.devices_topics,
            codecs=packs.codecs,
            contexts=packs.contexts,
            area=context.area,
            zone=context.zone,
        )
        self._limits = limits
        self._sources = sources
        self._packs = packs
        feeds = read_feeds(context.tables[TABLE])
        self._settings = self._able(feeds)
        plans = _plan_placed(self._settings, limits, sources, context.tables[TABLE])
        store = services.get(Store)
        ingest_context = IngestContext(services.get(Broker), context.vocabulary, store, context.clock)
        self.feeds = Feeds(plans, limits, ingest_context, find_unavailable(feeds, packs))
        self._expected = context.addresses.expected
        self._listening = bool(own_mqtt)

    async def run(self) -> None:
        """Start the feeds; those whose peer is being started by another part wait until it answers."""
        awaited = {
            name: endpoint
            for name, feed in self._settings.items()
            if feed.url and (endpoint := _endpoint(feed.url)) in self._expected
        }
        await self.feeds.start({name: self._expected[endpoint] for name, endpoint in awaited.items()})
        if awaited:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_S):
                    for host, port in set(awaited.values()):
                        await _until_it_answers(host, port)
            self.feeds.start_waiting()

    def _able(self, feeds: Mapping[str, FeedSettings]) -> dict[str, FeedSettings]:
        """Return the feeds without those whose pack could not be loaded."""
        unavailable = {each.name for each in find_unavailable(feeds, self._packs)}
        return {name: feed for name, feed in feeds.items() if name not in unavailable}

    def make_trial(self, feed: str, connector: str) -> MappingTrial:
        """Return a trial of mappings with the settings of a feed, or with a connector; raise NotFound."""
        if feed and feed not in self._settings:
            raise NotFound(f"there is no feed {feed}")
        settings = self._settings[feed] if feed else FeedSettings(connector=connector)
        return MappingTrial(settings, self._sources, self._limits)

    async def prepare_reload(self, reload: Reload) -> ApplyReload:
        """Plan every feed again; raise Invalid where one of them cannot run."""
        settings = self._able(read_feeds(reload.tables[TABLE]))
        declared = {
            f"{item.source.owner}.{item.path.stem}": item.value for item in reload.content.of(MAPPINGS)
        }
        in_python = {
            name: mapping
            for name, mapping in self._sources.mappings.items()
            if not isinstance(mapping, DeclaredMapping)
        }
        sources = replace(self._sources, mappings={**declared, **in_python})
        plans = _plan_placed(settings, self._limits, sources, reload.tables[TABLE])

        async def apply() -> list[str]:
            self._settings, self._sources = settings, sources
            return await self.feeds.replace(plans)

        return apply

    async def status(self) -> dict[str, Any]:
        """Return the members of `FeedsStatus`."""
        feeds = [asdict(feed) for feed in self.feeds.status()]
        return {"feeds": feeds, "messages_per_s": round(sum(feed["rate_per_s"] for feed in feeds), 2)}

    async def metrics(self) -> Iterable[Metric]:
        """Return the metrics of each feed."""
        messages = CounterMetricFamily(
            f"{PREFIX}feed_messages", "Messages of a feed by outcome.", labels=["feed", "outcome"]
        )
        states = GaugeMetricFamily(
            f"{PREFIX}feed_state", "1 for the present state of a feed.", labels=["feed", "state"]
        )
        read = CounterMetricFamily(f"{PREFIX}feed_received_bytes", "Bytes received.", labels=["feed"])
        again = CounterMetricFamily(f"{PREFIX}feed_reconnects", "New connections.", labels=["feed"])
        waiting = GaugeMetricFamily(f"{PREFIX}feed_waiting", "Parcels in the queue.", labels=["feed"])
        ignored = CounterMetricFamily(
            f"{PREFIX}feed_ignored", "What a feed ignored, by reason.", labels=["feed", "reason"]
        )
        for feed in self.feeds.status():
            figures = asdict(feed)
            for outcome in OUTCOMES:
                messages.add_metric([feed.name, outcome], figures[outcome])
            states.add_metric([feed.name, str(feed.state)], 1)
            read.add_metric([feed.name], feed.received_bytes)
            again.add_metric([feed.name], feed.reconnects)
            waiting.add_metric([feed.name], feed.waiting)
            for each in feed.ignored_by_reason:
                ignored.add_metric([feed.name, each.reason], each.count)
        return [messages, states, read, again, waiting, ignored]


@asynccontextmanager
async def open_connectors(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the feeds of this space, which start with the workers."""
    made = CityFeeds(context)
    viewer, operator = context.access.may("see_status"), context.access.may("operate")
    try:
        yield OpenPart(
            routers=[
                feed_routes(made.feeds, viewer),
                deadletter_routes(made.feeds, viewer, operator),
                mapping_routes(made.make_trial, context.clock, operator),
            ],
            workers={"feeds": made.run},
            ready=made.feeds.listening,
            status=made.status,
            metrics=made.metrics,
            prepare_reload=made.prepare_reload,
        )
    finally:
        await made.feeds.stop()


def check_feeds(files: CheckFiles) -> Iterable[Finding]:
    """Plan each feed without starting it."""
    limits = files.settings.section("connectors", ConnectorSettings)
    stream = files.settings.section("stream", StreamSettings)
    mqtt = f"mqtt://127.0.0.1:{stream.mqtt_port}" if stream.mqtt_port else ""
    packs = files.services.get(InstalledPacks)
    sources = CitySources(
        files.folder,
        packs.mappings,
        mqtt,
        mqtt_topics=stream.devices_topics,
        codecs=packs.codecs,
        contexts=packs.contexts,
        area=files.area,
        zone=files.zone,
    )
    for name, table in files.tables[TABLE].data.items():
        collector = ErrorCollector()
        settings = _read_leniently(name, files.tables[TABLE].part(name), collector)
        if not collector.found and (unavailable := find_unavailable({name: settings}, packs)):
            yield Finding(
                "feed", name, unavailable[0].reason, field=f"{TABLE}.{name}", reason=unavailable[0].reason
            )
            continue
        with collector.collect():
            plan_feed(name, settings, limits, sources)
        if not collector.found:
            yield Finding("feed", f"{name}: {table.get('connector', '')}")
        for each in map(files.tables[TABLE].placed, collector.found):
            yield Finding("feed", each.field or "feed", str(each), True, each.field, each.reason)


def _plan_placed(
    feeds: Mapping[str, FeedSettings], limits: ConnectorSettings, sources: CitySources, tables: ParsedDocument
) -> list[FeedPlan]:
    """Return the plans of all feeds; raise Invalid with the place of each fault in `tables`."""
    try:
        return plan_feeds(feeds, limits, sources)
    except Invalid as error:
        raise Faults(list(map(tables.placed, error.faults))) from None


def _read_leniently(name: str, table: ParsedDocument, collector: ErrorCollector) -> FeedSettings:
    """Return a feed's settings without the invalid ones, whose faults are added to `collector`."""
    place = f"{TABLE}.{name}"
    try:
        return read_section(place, FeedSettings, table, os.environ)
    except Invalid as error:
        collector.found.extend(error.faults)
        wrong = {each.field.removeprefix(f"{place}.").partition(".")[0] for each in error.faults}
        return read_section(
            place, FeedSettings, {key: value for key, value in table.data.items() if key not in wrong}, {}
        )


def _endpoint(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    return ("127.0.0.1" if host == "localhost" else host), parts.port


async def _until_it_answers(host: str, port: int | None) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


PART = Part(
    name="connectors",
    summary="Feeds: they connect to the city's sources and turn what they send into entities.",
    open=open_connectors,
    content=(MAPPINGS, FIXTURES),
    settings={"connectors": ConnectorSettings},
    tables={TABLE: FeedSettings},
    records={"deadletter": "A message that could not be processed, with the reason."},
    status=FeedsStatus,
    check=check_feeds,
)
