"""What the broker contributes: `/ngsi-ld/v1`, the past and exports in the people's API, and entities from the start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from pydantic import BaseModel, Field

from rhinecloud.broker.api.history import HistoryQueries, history_routes
from rhinecloud.broker.api.transfer import transfer_routes
from rhinecloud.broker.content import SEEDS, TYPES
from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.errors import MethodNotAllowed
from rhinecloud.broker.http import BrokerApplication
from rhinecloud.broker.http.application import PREFIX as PATH
from rhinecloud.broker.http.rendering import Renderer
from rhinecloud.broker.http.route import HandlerContext, RouteTable
from rhinecloud.broker.http.router import Router
from rhinecloud.broker.id_key import KIND as ID_KEY
from rhinecloud.broker.id_key import read_keyed_ids
from rhinecloud.broker.pseudonym import KIND, Pseudonym, read_pseudonym
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.seeds import read_seeds, seed_entities, seed_of
from rhinecloud.broker.service import Broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.history.port import History
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.kernel.ids import KeyedIds
from rhinecloud.kernel.response_stats import ResponseStats
from rhinecloud.part import CheckFiles, Finding, Mode, OpenPart, Part, PartContext
from rhinecloud.part.metrics import PREFIX, add_histogram
from rhinecloud.policy import Authorization
from rhinecloud.store.port import Store

NGSI_LD = PATH.decode()
ENTITIES = f"{NGSI_LD}/entities"
BATCHES = f"{NGSI_LD}/entityOperations"


class BrokerStatus(BaseModel):
    """What there is in the city."""

    entities: int
    types: dict[str, int] = Field(description="Entities by type, in the city's names")


class BrokerAssembly:
    """The broker of one space with its @contexts, and its HTTP application once every route is known."""

    def __init__(self, context: PartContext) -> None:
        services = context.services
        self._context = context
        own = context.settings.section("broker", BrokerSettings)
        self.settings = replace(own, base_url=(own.base_url or context.addresses.url).rstrip("/"))
        self.store = services.get(Store)
        self.broker = Broker(
            self.store, services.get(Authorization), context.clock, max_attributes=own.max_attributes
        )
        city = {"@context": context.terms}
        self.contexts = Contexts(self.store, self.settings, context.clock, city=city)
        self.table = RouteTable()
        services.add(Broker, self.broker)
        services.add(Contexts, self.contexts)
        services.add(RouteTable, self.table)
        self._application: BrokerApplication | None = None
        self._router: Router | None = None

    @property
    def application(self) -> BrokerApplication:
        """Return the application behind `/ngsi-ld/v1`, made when it is asked for first."""
        if self._application is None:
            handlers = HandlerContext(
                broker=self.broker,
                contexts=self.contexts,
                renderer=Renderer(self.settings.render_cache),
                settings=self.settings,
                clock=self._context.clock,
                started_at=self._context.started_at,
                pseudonym=self._context.services.get(Pseudonym),
            )
            routes = routes_with(self.table.more)
            self._router = Router(routes)
            self._application = BrokerApplication(
                handlers, routes, self._context.access.of_headers, self._context.log_request
            )
        return self._application

    def routers(self) -> list[Any]:
        """Build the broker's routes in the people's API."""
        context = self._context
        past = HistoryQueries(
            context.services.get(History),
            self.broker,
            context.services.get(Authorization),
            context.vocabulary,
            context.space,
        )
        return [history_routes(past, context.access), transfer_routes(self.broker, context.access)]

    async def status(self) -> dict[str, Any]:
        """Return the members of `BrokerStatus`."""
        space, vocabulary = self._context.space, self._context.vocabulary
        types = await self.store.types(space)
        return {
            "entities": await self.store.count(space),
            "types": {vocabulary.compact(name): count for name, count in types.items()},
        }

    async def metrics(self) -> Iterable[Metric]:
        """Return the figures of store, broker and caches."""
        store, statistics, answers = self.store, self.store.statistics, self.application.responses
        commits = HistogramMetricFamily(
            f"{PREFIX}store_commit_duration_seconds", "Time of a commit: what waits for the disk."
        )
        add_histogram(commits, [], statistics.commits)
        entities = GaugeMetricFamily(f"{PREFIX}entities", "Entities by tenant.", labels=["tenant"])
        for tenant in await store.tenants():
            entities.add_metric([tenant], await store.count(tenant))
        lookups = CounterMetricFamily(
            f"{PREFIX}cache_lookups", "Look-ups by cache and outcome.", labels=["cache", "outcome"]
        )
        for name, hits, misses in (
            ("entities", statistics.hits, statistics.misses),
            ("answers", answers.hits, answers.misses),
            ("contexts", self.contexts.hits, self.contexts.misses),
        ):
            lookups.add_metric([name, "hit"], hits)
            lookups.add_metric([name, "miss"], misses)
        return [
            commits,
            CounterMetricFamily(
                f"{PREFIX}store_committed_edits", "Edits that were committed.", statistics.edits
            ),
            GaugeMetricFamily(
                f"{PREFIX}store_commit_group_edits", "Edits in the last group.", statistics.last_edits
            ),
            GaugeMetricFamily(
                f"{PREFIX}store_last_change", "Number of the newest change.", store.last_change()
            ),
            entities,
            lookups,
        ]

    def requests(self) -> Iterable[tuple[str, str, ResponseStats]]:
        """Return what the application counted: method, route and counts."""
        for route, stats in self.application.statistics():
            yield route.verb or "OTHER", f"{NGSI_LD}{route.path}" if route.path else NGSI_LD, stats

    def route_of(self, scope: MutableMapping[str, Any]) -> str:
        """Return the route that a request leads to, '' for none of the broker's."""
        if self._router is None or not scope["raw_path"].startswith(PATH + b"/"):
            return ""
        try:
            found, _ = self._router.find(scope["method"], scope["raw_path"][len(PATH) :])
        except (Invalid, NotFound, MethodNotAllowed):
            return ""
        return NGSI_LD + found.path


