"""A city with real engines for feeds: store, broker, the packs' vocabulary and mappings; servers on free ports."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policies import shipped
from rhinecloud.broker.service import Broker
from rhinecloud.connectors.feeds import Feeds, IngestContext
from rhinecloud.connectors.model import FeedStatus
from rhinecloud.connectors.plan import CitySources, plan_feeds
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.settings import read_section
from rhinecloud.kernel.time import Clock, utc_now
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.pack import Mapping as Meaning
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Store
from rhinecloud_packs.environment import pack as environment
from rhinecloud_packs.port import pack as port
from rhinecloud_packs.transport import pack as transport

FIXTURES = Path(__file__).parent / "fixtures"
PACKS = (port, transport, environment)
TESTER = part("test")


def city_context() -> Context:
    """The house's terms and those of the packs."""
    terms = dict(core_vocabulary()["@context"])
    for pack in PACKS:
        terms = {**json.loads((pack.root / "context.jsonld").read_text())["@context"], **terms}
    return compile_context(terms, {})


CONTEXT = city_context()
MAPPINGS: dict[str, Meaning] = {
    f"{pack.name}.{name}": mapping for pack in PACKS for name, mapping in pack.mappings.items()
}


def feed_settings(**table: Any) -> FeedSettings:
    """Read a feed's table as `city.toml` would have it."""
    return read_section("feeds.test", FeedSettings, table, {})


def connector_settings(**table: Any) -> ConnectorSettings:
    """Read the section `[connectors]`; retries are quick, so that tests are."""
    quick = {"first_retry_s": 0.02, "longest_retry_s": 0.1}
    return read_section("connectors", ConnectorSettings, {**quick, **table}, {})


@dataclass
class City:
    """Store and broker at work, and the feeds that were started."""

    root: Path
    store: Store
    broker: Broker
    clock: Clock = utc_now
    mqtt_url: str = ""
    running: list[Feeds] = field(default_factory=list)

    async def feed(self, limits: Mapping[str, Any] | None = None, **table: Any) -> Feeds:
        """Start one feed named `test`."""
        settings = connector_settings(**(limits or {}))
        sources = CitySources(self.root, MAPPINGS, self.mqtt_url)
        plans = plan_feeds({"test": feed_settings(**table)}, settings, sources)
        world = IngestContext(self.broker, CONTEXT, self.store, self.clock, chance=random.Random(7))
        feeds = Feeds(plans, settings, world)
        self.running.append(feeds)
        await feeds.start()
        return feeds

    async def entities(self, type_name: str) -> dict[str, dict[str, Any]]:
        """Give all entities of a type by id, each as attribute names and plain values."""
        query = EntityQuery(types=((CONTEXT.expand(type_name),),), limit=10_000)
        page = await self.broker.query(TESTER, "", query)
        found = {}
        for stored in page.items:
            entity = stored.entity()
            values = {CONTEXT.compact(name): instances[0].value for name, instances in entity.attrs.items()}
            found[entity.id] = values
        return found

    async def instance(self, entity_id: str, attribute: str) -> Any:
        """Give the first instance of an attribute."""
        return (await self.broker.get(TESTER, "", entity_id)).entity().attrs[CONTEXT.expand(attribute)][0]


@asynccontextmanager
async def open_city(
    root: Path, clock: Clock = utc_now, kept: StoreSettings | None = None
) -> AsyncIterator[City]:
    """Open a city in a folder, and stop its feeds at the end; its state is there too, or where `kept` says."""
    store = make_store(kept or StoreSettings(), root)
    await store.open()
    city = City(root, store, Broker(store, shipped(), clock), clock)
    try:
        yield city
    finally:
        await asyncio.gather(*(feeds.stop() for feeds in city.running))
        await store.close()


def status(feeds: Feeds) -> FeedStatus:
    """Give the status of the one feed."""
    return feeds.status()[0]


async def until(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
