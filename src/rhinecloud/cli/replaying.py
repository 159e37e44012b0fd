"""Plays a recording into a running city: through link, codec and mapping of a feed to the broker's HTTP API."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rhinecloud.app.foundation import city_terms
from rhinecloud.app.parts import read_packs
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.cli.city_client import HttpCityClient
from rhinecloud.connectors.inlet import BoundedInlet
from rhinecloud.connectors.links import LinkContext
from rhinecloud.connectors.model import FeedCounters
from rhinecloud.connectors.part import TABLE, read_feeds
from rhinecloud.connectors.pipeline import EntityDraft, Pipeline, ReadItem
from rhinecloud.connectors.plan import CitySources, FeedPlan, plan_feed
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.kernel.errors import Invalid, RhineCloudError
from rhinecloud.kernel.faults import unknown
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader.model import Packs
from rhinecloud.ngsild.context import Context, compile_context, core_context
from rhinecloud.ngsild.parsing import parse_fragment
from rhinecloud.ngsild.representation import Options, render
from rhinecloud.pack.codec import DecodeFault, Ignored
from rhinecloud.store.port import Written

UPSERT = "/ngsi-ld/v1/entityOperations/upsert"
REASONS = 10


def choose_feed(settings: LoadedSettings, name: str, connector: str, mapping: str) -> FeedSettings:
    """Return the feed of that name, or one of a connector and a mapping. Raise Invalid."""
    if not name:
        if not connector or not mapping:
            raise Invalid("--feed, or --connector and --mapping, must be given")
        return FeedSettings(connector=connector, mapping=mapping)
    feeds = read_feeds(settings.tables[TABLE])
    if name not in feeds:
        raise Invalid(unknown("feed", name, feeds), field="--feed")
    return feeds[name]


def sources_of(settings: LoadedSettings, packs: Packs | None = None) -> CitySources:
    """Return the mappings and codecs that a city's feeds may name, read from its files."""
    found = packs or read_packs(settings.parts.loaded, settings.city.packs)
    return CitySources(
        settings.folder,
        found.mappings(),
        codecs=found.codecs(),
        contexts=found.contexts(),
        area=settings.city.area(),
        zone=ZoneInfo(settings.city.timezone),
    )


class Replay:
    """Plays one recording into a running city."""

    def __init__(self, client: HttpCityClient, settings: LoadedSettings, feed: FeedSettings) -> None:
        parts = settings.parts.loaded
        packs = read_packs(parts, settings.city.packs)
        self._client = client
        self._limits = settings.section("connectors", ConnectorSettings)
        self._context: Context = compile_context(
            city_terms(settings.folder, parts, packs, settings.city.terms)[0], {}
        )
        self._tenant = feed.tenant
        self._plan: FeedPlan = plan_feed("replay", feed, self._limits, sources_of(settings, packs))
        self._counts: dict[str, Any] = {
            "received": 0,
            "accepted": 0,
            "unchanged": 0,
            "ignored": 0,
            "dead": 0,
            "reasons": [],
        }

    async def run(self, *, quiet: bool) -> Mapping[str, Any]:
        """Play the recording to its end, and return the counts and the first reasons of faults."""
        plan, limits = self._plan, self._limits
        pipeline = Pipeline(plan.make_codec(), plan.meaning, self._ingest, plan.marks)
        inlet = BoundedInlet(limits.queue_parcels, limits.queue_bytes, FeedCounters(), lambda: None)
        link = plan.make_link(LinkContext(limits, utc_now, time.monotonic, random.random))
        with _progress(quiet) as progress:
            task = progress.add_task("")
            reading = asyncio.create_task(link.run(inlet))
            working = asyncio.create_task(self._work(inlet, pipeline, progress, task))
            await asyncio.wait({reading, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                drained = asyncio.create_task(inlet.drained())
                await asyncio.wait({drained, working}, return_when=asyncio.FIRST_COMPLETED)
                drained.cancel()
            for each in (reading, working):
                if each.done() and each.exception():
                    raise each.exception() or AssertionError
                each.cancel()
            await asyncio.gather(reading, working, return_exceptions=True)
        return self._counts

    async def _work(self, inlet: BoundedInlet, pipeline: Pipeline, progress: Progress, task: Any) -> None:
        while True:
            parcels = await inlet.take(self._limits.batch)
            items = [item for parcel in parcels for item in pipeline.read(parcel)]
            for start in range(0, len(items), self._limits.batch):
                await self._write(pipeline, items[start : start + self._limits.batch])
            inlet.finish(len(parcels))
            progress.update(task, description=f"{self._counts['received']:,} messages")

    async def _write(self, pipeline: Pipeline, items: Sequence[ReadItem]) -> None:
        drafts = [item for item in items if isinstance(item, EntityDraft)]
        outcome = await pipeline.write(drafts)
        faults = [*(item for item in items if isinstance(item, DecodeFault)), *outcome.faults]
        counts = self._counts
        counts["received"] += len(drafts)
        counts["accepted"] += outcome.accepted
        counts["unchanged"] += outcome.unchanged
        counts["ignored"] += len(outcome.ignored) + sum(isinstance(item, Ignored) for item in items)
        counts["dead"] += len(faults)
        counts["reasons"] = [*counts["reasons"], *(fault.reason for fault in faults)][:REASONS]

    async def _ingest(self, fragments: Sequence[dict[str, Any]]) -> Sequence[Written | Exception]:
        """Send fragments as a batch upsert, with whole IRIs, so that no context is needed."""
        bodies = [
            render(parse_fragment(fragment, self._plan.context or self._context), core_context(), Options())
            for fragment in fragments
        ]
        answer = await asyncio.to_thread(
            self._client.request, "POST", UPSERT, bodies, {"options": "update"}, self._tenant
        )
        errors = answer.get("errors", []) if isinstance(answer, dict) else []
        refused = {each.get("entityId"): each.get("error", {}) for each in errors}
        return [
            _error(body, refused[body["id"]]) if body["id"] in refused else Written(seq=1, entity=None)
            for body in bodies
        ]


def _error(body: Mapping[str, Any], refusal: Mapping[str, Any]) -> RhineCloudError:
    """Return the error of an entity that the city rejected, as the broker itself would raise it."""
    reason = str(refusal.get("detail") or refusal.get("title"))
    return RhineCloudError(reason) if "type" in body else Invalid(reason, field="type")


def _progress(quiet: bool) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    )