@asynccontextmanager
async def open_broker(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the broker of this space; a running city also writes the entities of its folder that are new."""
    made = BrokerAssembly(context)
    runs = context.mode is Mode.RUNNING
    context.services.add(Pseudonym, await read_pseudonym(made.store, made.settings.source_alias, make=runs))
    if runs:
        context.services.add(KeyedIds, await read_keyed_ids(made.store, context.clock))
    seeds = read_seeds(context.folder, context.vocabulary) if context.mode is Mode.RUNNING else []
    await made.contexts.open()
    try:
        if seeds:
            await seed_entities(made.store, made.broker, context.space, seeds, context.vocabulary)
        if context.mode is Mode.RUNNING:
            for item in context.content.of(SEEDS):
                own = item.source.context
                of_pack = [seed_of(fragment, own) for fragment in item.value]
                await seed_entities(made.store, made.broker, context.space, of_pack, own)
        yield OpenPart(
            routers=made.routers() if context.mode is not Mode.READER else (),
            applications=lambda: {"/ngsi-ld/": made.application},
            readable=(ENTITIES,),
            writable=(ENTITIES, BATCHES),
            origins=made.settings.cors_origins,
            workers={"expiry": made.broker.sweep_always},
            status=made.status,
            metrics=made.metrics,
            requests=made.requests,
            route_of=made.route_of,
            refresh=made.contexts.read,
        )
    finally:
        await made.contexts.close()


def check_seeds(files: CheckFiles) -> Iterable[Finding]:
    """Read the entities that the city's folder brings."""
    try:
        yield Finding("entities", f"{len(read_seeds(files.folder, files.vocabulary))} from the start")
    except Invalid as error:
        for each in error.faults:
            yield Finding("entities", each.field or "entities", str(each), True, each.field, each.reason)


PART = Part(
    name="broker",
    summary="The NGSI-LD context broker: the only way to the city's state.",
    open=open_broker,
    content=(TYPES, SEEDS),
    settings={"broker": BrokerSettings},
    records={
        "context": "A hosted or fetched @context.",
        ID_KEY: "The secret key of the ids that the city derives.",
        KIND: "The random part of the city's pseudonym in `Via`.",
        "seed": "Which entities of the folder were written.",
    },
    cached=frozenset({"context"}),
    status=BrokerStatus,
    check=check_seeds,
    modes=frozenset(Mode),
)
